import { afterEach, describe, expect, it } from 'vitest'
import { Msat, msat, Ppm } from '../../../lsps/base/amount.ts'
import { computeOpeningFee } from '../../../lsps/lsps2/fee.ts'
import type { FlightRecord } from '../../../src/admin/schema.ts'
import { keptOf, readJournal, waitKept } from '../books.ts'
import type { OnPayment } from '../ldk/incoming.ts'
import type { Network } from '../network.ts'
import { type PaymentResult, payInvoice, resetMissionControl } from '../payments.ts'
import { invoiceOptions } from '../purchase.ts'
import { renewedSelling } from '../renewed.ts'
import { OFFER, type Sluiced } from '../sluiced.ts'
import { channelsTo } from '../sold.ts'
import { expectFailure, Story, type StoryOptions } from '../story.ts'
import { waitFor } from '../wait.ts'

const LIKELY = msat(100_000_000n)
/** Its fee is the share, not the least one, and is rounded up. */
const LARGE = 700_000_001n
const SMALL = 20_000_000n
const LEAST = BigInt(OFFER.min_payment_size_msat)
const MOST = BigInt(OFFER.max_payment_size_msat)
const STEP_MS = 60_000

function feeOf(amount: bigint): bigint {
  const offer = { min_fee_msat: Msat.parse(OFFER.min_fee_msat), proportional: Ppm.parse(OFFER.proportional) }
  return computeOpeningFee(offer, msat(amount))
}

/** Of one paid HTLC, by the wallet, the sale, lnd and the journal. Millisatoshi. */
type Forward = { readonly chanId: string; readonly kept: bigint }

