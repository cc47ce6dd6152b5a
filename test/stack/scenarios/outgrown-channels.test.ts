import { afterEach, describe, expect, it } from 'vitest'
import { Msat, msat, Ppm } from '../../../lsps/base/amount.ts'
import { computeOpeningFee } from '../../../lsps/lsps2/fee.ts'
import { keptOf, readJournal, waitKept } from '../books.ts'
import type { Network } from '../network.ts'
import { type PaymentResult, payInvoice, resetMissionControl } from '../payments.ts'
import { invoiceOptions } from '../purchase.ts'
import { renewedSelling } from '../renewed.ts'
import { OFFER, Sluiced, type SluicedOptions } from '../sluiced.ts'
import { channelsTo, confirmFundings, waitNoLease } from '../sold.ts'
import { NO_ROOM, Story } from '../story.ts'
import { waitFor } from '../wait.ts'

const AMOUNT = 100_000_000n
/** Fits beside the headroom of a first channel. */
const SMALL = 20_000_000n
const FEE: bigint = computeOpeningFee(
  { min_fee_msat: Msat.parse(OFFER.min_fee_msat), proportional: Ppm.parse(OFFER.proportional) },
  msat(AMOUNT),
)
const STEP_MS = 60_000
/** Far less than opening a channel, or holding a payment, would take. */
const AT_ONCE_MS = 5_000

describe('a customer whose channels are too small, on the real stack', () => {
  let network: Network
  let sluiced: Sluiced
  let options: SluicedOptions = { lsps2: { second_channel: 'agreed-terms' } }
  let stories: Story[] = []
  /** What stayed with the node of each HTLC that was forwarded, by channel. */
  let kept: bigint[] = []
  let chanIds: string[] = []

  renewedSelling({
    options: () => options,
    begun: (selling) => {
      ;({ network, sluiced } = selling)
      kept = []
      chanIds = []
    },
    current: () => ({ network, sluiced }),
  })

  afterEach(() => {
    for (const { wallet } of stories) wallet.close()
    stories = []
  })

  /** A wallet whose first channel was paid for. */
  async function begin(): Promise<Story> {
    const story = await Story.begin(network, sluiced, { wanted: { amount: { likely: msat(AMOUNT) } } })
    stories.push(story)
    await expectCharged(story, await pay(AMOUNT, story.bought.invoice))
    await story.waitForState('paid')
    return story
  }

  async function pay(amountMsat: bigint, invoice: string): Promise<PaymentResult> {
    await resetMissionControl(network.payer)
    return payInvoice(network.payer, { invoice, amountMsat })
  }

  /** A further invoice over the same scid. */
  const another = ({ wallet, bought }: Story) => wallet.createInvoice(invoiceOptions(bought.receivable)).invoice

  async function expectCharged({ wallet }: Story, payment: PaymentResult): Promise<void> {
    expect(payment).toMatchObject({ succeeded: true, amount: AMOUNT, fee: 0n })
    expect(await wallet.waitForPayment(payment.paymentHash)).toMatchObject({ amount: AMOUNT - FEE, skimmed: FEE })
    kept.push(FEE)
  }

  async function expectFree({ wallet }: Story, payment: PaymentResult, amount: bigint): Promise<void> {
    expect(payment).toMatchObject({ succeeded: true, amount, fee: 0n })
    expect(await wallet.waitForPayment(payment.paymentHash)).toMatchObject({ amount, skimmed: 0n })
    kept.push(0n)
  }

  async function expectFailsAtOnce(story: Story, amount = AMOUNT): Promise<void> {
    const begun = Date.now()
    const { succeeded, attempts } = await pay(amount, another(story))
    expect(Date.now() - begun).toBeLessThan(AT_ONCE_MS)
    expect(succeeded).toBe(false)
    expect(attempts.map(({ failure }) => failure?.failure_source_index)).toEqual([1])
    expect(NO_ROOM).toContain(attempts[0]?.failure?.code)
  }

  /** So many channels, so much in the wallet, so many fees; nothing is under way and nothing locked. */
  async function expectEnd(story: Story, count: number, owned: bigint): Promise<void> {
    await waitFor(() => story.wallet.owned() === owned, { deadline: STEP_MS, what: `the wallet to own ${owned} msat` })
    await waitFor(async () => Object.keys((await sluiced.status()).sales).every((state) => state === 'paid'), {
      deadline: STEP_MS,
      what: 'all sales to be paid',
    })
    const channels = await channelsTo(network.lsp, story.wallet.nodeId)
    expect(channels).toHaveLength(count)
    chanIds.push(...channels.map(({ chan_id }) => chan_id))
    await story.expectEarned(BigInt(count) * FEE)
    await confirmFundings(network, sluiced)
    await waitNoLease(network.lsp)
    await sluiced.waitIdle()
  }

  it('is paid in full what fits, and gets another channel at the agreed terms for what does not', async () => {
    const story = await begin()
    await expectFree(story, await pay(SMALL, another(story)), SMALL)
    await expectCharged(story, await pay(AMOUNT, another(story)))
    await expectFree(story, await pay(SMALL, another(story)), SMALL)
    await expectEnd(story, 2, 2n * (AMOUNT - FEE) + 2n * SMALL)
  })

  it('gets a channel for each of two payments that come at once', async () => {
    const story = await begin()
    await resetMissionControl(network.payer)
    const invoices = [another(story), another(story)]
    const payments = await Promise.all(
      invoices.map((invoice) => payInvoice(network.payer, { invoice, amountMsat: AMOUNT })),
    )
    for (const payment of payments) await expectCharged(story, payment)
    await expectEnd(story, 3, 3n * (AMOUNT - FEE))
  })

  it('gets one channel, and one fee, also when sluiced is killed while that is opened', async () => {
    const story = await begin()
    const payment = pay(AMOUNT, another(story))
    await waitFor(async () => (await channelsTo(network.lsp, story.wallet.nodeId)).length === 2, {
      deadline: STEP_MS,
      pollMs: 10,
      what: 'the second channel',
    })
    await sluiced.kill()
    await sluiced.start()
    await expectCharged(story, await payment)
    await expectEnd(story, 2, 2n * (AMOUNT - FEE))
  })

  it('fails at once what does not fit where the fee is taken once, and is paid what does [L2-71]', async () => {
    options = {}
    await sluiced.stop()
    sluiced = new Sluiced(network, options)
    await sluiced.start()
    const story = await begin()
    await expectFailsAtOnce(story)
    await expectFree(story, await pay(SMALL, another(story)), SMALL)
    await expectEnd(story, 1, AMOUNT - FEE + SMALL)
  })

  it('leaves in the history of lnd what is in the journal', async () => {
    const written = await waitKept(network, [...new Set(chanIds)], kept.length)
    expect(written.map((row) => row.kept).toSorted()).toEqual(kept.toSorted())
    await sluiced.stop()
    expect(keptOf(await readJournal(sluiced))).toEqual(written.filter((row) => row.kept > 0n))
  })
})
