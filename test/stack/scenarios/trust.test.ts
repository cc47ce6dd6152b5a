import { afterEach, describe, expect, it } from 'vitest'
import type { FlightRecord } from '../../../src/admin/schema.ts'
import { EXPIRY_MARGIN_BLOCKS } from '../../../src/funding/follow.ts'
import { clockAhead } from '../clock.ts'
import type { OnPayment } from '../ldk/incoming.ts'
import type { Network } from '../network.ts'
import type { PaymentResult } from '../payments.ts'
import { renewedSelling } from '../renewed.ts'
import type { Sluiced } from '../sluiced.ts'
import { channelsTo, confirmFundings, leases, waitNoLease } from '../sold.ts'
import { expectFailure, Story } from '../story.ts'
import { waitFor } from '../wait.ts'

const STEP_MS = 60_000
const LATER = 5_000_000n
/** Well below the blocks after which the payer would close his channel. */
const MOST_BLOCKS = 60
const BLOCK_MS = 1_000
const TWO_HOURS_MS = 2 * 3_600_000

describe('a sale on the real stack to a wallet that trusts the LSP', () => {
  let network: Network
  let sluiced: Sluiced
  let stories: Story[] = []

  renewedSelling({
    options: () => ({ lsps2: { client_trusts_lsp: true } }),
    begun: (selling) => {
      ;({ network, sluiced } = selling)
    },
    current: () => ({ network, sluiced }),
  })

  afterEach(() => {
    for (const { wallet } of stories) wallet.close()
    stories = []
  })

  async function prepare(onPayment: OnPayment = 'claim'): Promise<Story> {
    const story = await Story.begin(network, sluiced, { onPayment, wanted: { trust: 'allow-client-first' } })
    stories.push(story)
    return story
  }

  /** The channel stands on both sides, its coins are locked, and nobody else in the world has heard of it. */
  async function expectWithheld(story: Story, sale: FlightRecord): Promise<void> {
    expect(sale.terms.client_trusts_lsp).toBe(true)
    const channels = await channelsTo(network.lsp, story.wallet.nodeId)
    expect(channels.map(({ channel_point }) => channel_point)).toEqual([sale.funding_outpoint])
    expect(sale.funding_txid).toMatch(/^[0-9a-f]{64}$/)
    expect(await network.btcd.mempool()).toEqual([])
    expect(await network.btcd.transaction(sale.funding_txid ?? '')).toBeUndefined()
    expect(await leases(network.lsp)).not.toEqual([])
  }

  /** Confirmed coins of lnd's wallet, and what of them is locked, satoshi. */
  async function coins(): Promise<{ readonly confirmed: bigint; readonly locked: bigint }> {
    const balance = await network.lsp.call<{ confirmed_balance: string; locked_balance: string }>(
      'default',
      'walletBalance',
    )
    return { confirmed: BigInt(balance.confirmed_balance), locked: BigInt(balance.locked_balance) }
  }

  /** What the payment leaves in the channel until the wallet decides: the block at which it ends by itself. */
  async function expiryOfPayment(story: Story): Promise<number> {
    const { channels } = await network.lsp.call<{
      channels: { pending_htlcs: { incoming: boolean; expiration_height: number }[] }[]
    }>('default', 'listChannels', { peer: Buffer.from(story.wallet.nodeId, 'hex') })
    const [htlc] = channels.flatMap(({ pending_htlcs }) => pending_htlcs).filter(({ incoming }) => !incoming)
    if (htlc === undefined) throw new Error('there is no payment in the channel')
    return htlc.expiration_height
  }

  it('[L2-49] is not bought by a wallet that does not', async () => {
    await expect(Story.begin(network, sluiced)).rejects.toMatchObject({ failure: { code: 'needs-trust' } })
  })

  it('[L2-86] [L2-88] [L2-101] publishes nothing before the preimage, then all of it; the alias leads there for good', async () => {
    const story = await prepare('hold')
    const { amount, fee, paymentHash } = story.bought
    const payment = story.pay()
    await story.wallet.waitForPayment(paymentHash, 'claimable')
    await expectWithheld(story, await story.waitForState('forwarding'))
    await network.mine(3)
    await expectWithheld(story, await story.waitForState('forwarding'))
    await story.expectEarned(0n)

    story.wallet.claim(paymentHash)
    await story.expectPaid(await payment)
    await story.wallet.waitSynced()
    expect(await story.pay(story.invoiceAgain(LATER))).toMatchObject({ succeeded: true, amount: LATER })
    await waitFor(() => story.wallet.owned() === amount - fee + LATER, {
      deadline: STEP_MS,
      what: 'the second payment to arrive without a fee',
    })
    await story.expectEarned(fee)
  })

  it('publishes what it withheld when the wallet failed the first payment and takes the next', async () => {
    const story = await prepare('fail')
    expectFailure(await story.pay(), 'INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS', 'wallet')
    const owed = await story.waitForState('owed')
    await expectWithheld(story, owed)
    const next = story.buyAgain()
    const result = await story.pay(next.invoice)
    expect(result.paymentHash).toBe(next.paymentHash)
    const sale = await story.expectPaid(result)
    expect(sale.funding_outpoint).toBe(owed.funding_outpoint)
  })

  it('[L2-88] publishes when a wallet sits on the payment until it nearly expires, and is paid by the next', async () => {
    const story = await prepare('hold')
    const payment = story.pay()
    await story.wallet.waitForPayment(story.bought.paymentHash, 'claimable')
    const sale = await story.waitForState('forwarding')
    await story.leave()
    const expiry = await expiryOfPayment(story)
    const left = expiry - (await network.btcd.height())
    await network.mine(left - EXPIRY_MARGIN_BLOCKS - 1)
    await expectWithheld(story, sale)
    await network.mine(1)
    await network.waitInMempool(sale.funding_txid ?? '')

    // LDK has given the payment up meanwhile, and says so once it can.
    await story.wallet.reconnect()
    expectFailure(await payment, 'INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS', 'wallet')
    const owed = await story.waitForState('owed')
    await story.expectEarned(0n)
    await story.expectOneChannel(owed)
    await story.wallet.waitSynced()
    expect(await story.pay(story.invoiceAgain())).toMatchObject({ succeeded: true })
    expect(await story.waitForState('paid')).toMatchObject({ funding_outpoint: sale.funding_outpoint })
    await story.expectEarned(story.bought.fee)
    await story.waitForOwned()
  })

  describe('whose offer ends with nothing paid', () => {
    it('[L2-88] forgets the channel, and has its coins back', async () => {
      const before = await coins()
      const story = await prepare('fail')
      expectFailure(await story.pay(), 'INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS', 'wallet')
      const owed = await story.waitForState('owed')
      await expectWithheld(story, owed)
      expect((await coins()).locked).toBeGreaterThan(0n)

      await sluiced.stop()
      await sluiced.start(clockAhead(TWO_HOURS_MS))
      await story.waitForState('unearned')
      await story.expectNothing()
      const pending = await network.lsp.call<{ waiting_close_channels: object[] }>('default', 'pendingChannels')
      expect(pending.waiting_close_channels).toEqual([])
      await waitFor(() => story.wallet.channels().length === 0, { deadline: STEP_MS, what: 'the wallet to forget it' })
      expect(await network.btcd.transaction(owed.funding_txid ?? '')).toBeUndefined()
      expect(await coins()).toEqual({ confirmed: before.confirmed, locked: 0n })
    })

    it('sells from the same coins again', async () => {
      const story = await prepare()
      await story.expectPaid(await story.pay())
      await confirmFundings(network, sluiced)
    })
  })

  // Last: lnd has coins to sweep afterwards.
  it('[L2-88] gives the payer his money back when a wallet has the payment and never returns', async () => {
    const story = await prepare('hold')
    let result: PaymentResult | undefined
    const payment = story.pay().then((end) => {
      result = end
    })
    await story.wallet.waitForPayment(story.bought.paymentHash, 'claimable')
    const sale = await story.waitForState('forwarding')
    await story.leave()
    await network.mine((await expiryOfPayment(story)) - (await network.btcd.height()) - EXPIRY_MARGIN_BLOCKS)
    await network.waitInMempool(sale.funding_txid ?? '')
    // Nothing but the chain ends it now. Each block waits a little for what lnd has to say to it.
    for (let block = 0; result === undefined && block < MOST_BLOCKS; block += 1) {
      await network.mine(1)
      const ended = waitFor(() => result, { deadline: BLOCK_MS, what: 'the payment to end' })
      await ended.catch(() => undefined)
    }
    await payment
    expect(result).toMatchObject({ succeeded: false })
    expect(await story.waitForState('unearned')).toMatchObject({ funding_outpoint: sale.funding_outpoint })
    await story.expectEarned(0n)
    await confirmFundings(network, sluiced)
    await waitNoLease(network.lsp)
    await sluiced.waitIdle()
  })
})