describe('an invoice without an amount on the real stack', () => {
  let network: Network
  let sluiced: Sluiced
  let stories: Story[] = []
  /** Everything that was forwarded to the wallets, in order. */
  const forwards: Forward[] = []

  renewedSelling({
    options: () => ({ lsps2: { variable_amount_skim: 'spec' } }),
    begun: (selling) => {
      ;({ network, sluiced } = selling)
      forwards.length = 0
    },
    current: () => ({ network, sluiced }),
  })

  afterEach(() => {
    for (const { wallet } of stories) wallet.close()
    stories = []
  })

  async function prepare(options: StoryOptions = {}): Promise<Story> {
    const story = await Story.begin(network, sluiced, { wanted: { amount: { likely: LIKELY } }, ...options })
    stories.push(story)
    return story
  }

  async function pay(amountMsat: bigint, invoice: string): Promise<PaymentResult> {
    await resetMissionControl(network.payer)
    return payInvoice(network.payer, { invoice, amountMsat })
  }

  /** Another invoice without an amount for the same sale. */
  function another({ wallet, bought }: Story, onPayment: OnPayment = 'claim') {
    return wallet.createInvoice({ ...invoiceOptions(bought.receivable), onPayment })
  }

  /** The fee for what was really paid, in everybody's books. */
  async function expectPaid(story: Story, payment: PaymentResult, amount: bigint): Promise<FlightRecord> {
    const fee = feeOf(amount)
    expect(payment).toMatchObject({ succeeded: true, amount, fee: 0n })
    const received = await story.wallet.waitForPayment(payment.paymentHash)
    expect(received).toMatchObject({ amount: amount - fee, skimmed: fee })
    const sale = await story.waitForState('paid')
    expect(sale).toMatchObject({
      earned_msat: `${fee}`,
      amount_in_msat: `${amount}`,
      amount_out_msat: `${amount - fee}`,
    })
    await story.expectEarned(fee)
    return sale
  }

  async function expectOwned({ wallet }: Story, msats: bigint): Promise<void> {
    await waitFor(() => wallet.owned() === msats, { deadline: STEP_MS, what: `the wallet to own ${msats} msat` })
  }

  it.each([
    ['least', LEAST],
    ['likely', LIKELY],
    ['larger', LARGE],
  ])('[L2-53] is paid with the %s amount, %i msat, less the fee for just that', async (_, amount) => {
    const story = await prepare()
    const sale = await expectPaid(story, await pay(amount, story.bought.invoice), amount)
    await story.expectOneChannel(sale)
    await expectOwned(story, amount - feeOf(amount))
    forwards.push({ chanId: sale.chan_id ?? '', kept: feeOf(amount) })
  })

  it.each([
    ['less than the least', LEAST - 1n],
    ['more than the most', MOST + 1n],
  ])('says unknown_next_peer to %s that may be paid, and sells afterwards', async (_, amount) => {
    const story = await prepare()
    expectFailure(await pay(amount, story.bought.invoice), 'UNKNOWN_NEXT_PEER')
    expect(await story.show()).toMatchObject({ state: 'awaiting' })
    expect(story.wallet.events).toEqual([])
    await story.expectNothing()
    const sale = await expectPaid(story, await pay(LIKELY, story.bought.invoice), LIKELY)
    await story.expectOneChannel(sale)
    forwards.push({ chanId: sale.chan_id ?? '', kept: feeOf(LIKELY) })
  })

  it('opens for the first of two payments that are held, and lets the second one go on without a fee', async () => {
    const story = await prepare()
    await story.leave()
    const first = pay(LIKELY, story.bought.invoice)
    await story.waitForHeld(1)
    const second = pay(SMALL, another(story).invoice)
    await story.waitForHeld(2)
    await story.wallet.reconnect()
    const sale = await expectPaid(story, await first, LIKELY)
    await expectFree(story, await second)
    await story.expectOneChannel(sale)
    const chanId = sale.chan_id ?? ''
    forwards.push({ chanId, kept: feeOf(LIKELY) }, { chanId, kept: 0n })
  })

  it('lets a second payment wait while the first one is under way, and go on without a fee once that is paid', async () => {
    const story = await prepare({ onPayment: 'hold' })
    const first = pay(LIKELY, story.bought.invoice)
    await story.wallet.waitForPayment(story.bought.paymentHash, 'claimable')
    const second = pay(SMALL, another(story).invoice)
    await waitForParts(story, 2)
    expect(await story.show()).toMatchObject({ state: 'forwarding' })
    story.wallet.claim(story.bought.paymentHash)
    const sale = await expectPaid(story, await first, LIKELY)
    await expectFree(story, await second)
    await story.expectOneChannel(sale)
    const chanId = sale.chan_id ?? ''
    forwards.push({ chanId, kept: feeOf(LIKELY) }, { chanId, kept: 0n })
  })

  it('takes the fee of the second payment when the wallet fails the first one', async () => {
    const story = await prepare({ onPayment: 'hold' })
    const first = pay(LIKELY, story.bought.invoice)
    await story.wallet.waitForPayment(story.bought.paymentHash, 'claimable')
    const second = pay(SMALL, another(story).invoice)
    await waitForParts(story, 2)
    story.wallet.fail(story.bought.paymentHash)
    expectFailure(await first, 'INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS', 'wallet')
    const sale = await expectPaid(story, await second, SMALL)
    expect(await channelsTo(network.lsp, story.wallet.nodeId)).toHaveLength(1)
    await story.expectOneChannel(sale)
    await expectOwned(story, SMALL - feeOf(SMALL))
    forwards.push({ chanId: sale.chan_id ?? '', kept: feeOf(SMALL) })
  })

  /** sluiced knows of so many payments for the sale. */
  async function waitForParts(story: Story, count: number): Promise<void> {
    const held = async () => (await story.show()).steps.filter(({ what }) => what.startsWith('payment held')).length
    await waitFor(async () => (await held()) >= count, { deadline: STEP_MS, what: `${count} payments to be held` })
  }

  async function expectFree(story: Story, payment: PaymentResult): Promise<void> {
    expect(payment).toMatchObject({ succeeded: true, amount: SMALL, fee: 0n })
    expect(await story.wallet.waitForPayment(payment.paymentHash)).toMatchObject({ amount: SMALL, skimmed: 0n })
    await expectOwned(story, LIKELY - feeOf(LIKELY) + SMALL)
    await story.expectEarned(feeOf(LIKELY))
  }

  it('leaves in the history of lnd what is in the journal', async () => {
    const chanIds = [...new Set(forwards.map(({ chanId }) => chanId))]
    const written = await waitKept(network, chanIds, forwards.length)
    expect(written.map(({ kept }) => kept)).toEqual(forwards.map(({ kept }) => kept))
    await sluiced.stop()
    expect(keptOf(await readJournal(sluiced))).toEqual(written.filter(({ kept }) => kept > 0n))
  })
})
