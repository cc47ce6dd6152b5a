import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { FlightRecord } from '../../../src/admin/schema.ts'
import type { OnPayment } from '../ldk/incoming.ts'
import { type Stage, Wallet, type WalletOptions } from '../ldk/wallet.ts'
import { type Network, startNetwork } from '../network.ts'
import { type PaymentResult, payInvoice, resetMissionControl, waitForwarded } from '../payments.ts'
import { type Purchase, purchase } from '../purchase.ts'
import { payOverRoute, probe } from '../routes.ts'
import { Sluiced } from '../sluiced.ts'
import { channelsTo, leases } from '../sold.ts'
import { waitFor } from '../wait.ts'

const STEP_MS = 30_000
const ABSENCE_MS = 5_000
/** Well below the 144 + 40 that a held payment has. */
const BLOCKS_AT_ONCE = 100
const SHORT_HOLD_SECONDS = 3
const TWO_HOURS_MS = 2 * 3_600_000
const CLOCK_HOOK = pathToFileURL(join(import.meta.dirname, '..', 'clock-hook.mjs')).href

type Story = { readonly wallet: Wallet; readonly bought: Purchase }

describe('a sale on the real stack whose payment cannot be delivered', () => {
  let network: Network
  let sluiced: Sluiced
  let wallets: Wallet[] = []
  /** All sales that were paid, for the comparison with lnd's own history. */
  const paid: FlightRecord[] = []

  beforeAll(async () => {
    network = await startNetwork({ log: (line) => process.stderr.write(`${line}\n`) })
    sluiced = new Sluiced(network)
    await sluiced.start()
  })

  afterEach(() => {
    for (const wallet of wallets) wallet.close()
    wallets = []
  })

  afterAll(async () => {
    await sluiced?.stop()
    await network?.stop()
  })

  async function prepare(options: Partial<WalletOptions> & { readonly onPayment?: OnPayment } = {}): Promise<Story> {
    const { onPayment, ...walletOptions } = options
    const wallet = await Wallet.create({ btcd: network.btcd, ...walletOptions })
    wallets.push(wallet)
    await wallet.connect({ nodeId: network.lsp.nodeId, host: '127.0.0.1', port: network.lsp.p2pPort })
    return { wallet, bought: await purchase(wallet, network, onPayment === undefined ? {} : { onPayment }) }
  }

  async function pay({ bought }: Story, invoice = bought.invoice): Promise<PaymentResult> {
    await resetMissionControl(network.payer)
    return payInvoice(network.payer, { invoice })
  }

  /** A further invoice of the wallet for the sale; by default an honest one. */
  function invoiceAgain({ wallet, bought }: Story, amountMsat: bigint = bought.amount): string {
    return wallet.createInvoice({ amountMsat, allowedSkimMsat: bought.fee, hint: bought.hint }).invoice
  }

  const earned = async () => BigInt((await sluiced.status()).earned_msat)

  const peersOf = async () => {
    const { peers } = await network.lsp.call<{ peers: { pub_key: string }[] }>('default', 'listPeers')
    return peers.map(({ pub_key }) => pub_key)
  }

  /** The wallet is off the net, and lnd knows. */
  async function leave({ wallet }: Pick<Story, 'wallet'>): Promise<void> {
    wallet.disconnect()
    await waitForGone({ wallet })
  }

  async function waitForGone({ wallet }: Pick<Story, 'wallet'>): Promise<void> {
    await waitFor(async () => !(await peersOf()).includes(wallet.nodeId), {
      deadline: STEP_MS,
      what: 'lnd to see that the wallet is gone',
    })
  }

  async function waitForHeld(count: number): Promise<void> {
    await waitFor(async () => (await sluiced.status()).held.htlcs === count, {
      deadline: STEP_MS,
      pollMs: 10,
      what: `${count} payments to be held`,
    })
  }

  function expectFailure(result: PaymentResult, code: string, source: 'lsp' | 'wallet' = 'lsp'): void {
    expect(result.succeeded).toBe(false)
    expect(result.attempts.map(({ failure }) => failure)).toMatchObject([
      { code, failure_source_index: source === 'lsp' ? 1 : 2 },
    ])
  }

  /** Nothing of the sale is at lnd: no channel, no transaction, no locked coin. */
  async function expectNothingAtLnd({ wallet }: Story): Promise<void> {
    expect(await channelsTo(network.lsp, wallet.nodeId)).toEqual([])
    expect(await network.lsp.call('default', 'pendingChannels')).toMatchObject({ pending_open_channels: [] })
    expect(await network.btcd.mempool()).toEqual([])
    expect(await leases(network.lsp)).toEqual([])
  }

  /** Nor anything under way at sluiced. */
  async function expectNothing(story: Story): Promise<void> {
    const { wallet } = story
    await expectNothingAtLnd(story)
    expect(await sluiced.status()).toMatchObject({ held: { htlcs: 0 }, funding: {}, outbox_depth: 0 })
    expect(wallet.owned()).toBe(0n)
  }

  /** The sale ends paid: one channel, one transaction, one fee, in the wallet's, lnd's and our own books. */
  async function expectPaid(story: Story, result: PaymentResult, before: bigint): Promise<FlightRecord> {
    const { wallet, bought } = story
    expect(result).toMatchObject({ succeeded: true, amount: bought.amount })
    const received = await wallet.waitForPayment(result.paymentHash)
    expect(received).toMatchObject({ amount: bought.amount - bought.fee, skimmed: bought.fee })
    const sale = await sluiced.waitForSale(bought.scid, 'paid')
    expect(sale).toMatchObject({ fee_msat: `${bought.fee}`, earned_msat: `${bought.fee}` })
    expect(await earned()).toBe(before + bought.fee)
    await expectOneChannel(story, sale)
    await waitForOwned(story)
    paid.push(sale)
    return sale
  }

  /** The wallet has it a little later than the payer knows: its channel agrees on the claim first. */
  async function waitForOwned({ wallet, bought }: Story): Promise<void> {
    const due = bought.amount - bought.fee
    await waitFor(() => wallet.owned() === due, { deadline: STEP_MS, what: `the wallet to own ${due} msat` })
  }

  /** The sale's channel is the only one to the wallet and its transaction the only one to confirm. */
  async function expectOneChannel({ wallet }: Story, sale: FlightRecord): Promise<void> {
    const channels = await channelsTo(network.lsp, wallet.nodeId)
    expect(channels.map(({ channel_point }) => channel_point)).toEqual([sale.funding_outpoint])
    await network.waitInMempool(sale.funding_txid ?? '')
    expect(await network.btcd.mempool()).toEqual([sale.funding_txid])
    await network.mine(1)
    expect(await network.btcd.mempool()).toEqual([])
    await waitFor(async () => (await leases(network.lsp)).length === 0, { deadline: STEP_MS, what: 'no locked coin' })
    await waitFor(async () => Object.keys((await sluiced.status()).funding).length === 0, {
      deadline: STEP_MS,
      what: 'the funding to be confirmed for sluiced',
    })
    expect(await sluiced.status()).toMatchObject({ held: { htlcs: 0 }, outbox_depth: 0 })
  }

  it('holds the payment for an absent wallet and delivers it when the wallet is back 5 s later', async () => {
    const story = await prepare()
    const before = await earned()
    await leave(story)
    const payment = pay(story)
    await waitForHeld(1)
    await sleep(ABSENCE_MS)
    expect(await sluiced.show(story.bought.scid)).toMatchObject({ state: 'awaiting' })
    expect(await channelsTo(network.lsp, story.wallet.nodeId)).toEqual([])
    await story.wallet.reconnect()
    await expectPaid(story, await payment, before)
  })

  it('[L2-82] answers unknown_next_peer when the wallet refuses a zero-conf channel, and leaves nothing', async () => {
    const story = await prepare({ trustsZeroConf: false })
    const before = await earned()
    expectFailure(await pay(story), 'UNKNOWN_NEXT_PEER')
    const sale = await sluiced.waitForSale(story.bought.scid, 'abandoned')
    expect(sale.reason).toMatch(/no zero confirmation channels accepted/i)
    expect(sale.earned_msat).toBeUndefined()
    await expectNothing(story)
    expect(await earned()).toBe(before)
  })

  it('[L2-100] keeps the channel and the fee owed when the wallet fails the payment; the next one pays', async () => {
    const story = await prepare({ onPayment: 'fail' })
    const before = await earned()
    expectFailure(await pay(story), 'INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS', 'wallet')
    const owed = await sluiced.waitForSale(story.bought.scid, 'owed')
    expect(owed.earned_msat).toBeUndefined()
    expect(Date.parse(owed.updated_at)).toBeGreaterThan(Date.parse(owed.created_at))
    expect(await earned()).toBe(before)
    await expectOneChannel(story, owed)
    expect(story.wallet.owned()).toBe(0n)

    const next = await pay(story, invoiceAgain(story))
    expect(next).toMatchObject({ succeeded: true })
    expect(await story.wallet.waitForPayment(next.paymentHash)).toMatchObject({ skimmed: story.bought.fee })
    const sale = await sluiced.waitForSale(story.bought.scid, 'paid')
    expect(sale.funding_outpoint).toBe(owed.funding_outpoint)
    expect(await channelsTo(network.lsp, story.wallet.nodeId)).toHaveLength(1)
    expect(await network.btcd.mempool()).toEqual([])
    expect(await earned()).toBe(before + story.bought.fee)
    await waitForOwned(story)
    paid.push(sale)
  })

  it('survives a probe with a hash that nobody knows, and is paid afterwards', async () => {
    const story = await prepare()
    const before = await earned()
    const attempt = await probe({ ...story, network })
    expect(attempt.failure).toMatchObject({ code: 'INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS', failure_source_index: 2 })
    await sluiced.waitForSale(story.bought.scid, 'owed')
    expect(await earned()).toBe(before)
    await expectPaid(story, await pay(story), before)
  })

  it('opens no channel for a payer who colludes with the wallet: the onion asks for more than came in', async () => {
    const story = await prepare()
    const before = await earned()
    const attempt = await payOverRoute({ ...story, network, amountIn: story.bought.amount - 1n })
    expect(attempt).toMatchObject({
      status: 'FAILED',
      failure: { code: 'UNKNOWN_NEXT_PEER', failure_source_index: 1 },
    })
    expect(await sluiced.show(story.bought.scid)).toMatchObject({ state: 'awaiting' })
    expect(story.wallet.events).toEqual([])
    await expectNothing(story)
    await expectPaid(story, await pay(story), before)
  })

  it('opens no channel for an HTLC with too small an expiry delta', async () => {
    const story = await prepare()
    const before = await earned()
    const attempt = await payOverRoute({ ...story, network, cltvDelta: story.bought.hint.cltvDelta - 1 })
    expect(attempt).toMatchObject({
      status: 'FAILED',
      failure: { code: 'UNKNOWN_NEXT_PEER', failure_source_index: 1 },
    })
    await expectNothing(story)
    await expectPaid(story, await pay(story), before)
  })

  it.each<Stage>(['open-request', 'channel-pending'])(
    '[L2-83] fails the payment with temporary_channel_failure when the wallet vanishes at %s, and sells when it is back',
    async (stage) => {
      const story = await prepare()
      const before = await earned()
      story.wallet.vanishAt(stage)
      const payment = pay(story)
      await story.wallet.waitForEvent(({ type }) => type === stage, `the wallet to see ${stage}`)
      expectFailure(await payment, 'TEMPORARY_CHANNEL_FAILURE')
      const waiting = await sluiced.waitForSale(story.bought.scid, 'awaiting')
      expect(waiting.steps.at(-1)?.detail).toMatchObject({ reason: 'client-gone' })
      await waitFor(async () => Object.keys((await sluiced.status()).funding).length === 0, {
        deadline: STEP_MS,
        what: 'the opening to have ended',
      })
      await expectNothingAtLnd(story)
      await story.wallet.reconnect()
      await expectPaid(story, await pay(story), before)
    },
  )

  it.each<Stage>(['claimable', 'claimed'])('loses nothing when the wallet vanishes at %s', async (stage) => {
    const story = await prepare()
    const before = await earned()
    story.wallet.vanishAt(stage)
    const payment = pay(story)
    await story.wallet.waitForEvent(({ type }) => type === stage, `the wallet to see ${stage}`)
    await waitForGone(story)
    if (stage === 'claimable') expect(await sluiced.show(story.bought.scid)).toMatchObject({ state: 'forwarding' })
    await story.wallet.reconnect()
    await expectPaid(story, await payment, before)
  })

  it('loses nothing when the wallet vanishes at channel-ready', async () => {
    const story = await prepare()
    const before = await earned()
    story.wallet.vanishAt('channel-ready')
    const payment = pay(story)
    await story.wallet.waitForEvent(({ type }) => type === 'channel-ready', 'the wallet to see channel-ready')
    await waitForGone(story)
    await story.wallet.reconnect()
    const result = await payment
    if (result.succeeded) {
      await expectPaid(story, result, before)
    } else {
      // The channel was active for a moment: the payment was on its way over it when the wallet went.
      await sluiced.waitForSale(story.bought.scid, 'owed')
      expect(await earned()).toBe(before)
      await story.wallet.waitForUsableChannel()
      await expectPaid(story, await pay(story), before)
    }
  })

  it('refuses a second payment while the first one is held', async () => {
    const story = await prepare()
    const before = await earned()
    await leave(story)
    const first = pay(story)
    await waitForHeld(1)
    expectFailure(await pay(story, invoiceAgain(story)), 'TEMPORARY_CHANNEL_FAILURE')
    await story.wallet.reconnect()
    await expectPaid(story, await first, before)
  })

  it('fails a held payment before lnd does when blocks run out, and sells when the wallet is back', async () => {
    const story = await prepare()
    const before = await earned()
    await leave(story)
    let result: PaymentResult | undefined
    const payment = pay(story).then((end) => {
      result = end
      return end
    })
    await waitForHeld(1)
    await network.mine(BLOCKS_AT_ONCE)
    for (let block = 0; result === undefined && block < story.bought.hint.cltvDelta; block += 1) await network.mine(1)
    expectFailure(await payment, 'TEMPORARY_CHANNEL_FAILURE')
    const sale = await sluiced.show(story.bought.scid)
    expect(sale).toMatchObject({ state: 'awaiting' })
    expect(sale.steps.at(-1)?.what).toBe('payment failed before lnd would')
    await expectNothing(story)
    await story.wallet.reconnect()
    await story.wallet.waitSynced()
    await expectPaid(story, await pay(story), before)
  })

  describe('without a coin that is confirmed enough', () => {
    beforeAll(async () => {
      await sluiced.stop()
      sluiced = new Sluiced(network, { config: { funding: { min_confs: 1000 } } })
      await sluiced.start()
    })

    it('fails the payment with temporary_channel_failure, and sells once there are coins', async () => {
      const story = await prepare()
      const before = await earned()
      expectFailure(await pay(story), 'TEMPORARY_CHANNEL_FAILURE')
      const sale = await sluiced.waitForSale(story.bought.scid, 'awaiting')
      expect(sale.steps.at(-1)?.detail).toMatchObject({ reason: 'no-coins' })
      await expectNothing(story)
      await sluiced.stop()
      sluiced = new Sluiced(network)
      await sluiced.start()
      await expectPaid(story, await pay(story), before)
    })
  })

  describe('after a restart with a hold of 3 s', () => {
    beforeAll(async () => {
      await sluiced.stop()
      sluiced = new Sluiced(network, { lsps2: { part_hold_seconds: SHORT_HOLD_SECONDS } })
      await sluiced.start()
    })

    it('[L2-60] [L2-63] fails a payment that is too small with temporary_channel_failure after the hold', async () => {
      const story = await prepare()
      const before = await earned()
      const start = performance.now()
      const payment = pay(story, invoiceAgain(story, story.bought.amount - 1n))
      await waitForHeld(1)
      expectFailure(await payment, 'TEMPORARY_CHANNEL_FAILURE')
      expect(performance.now() - start).toBeGreaterThan(SHORT_HOLD_SECONDS * 1_000)
      expect(await sluiced.show(story.bought.scid)).toMatchObject({ state: 'awaiting' })
      await expectNothing(story)
      await expectPaid(story, await pay(story), before)
    })

    it('[L2-61] [L2-62] fails the payment for a wallet that stays away, and sells when it is back', async () => {
      const story = await prepare()
      const before = await earned()
      await leave(story)
      expectFailure(await pay(story), 'TEMPORARY_CHANNEL_FAILURE')
      expect(await sluiced.show(story.bought.scid)).toMatchObject({ state: 'awaiting' })
      await story.wallet.reconnect()
      await expectPaid(story, await pay(story), before)
    })
  })

  it('[L2-70] answers unknown_next_peer after valid_until, here two hours later', async () => {
    const story = await prepare()
    const before = await earned()
    await sluiced.stop()
    await sluiced.start({ NODE_OPTIONS: `--import=${CLOCK_HOOK}`, SLUICE_CLOCK_AHEAD_MS: String(TWO_HOURS_MS) })
    expectFailure(await pay(story), 'UNKNOWN_NEXT_PEER')
    expect(await sluiced.show(story.bought.scid)).toMatchObject({ state: 'abandoned', reason: 'expired' })
    await expectNothing(story)
    expect(await earned()).toBe(before)
  })

  it('leaves the same fees in the journal as in the forwarding history of lnd, each once', async () => {
    const rows = await waitForwarded(network.lsp, paid.length)
    const fees = rows.map(({ chan_id_out, fee_msat }) => [chan_id_out, fee_msat])
    expect(fees.sort()).toEqual(paid.map(({ chan_id, earned_msat }) => [chan_id, earned_msat]).sort())
    const total = rows.reduce((sum, { fee_msat }) => sum + BigInt(fee_msat), 0n)
    expect(await earned()).toBe(total)
  })
})
