import fc from 'fast-check'
import type { OpenFailure, OrderEvent, Terms } from '../../../src/orders/states.ts'
import * as s from './samples.ts'

const MINUTE_MS = 60_000

export const anyTerms: fc.Arbitrary<Terms> = fc.constantFrom(
  s.TERMS,
  s.LIGHTNING_ONLY,
  s.ONCHAIN_ONLY,
  s.ZERO_CONF,
  s.EXTENSION,
)

const anyReceipt = fc.record({
  n: fc.integer({ min: 1, max: 4 }),
  amount: fc.constantFrom(s.TOTAL, s.FEE, s.TOTAL / 2n, s.TOTAL + 5_000n, 400n, s.TOTAL * 3n),
  confirmations: fc.integer({ min: 0, max: 7 }),
  replaceable: fc.boolean(),
})

/** At the one address; an outpoint has one amount, as in the chain. */
const anyReceipts = fc
  .uniqueArray(anyReceipt, { selector: ({ n }) => n, maxLength: 4 })
  .map((list) =>
    list.map(({ n, confirmations, replaceable }) => s.receipt(n, AMOUNTS[n] ?? 1n, { confirmations, replaceable })),
  )

const AMOUNTS: Readonly<Record<number, bigint>> = { 1: s.TOTAL, 2: s.FEE, 3: s.TOTAL + 5_000n, 4: s.TOTAL / 2n }

type Draft = { readonly waited: number; readonly blocks: number; readonly online: boolean; readonly make: Make }
type Make = (over: { at: number; height: number; clientOnline: boolean; pendingChannelId: string }) => OrderEvent

const FAILURES: readonly OpenFailure[] = ['client-refused', 'client-gone', 'no-coins', 'failed', 'closed', 'withdrawn']

const anyMake: fc.Arbitrary<Make> = fc.oneof(
  fc.record({ blocks: fc.constantFrom(20, 60, 120, 288, 1000), short: fc.boolean() }).map(
    ({ blocks, short }): Make =>
      (over) =>
        s.accepted({ ...own(over), heldUntil: over.height + blocks, received: s.TOTAL * 1000n - (short ? 1n : 0n) }),
  ),
  fc.constantFrom('open', 'settled', 'canceled').map(
    (state): Make =>
      (over) =>
        s.invoice(state, own(over)),
  ),
  fc.record({ list: anyReceipts, left: fc.constantFrom(0n, 1_000_000n) }).map(
    ({ list, left }): Make =>
      (over) =>
        s.receipts(list, { ...own(over), zeroConfLeft: left }),
  ),
  fc.constant<Make>((over) => s.deadlineAt(over.at, own(over))),
  fc.constant<Make>((over) => s.blockAt(over.height, own(over))),
  fc.constant<Make>((over) => s.clientOnline(own(over))),
  fc.constant<Make>((over) => s.published(own(over))),
  fc.constantFrom(...FAILURES).map(
    (reason): Make =>
      (over) =>
        s.refused(reason, own(over)),
  ),
  fc.constant<Make>((over) => s.extended(own(over))),
  fc.constant<Make>((over) => s.extendRefused(own(over))),
  fc.constant<Make>((over) => s.settledNow(own(over))),
  fc.constant<Make>((over) => s.cancelledNow(own(over))),
  fc.integer({ min: 1, max: 4 }).map(
    (n): Make =>
      (over) =>
        s.refundSent(n, undefined, own(over)),
  ),
  fc.integer({ min: 1, max: 4 }).map(
    (n): Make =>
      (over) =>
        s.refundDust(n, own(over)),
  ),
  fc.constant<Make>((over) => s.cancelOrder(own(over))),
)

function own(over: Parameters<Make>[0]) {
  return { ...over, at: s.time(over.at) }
}

const anyDraft: fc.Arbitrary<Draft> = fc.record({
  waited: fc.constantFrom(0, 1_000, 31_000, 5 * MINUTE_MS, 50 * MINUTE_MS, 25 * 60 * MINUTE_MS),
  blocks: fc.constantFrom(0, 0, 0, 1, 30, 100),
  online: fc.boolean(),
  make: anyMake,
})

/** Events in the order of time. News of channels are of the one that was named last, or of an older one. */
export const anyStory: fc.Arbitrary<readonly OrderEvent[]> = fc.array(anyDraft, { maxLength: 30 }).map((drafts) => {
  let at = 0
  let height = s.HEIGHT
  return drafts.map(({ waited, blocks, online, make }, index) => {
    at += waited
    height += blocks
    // Channels get one of few names, so that news are often of the right one.
    const pendingChannelId = `${(index % 2) + 1}`.repeat(64)
    return make({ at, height, clientOnline: online, pendingChannelId })
  })
})
