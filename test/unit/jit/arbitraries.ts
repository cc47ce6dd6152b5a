import fc from 'fast-check'
import { type Msat, msat } from '../../../lsps/base/amount.ts'
import type { Deal, JitEvent, Part } from '../../../src/jit/states.ts'
import {
  ANOTHER,
  ANY_AMOUNT,
  channelActive,
  channelClosed,
  channelRefused,
  DEAL,
  FEE,
  HEIGHT,
  HELD_AT,
  HOLD_MS,
  OTHER_HASH,
  ofEarlierOrder,
  PART,
  PENDING_ID,
  RECLAIM_AT,
  SIZE,
  time,
  VALID_UNTIL,
} from './samples.ts'

/** Few circuits, so that events often meet. */
export const CIRCUITS = ['1:1', '1:2', '2:1', '2:2']

/** With and without an agreed amount, another channel of a purchase, on trust and not, taken back at the end or not. */
export const anyDeal: fc.Arbitrary<Deal> = fc
  .record({
    base: fc.oneof(
      { weight: 3, arbitrary: fc.constant<Deal>(DEAL) },
      { weight: 1, arbitrary: fc.constant(ANY_AMOUNT) },
      { weight: 1, arbitrary: fc.constant(ANOTHER) },
    ),
    onTrust: fc.boolean(),
    takenBack: fc.boolean(),
  })
  .map(({ base: { reclaimAfter, ...base }, onTrust, takenBack }) => ({
    ...base,
    ...(onTrust ? { trust: 'client-trusts-lsp' as const } : {}),
    ...(takenBack && reclaimAfter !== undefined ? { reclaimAfter } : {}),
  }))

const circuit = fc.constantFrom(...CIRCUITS)
const at = fc
  .constantFrom(HELD_AT, HELD_AT + 1000, HELD_AT + HOLD_MS, VALID_UNTIL - 1, VALID_UNTIL, RECLAIM_AT)
  .map((ms) => time(ms))
/** Around what the checks compare. */
const amount = fc
  .constantFrom(0n, 1n, 999n, 1000n, FEE, FEE + DEAL.htlcMinimum, SIZE / 2n, SIZE - FEE, SIZE - 1n, SIZE, SIZE + 7n)
  .map((value) => msat(value))
const height = fc.constantFrom(HEIGHT, HEIGHT + 188, HEIGHT + 189, HEIGHT + 384, HEIGHT + 385)

const anyPart: fc.Arbitrary<Part> = fc
  .record({
    circuit,
    paymentHash: fc.constantFrom(PART.paymentHash, PART.paymentHash, OTHER_HASH),
    carried: fc.oneof({ weight: 2, arbitrary: fc.constant(SIZE) }, { weight: 2, arbitrary: amount }),
    asked: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: amount }),
    expiryIn: fc.constantFrom(PART.expiryIn, PART.expiryOut, PART.expiryOut + DEAL.cltvExpiryDelta),
    expiryOut: fc.constant(PART.expiryOut),
    autoFailHeight: fc.constant(PART.autoFailHeight),
    heldAt: at,
  })
  .map(({ carried, asked, ...part }) => ({ ...part, amountIn: carried, amountOut: asked ?? carried }))

/** Any event that the world may tell a sale, sensible or not. */
export const anyEvent: fc.Arbitrary<JitEvent> = fc.oneof(
  fc
    .record({ part: anyPart, height, clientOnline: fc.boolean() })
    .map((facts) => ({ type: 'part-held' as const, pendingChannelId: PENDING_ID, at: facts.part.heldAt, ...facts })),
  fc
    .record({ part: anyPart, further: fc.array(anyPart, { maxLength: 3 }), height, clientOnline: fc.boolean() })
    .map(({ further, ...facts }) => ({
      type: 'part-held' as const,
      pendingChannelId: PENDING_ID,
      at: facts.part.heldAt,
      further: further.map((part) => ({ ...part, paymentHash: facts.part.paymentHash })),
      ...facts,
    })),
  fc
    .record({ height, at })
    .map((facts) => ({ type: 'client-online' as const, pendingChannelId: PENDING_ID, ...facts })),
  fc.record({ type: fc.constantFrom('part-expiring', 'part-gone'), circuit, at }),
  fc.record({ type: fc.constantFrom('deadline', 'reclaim-ordered'), at }),
  at.map((when) => ({ ...channelActive(), at: when })),
  fc.constantFrom('client-refused', 'client-gone', 'no-coins', 'failed').map((reason) => channelRefused(reason)),
  at.map((when) => ({ ...channelClosed(), at: when })),
  fc.constantFrom(channelActive(), channelRefused('client-gone'), channelClosed()).map(ofEarlierOrder),
  fc.record({ type: fc.constant('alias-added'), at }),
  fc.record({ type: fc.constant('settled'), circuit, amountOut: amount, at }),
  fc.record({ type: fc.constant('failed'), circuit, reason: fc.constant('any'), at }),
)

const disturbances = (steps: number) =>
  fc.array(fc.array(anyEvent, { maxLength: 2 }), { minLength: steps, maxLength: steps })

/** A sale that goes well, its payment in parts of these shares of a hundred, and is now and then disturbed. */
function course(shares: readonly number[]): JitEvent[] {
  const parts = shares.map((share, index) => {
    const carried = msat((SIZE * BigInt(share)) / 100n) as Msat
    return { ...PART, circuit: CIRCUITS[index] ?? 'none', amountIn: carried, amountOut: carried }
  })
  const held = parts.map((part): JitEvent => {
    return { type: 'part-held', part, height: HEIGHT, clientOnline: true, pendingChannelId: PENDING_ID, at: HELD_AT }
  })
  const [first] = parts
  return [
    ...held,
    { ...channelActive(), at: HELD_AT },
    { type: 'alias-added', at: HELD_AT },
    { type: 'failed', circuit: first?.circuit ?? 'none', reason: 'any', at: HELD_AT },
    ...held.slice(0, 1),
    ...parts.map(({ circuit: ours, amountOut }): JitEvent => {
      return { type: 'settled', circuit: ours, amountOut: msat(amountOut > FEE ? amountOut - FEE : 0n), at: HELD_AT }
    }),
  ]
}

/** A payment that does not wait for its channel, until nobody wants that any more. */
const LEFT: readonly JitEvent[] = [
  { type: 'part-held', part: PART, height: HEIGHT, clientOnline: true, pendingChannelId: PENDING_ID, at: HELD_AT },
  { type: 'part-gone', circuit: PART.circuit, at: HELD_AT },
  { type: 'deadline', at: VALID_UNTIL },
]

/** Events of a sale that goes well and is now and then disturbed: reaches the late states more often. */
export const anyStory: fc.Arbitrary<readonly JitEvent[]> = fc.oneof(
  fc.array(anyEvent, { maxLength: 40 }),
  fc.array(anyEvent, { maxLength: 10 }).map((after) => [...LEFT, ...after]),
  fc
    .tuple(fc.constantFrom([100], [60, 40], [30, 30, 40], [99, 1]), disturbances(10))
    .map(([shares, between]) => course(shares).flatMap((event, index) => [event, ...(between[index] ?? [])])),
)
