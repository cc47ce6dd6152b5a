import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { FlightRecord } from '../../../src/admin/schema.ts'
import { keptOf, readJournal, waitKept } from '../books.ts'
import type { Network } from '../network.ts'
import { payInvoice } from '../payments.ts'
import { type Purchase, purchase } from '../purchase.ts'
import { renewedSelling } from '../renewed.ts'
import { type Attempt, payOverRoute, payParts, probeParts } from '../routes.ts'
import { Sluiced, type SluicedOptions } from '../sluiced.ts'
import { channelsTo, confirmFundings } from '../sold.ts'
import { expectFailure, type Paid, Story, type StoryOptions } from '../story.ts'
import { waitFor } from '../wait.ts'

/** Long enough for three parts one after the other on a slow machine. */
const SHORT_HOLD_SECONDS = 10
const STEP_MS = 60_000
/** Room for a second payment of the same size in the channel. */
const ROOMY = { channel_headroom_sat: '300000' }
/** The least that is left of a part: `htlc_minimum_msat`. */
const LEAST = 1_000n

describe('a payment in several parts on the real stack', () => {
  let network: Network
  let sluiced: Sluiced
  let options: SluicedOptions = { lsps2: ROOMY }
  let stories: Story[] = []
  /** The sales that were paid, what had to stay with the node of each HTLC of them, and how many came later, for free. */
  const paid: { readonly sale: FlightRecord; readonly kept: readonly bigint[]; readonly later: number }[] = []

  renewedSelling({
    network: { foreign: 1 },
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

  /** Each part is held before the next one is sent: the order in which the fee is deducted is known. */
  async function payInOrder(story: Story, parts: readonly bigint[]): Promise<readonly Attempt[]> {
    const attempts: Promise<Attempt>[] = []
    for (const part of parts) {
      attempts.push(payOverRoute({ ...story, part }))
      if (attempts.length < parts.length) await story.waitForHeld(attempts.length)
    }
    return Promise.all(attempts)
  }

  /** `kept`: of each HTLC in the order in which they came. `later`: HTLCs that the test sends afterwards. */
  async function expectPaid(story: Story, result: Paid, kept: readonly bigint[], later = 0): Promise<FlightRecord> {
    const sale = await story.expectPaid(result)
    const { amount, fee } = story.bought
    expect(sale).toMatchObject({ amount_in_msat: `${amount}`, amount_out_msat: `${amount - fee}` })
    paid.push({ sale, kept, later })
    return sale
  }

  it.each([3, 10])('[L2-60] [L2-66] pays for the channel when lnd splits it into %i', async (count) => {
    const story = await prepare()
    const { amount, fee, invoice } = story.bought
    const { paid: soldBefore = 0 } = (await sluiced.status()).sales
    const largest = (amount + BigInt(count) - 1n) / BigInt(count)
    const result = await payInvoice(network.payer, { invoice, maxParts: count, maxPartMsat: largest })
    expect(result.attempts.map(({ status }) => status)).toEqual(Array.from({ length: count }, () => 'SUCCEEDED'))
    const nothing = Array.from({ length: count - 1 }, () => 0n)
    await expectPaid(story, result, [fee, ...nothing])
    expect((await sluiced.status()).sales).toEqual({ paid: soldBefore + 1 })
  })

  it('[L2-92] [L2-96] takes the fee of as many parts as it needs, and leaves the least of each', async () => {
    const story = await prepare()
    const { amount, fee } = story.bought
    const [first, second] = [500_000n, 400_001n]
    const attempts = await payInOrder(story, [first, second, amount - first - second])
    const [ofFirst, ofSecond] = [first - LEAST, second - LEAST]
    await expectPaid(story, paidBy(story.bought, attempts), [ofFirst, ofSecond, fee - ofFirst - ofSecond])
  })

  it('[L2-82] fails all parts with unknown_next_peer when the wallet refuses the channel', async () => {
    const story = await prepare({ trustsZeroConf: false })
    expectAllFailed(await payParts(story, thirds(story)), 'UNKNOWN_NEXT_PEER')
    await story.waitForState('abandoned')
    await story.expectNothing()
  })

  it('[L2-90] [L2-100] survives a probe in three parts, and is paid in three parts afterwards', async () => {
    const story = await prepare()
    expectAllFailed(await probeParts(story, thirds(story)), 'INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS', 'wallet')
    const owed = await story.waitForState('owed')
    await story.expectEarned(0n)
    const attempts = await payInOrder(story, thirds(story))
    const sale = await expectPaid(story, paidBy(story.bought, attempts), [story.bought.fee, 0n, 0n])
    expect(sale.funding_outpoint).toBe(owed.funding_outpoint)
  })

  it('[L2-65] refuses a part that is smaller than any HTLC may be, and takes the others', async () => {
    const story = await prepare()
    const attempt = await payOverRoute({ ...story, part: LEAST - 1n, amountIn: LEAST, paymentHash: 'ab'.repeat(32) })
    expectAllFailed([attempt], 'UNKNOWN_NEXT_PEER')
    await story.expectNothing()
    const attempts = await payInOrder(story, thirds(story))
    await expectPaid(story, paidBy(story.bought, attempts), [story.bought.fee, 0n, 0n])
  })

  it('[L2-71] takes nothing more when the whole payment comes a second time', async () => {
    const story = await prepare()
    const { amount, fee, paymentHash } = story.bought
    const attempts = await payInOrder(story, thirds(story))
    await expectPaid(story, paidBy(story.bought, attempts), [fee, 0n, 0n], 3)
    // Another payer has the same invoice. Whether it is paid twice is for the wallet to say: LDK takes it.
    const again = await payParts({ ...story, payer: network.foreign }, thirds(story))
    expect(again.map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED'])
    expect(await story.wallet.waitForPayment(paymentHash)).toMatchObject({ amount, skimmed: 0n })
    await waitFor(() => story.wallet.owned() === amount - fee + amount, { deadline: STEP_MS, what: 'both payments' })
    await story.expectEarned(fee)
    expect(await story.show()).toMatchObject({ state: 'paid', earned_msat: `${fee}` })
    expect(await channelsTo(network.lsp, story.wallet.nodeId)).toHaveLength(1)
  })

  it('[L2-92] takes one fee of two payers who pay the same invoice at the same time; the wallet takes one payment', async () => {
    const story = await prepare()
    await story.leave()
    const first = payOverRoute(story)
    await story.waitForHeld(1)
    const second = payOverRoute({ ...story, payer: network.foreign })
    await story.waitForHeld(2)
    await story.wallet.reconnect()
    const result = paidBy(story.bought, [await first])
    expectAllFailed([await second], 'INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS', 'wallet')
    await expectPaid(story, result, [story.bought.fee])
  })

  it('sells two channels to one wallet, each paid in three parts', async () => {
    const story = await prepare()
    const { wallet, earnedBefore } = story
    const second = await purchase(wallet, network)
    const both = [story.bought, second]
    expect(new Set(both.map(({ scid }) => scid)).size).toBe(2)
    const attempts = await Promise.all(both.map((bought) => payParts({ network, wallet, bought }, thirds({ bought }))))
    const sales: FlightRecord[] = []
    for (const [index, bought] of both.entries()) {
      const { paymentHash, amount, fee, scid } = bought
      expect(paidBy(bought, attempts[index] ?? [])).toMatchObject({ succeeded: true, amount })
      expect(await wallet.waitForPayment(paymentHash)).toMatchObject({ amount: amount - fee, skimmed: fee })
      const sale = await sluiced.waitForSale(scid, 'paid')
      expect(sale).toMatchObject({ earned_msat: `${fee}`, amount_out_msat: `${amount - fee}` })
      sales.push(sale)
    }
    const owned = both.reduce((sum, { amount, fee }) => sum + amount - fee, 0n)
    await waitFor(() => wallet.owned() === owned, { deadline: STEP_MS, what: `the wallet to own ${owned} msat` })
    expect(BigInt((await sluiced.status()).earned_msat) - earnedBefore).toBe(story.bought.fee + second.fee)
    const channels = await channelsTo(network.lsp, wallet.nodeId)
    const outpoints = sales.map(({ funding_outpoint }) => funding_outpoint)
    expect(channels.map(({ channel_point }) => channel_point).sort()).toEqual(outpoints.sort())
    for (const { funding_txid } of sales) await network.waitInMempool(funding_txid ?? '')
    await confirmFundings(network, sluiced)
  })

  describe('with a hold of a few seconds', () => {
    beforeAll(() => restartWith({ lsps2: { ...ROOMY, part_hold_seconds: SHORT_HOLD_SECONDS } }))
    afterAll(() => restartWith({ lsps2: ROOMY }))

    it('[L2-61] [L2-62] [L2-63] fails parts whose last one is late, and that one as well: it starts anew', async () => {
      const story = await prepare()
      const [first = 0n, second = 0n, last = 0n] = thirds(story)
      expectAllFailed(await payParts(story, [first, second]), 'TEMPORARY_CHANNEL_FAILURE')
      expect(await story.show()).toMatchObject({ state: 'awaiting' })
      expectAllFailed(await payParts(story, [last]), 'TEMPORARY_CHANNEL_FAILURE')
      await story.expectNothing()
      expect(story.wallet.events).toEqual([])
      const attempts = await payInOrder(story, thirds(story))
      await expectPaid(story, paidBy(story.bought, attempts), [story.bought.fee, 0n, 0n])
    })

    it('[L2-60] fails parts that are one millisatoshi short in all', async () => {
      const story = await prepare()
      const [first = 0n, second = 0n, last = 0n] = thirds(story)
      expectAllFailed(await payParts(story, [first, second, last - 1n]), 'TEMPORARY_CHANNEL_FAILURE')
      await story.expectNothing()
      expect(story.wallet.events).toEqual([])
      const attempts = await payInOrder(story, thirds(story))
      await expectPaid(story, paidBy(story.bought, attempts), [story.bought.fee, 0n, 0n])
    })
  })

  it('leaves one entry in the journal for each HTLC, with its circuit, as in the history of lnd', async () => {
    await sluiced.stop()
    const journal = await readJournal(sluiced)
    for (const { sale, kept, later } of paid) {
      const ours = keptOf(journal.filter((entry) => entry.sale === sale.scid))
      expect(ours.map((entry) => entry.kept)).toEqual(kept)
      const theirs = await waitKept(network, [sale.chan_id ?? ''], kept.length + later)
      const circuits = ours.map(({ circuit }) => circuit)
      expect(theirs.filter(({ circuit }) => circuits.includes(circuit))).toEqual(ours)
      const free = theirs.filter(({ circuit }) => !circuits.includes(circuit))
      expect(free.map((entry) => entry.kept)).toEqual(Array.from({ length: later }, () => 0n))
    }
  })
})

/** Three parts of different sizes. */
function thirds({ bought: { amount } }: { readonly bought: Pick<Purchase, 'amount'> }): readonly bigint[] {
  const [first, second] = [40_000_000n, 35_000_001n]
  return [first, second, amount - first - second]
}

function paidBy({ paymentHash, amount }: Purchase, attempts: readonly Attempt[]): Paid {
  expect(attempts.map(({ failure }) => failure).filter((failure) => failure !== null)).toEqual([])
  return { succeeded: attempts.every(({ status }) => status === 'SUCCEEDED'), amount, paymentHash }
}

function expectAllFailed(attempts: readonly Attempt[], code: string, source: 'lsp' | 'wallet' = 'lsp'): void {
  expect(attempts.length).toBeGreaterThan(0)
  for (const attempt of attempts) expectFailure({ succeeded: false, attempts: [attempt] }, code, source)
}
