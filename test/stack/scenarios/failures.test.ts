import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { FlightRecord } from '../../../src/admin/schema.ts'
import { clockAhead } from '../clock.ts'
import type { Stage } from '../ldk/wallet.ts'
import type { Network } from '../network.ts'
import { type PaymentResult, waitForwarded } from '../payments.ts'
import { renewedSelling } from '../renewed.ts'
import { payOverRoute, probe } from '../routes.ts'
import { Sluiced, type SluicedOptions } from '../sluiced.ts'
import { channelsTo, mineSeen } from '../sold.ts'
import { expectFailure, Story, type StoryOptions } from '../story.ts'

const ABSENCE_MS = 5_000
/** Well below the 144 + 40 that a held payment has. */
const BLOCKS_AT_ONCE = 100
const SHORT_HOLD_SECONDS = 5
const SECOND_AMOUNT = 5_000_000n
const TWO_HOURS_MS = 2 * 3_600_000

describe('a sale on the real stack whose payment cannot be delivered', () => {
  let network: Network
  let sluiced: Sluiced
  let options: SluicedOptions = {}
  let stories: Story[] = []
  /** All forwards to sold channels, for the comparison with lnd's own history. */
  const paid: FlightRecord[] = []

  renewedSelling({
    options: () => options,
    begun: (selling) => {
      ;({ network, sluiced } = selling)
      paid.length = 0
    },
    current: () => ({ network, sluiced }),
  })

  afterEach(() => {
    for (const { wallet } of stories) wallet.close()
    stories = []
  })

  async function prepare(wallet?: StoryOptions): Promise<Story> {
    const story = await Story.begin(network, sluiced, wallet)
    stories.push(story)
    return story
  }

  async function restartWith(next: SluicedOptions): Promise<void> {
    options = next
    await sluiced.stop()
    sluiced = new Sluiced(network, options)
    await sluiced.start()
  }

  async function expectPaid(story: Story, result: PaymentResult): Promise<void> {
    paid.push(await story.expectPaid(result))
  }

  it('holds the payment for an absent wallet and delivers it when the wallet is back 5 s later', async () => {
    const story = await prepare()
    await story.leave()
    const payment = story.pay()
    await story.waitForHeld(1)
    await sleep(ABSENCE_MS)
    expect(await story.show()).toMatchObject({ state: 'awaiting' })
    expect(await channelsTo(network.lsp, story.wallet.nodeId)).toEqual([])
    await story.wallet.reconnect()
    await expectPaid(story, await payment)
  })

  it('[L2-82] answers unknown_next_peer when the wallet refuses a zero-conf channel, and leaves nothing', async () => {
    const story = await prepare({ trustsZeroConf: false })
    expectFailure(await story.pay(), 'UNKNOWN_NEXT_PEER')
    const sale = await story.waitForState('abandoned')
    expect(sale.reason).toMatch(/no zero confirmation channels accepted/i)
    expect(sale.earned_msat).toBeUndefined()
    await story.expectNothing()
    expect(story.wallet.channels()).toEqual([])
  })

  it('[L2-100] keeps the channel and the fee owed when the wallet fails the payment; the next one pays', async () => {
    const story = await prepare({ onPayment: 'fail' })
    expectFailure(await story.pay(), 'INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS', 'wallet')
    const owed = await story.waitForState('owed')
    expect(owed.earned_msat).toBeUndefined()
    expect(Date.parse(owed.updated_at)).toBeGreaterThan(Date.parse(owed.created_at))
    await story.expectEarned(0n)
    await story.expectOneChannel(owed)
    expect(story.wallet.owned()).toBe(0n)

    const next = await story.pay(story.invoiceAgain())
    expect(next).toMatchObject({ succeeded: true })
    expect(await story.wallet.waitForPayment(next.paymentHash)).toMatchObject({ skimmed: story.bought.fee })
    const sale = await story.waitForState('paid')
    expect(sale.funding_outpoint).toBe(owed.funding_outpoint)
    expect(await channelsTo(network.lsp, story.wallet.nodeId)).toHaveLength(1)
    expect(await network.btcd.mempool()).toEqual([])
    await story.expectEarned(story.bought.fee)
    await story.waitForOwned()
    paid.push(sale)
  })

  it('survives a probe with a hash that nobody knows, and is paid afterwards', async () => {
    const story = await prepare()
    const { failure } = await probe(story)
    expect(failure).toMatchObject({ code: 'INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS', failure_source_index: 2 })
    await story.waitForState('owed')
    await story.expectEarned(0n)
    await expectPaid(story, await story.pay())
  })

  it('opens no channel for a payer who colludes with the wallet: the onion asks for more than came in', async () => {
    const story = await prepare()
    const { failure } = await payOverRoute({ ...story, amountIn: story.bought.amount - 1n })
    expect(failure).toMatchObject({ code: 'UNKNOWN_NEXT_PEER', failure_source_index: 1 })
    const sale = await story.show()
    expect(sale).toMatchObject({ state: 'awaiting' })
    expect(sale.steps.at(-1)).toMatchObject({ what: 'payment refused' })
    expect(story.wallet.events).toEqual([])
    await story.expectNothing()
    await expectPaid(story, await story.pay())
  })

  it('opens no channel for an HTLC with too small an expiry delta', async () => {
    const story = await prepare()
    const { failure } = await payOverRoute({ ...story, cltvDelta: story.bought.hint.cltvDelta - 1 })
    expect(failure).toMatchObject({ code: 'UNKNOWN_NEXT_PEER', failure_source_index: 1 })
    expect(story.wallet.events).toEqual([])
    await story.expectNothing()
    await expectPaid(story, await story.pay())
  })

  it.each<Stage>(['open-request', 'channel-pending'])(
    '[L2-83] fails the payment with temporary_channel_failure when the wallet vanishes at %s, and sells when it is back',
    async (stage) => {
      const story = await prepare()
      story.wallet.vanishAt(stage)
      const payment = story.pay()
      await story.wallet.waitForEvent(({ type }) => type === stage, `the wallet to see ${stage}`)
      expectFailure(await payment, 'TEMPORARY_CHANNEL_FAILURE')
      const waiting = await story.waitForState('awaiting')
      expect(waiting.steps.at(-1)?.detail).toMatchObject({ reason: 'client-gone' })
      await story.expectNothing()
      await story.wallet.reconnect()
      await expectPaid(story, await story.pay())
    },
  )

  it.each<Stage>(['claimable', 'claimed'])('loses nothing when the wallet vanishes at %s', async (stage) => {
    const story = await prepare()
    story.wallet.vanishAt(stage)
    const payment = story.pay()
    await story.wallet.waitForEvent(({ type }) => type === stage, `the wallet to see ${stage}`)
    await story.waitForGone()
    if (stage === 'claimable') expect(await story.show()).toMatchObject({ state: 'forwarding' })
    await story.wallet.reconnect()
    await expectPaid(story, await payment)
  })

  it('loses nothing when the wallet vanishes at channel-ready', async () => {
    const story = await prepare()
    story.wallet.vanishAt('channel-ready')
    const payment = story.pay()
    await story.wallet.waitForEvent(({ type }) => type === 'channel-ready', 'the wallet to see channel-ready')
    await story.waitForGone()
    await story.wallet.reconnect()
    const result = await payment
    if (result.succeeded) {
      await expectPaid(story, result)
    } else {
      // The channel was active for a moment: the payment was on its way over it when the wallet went.
      await story.waitForState('owed')
      await story.expectEarned(0n)
      await story.wallet.waitForUsableChannel()
      await expectPaid(story, await story.pay())
    }
  })

  it('[L2-69] lets a second payment wait for the first one that is held, and then go on without a fee', async () => {
    const story = await prepare()
    await story.leave()
    const first = story.pay()
    await story.waitForHeld(1)
    const second = story.pay(story.invoiceAgain(SECOND_AMOUNT))
    await story.waitForHeld(2)
    await story.wallet.reconnect()
    const later = await second
    expect(later).toMatchObject({ succeeded: true, amount: SECOND_AMOUNT })
    const received = await story.wallet.waitForPayment(later.paymentHash)
    expect(received).toMatchObject({ amount: SECOND_AMOUNT, skimmed: 0n })
    const sale = await story.expectPaid(await first, { later: SECOND_AMOUNT })
    paid.push(sale, { ...sale, earned_msat: '0' })
  })

  it('fails a held payment before lnd does when blocks run out, and sells when the wallet is back', async () => {
    const story = await prepare()
    await story.leave()
    let result: PaymentResult | undefined
    const payment = story.pay().then((end) => {
      result = end
      return end
    })
    await story.waitForHeld(1)
    await network.mine(BLOCKS_AT_ONCE)
    for (let block = 0; result === undefined && block < story.bought.hint.cltvDelta; block += 1)
      await mineSeen(network, sluiced, 1)
    expectFailure(await payment, 'TEMPORARY_CHANNEL_FAILURE')
    const sale = await story.show()
    expect(sale).toMatchObject({ state: 'awaiting' })
    expect(sale.steps.at(-1)?.what).toBe('payment failed before lnd would')
    await story.expectNothing()
    await story.wallet.reconnect()
    await story.wallet.waitSynced()
    await expectPaid(story, await story.pay())
  })

  it('says no coins with temporary_channel_failure, and sells once there are some', async () => {
    const story = await prepare()
    await restartWith({ config: { funding: { min_confs: 1000 } } })
    expectFailure(await story.pay(), 'TEMPORARY_CHANNEL_FAILURE')
    const sale = await story.waitForState('awaiting')
    expect(sale.steps.at(-1)?.detail).toMatchObject({ reason: 'no-coins' })
    await story.expectNothing()
    await restartWith({})
    await expectPaid(story, await story.pay())
  })

  describe('with a hold of a few seconds', () => {
    beforeAll(() => restartWith({ lsps2: { part_hold_seconds: SHORT_HOLD_SECONDS } }))

    it('[L2-60] [L2-63] fails a payment that is too small with temporary_channel_failure after the hold', async () => {
      const story = await prepare()
      const start = performance.now()
      expectFailure(await story.pay(story.invoiceAgain(story.bought.amount - 1n)), 'TEMPORARY_CHANNEL_FAILURE')
      expect(performance.now() - start).toBeGreaterThan(SHORT_HOLD_SECONDS * 1_000)
      expect(await story.show()).toMatchObject({ state: 'awaiting' })
      await story.expectNothing()
      await expectPaid(story, await story.pay())
    })

    it('[L2-61] [L2-62] fails the payment for a wallet that stays away, and sells when it is back', async () => {
      const story = await prepare()
      await story.leave()
      expectFailure(await story.pay(), 'TEMPORARY_CHANNEL_FAILURE')
      expect(await story.show()).toMatchObject({ state: 'awaiting' })
      await story.expectNothing()
      await story.wallet.reconnect()
      await expectPaid(story, await story.pay())
    })
  })

  it('[L2-70] answers unknown_next_peer after valid_until, here two hours later', async () => {
    const story = await prepare()
    await sluiced.stop()
    await sluiced.start(clockAhead(TWO_HOURS_MS))
    expectFailure(await story.pay(), 'UNKNOWN_NEXT_PEER')
    expect(await story.show()).toMatchObject({ state: 'abandoned', reason: 'expired' })
    await story.expectNothing()
  })

  it('leaves the same fees in the journal as in the forwarding history of lnd, each once', async () => {
    const rows = await waitForwarded(network.lsp, paid.length)
    const fees = rows.map(({ chan_id_out, fee_msat }) => [chan_id_out, fee_msat])
    expect(fees.sort()).toEqual(paid.map(({ chan_id, earned_msat }) => [chan_id, earned_msat]).sort())
    const total = rows.reduce((sum, { fee_msat }) => sum + BigInt(fee_msat), 0n)
    expect((await sluiced.status()).earned_msat).toBe(`${total}`)
  })
})
