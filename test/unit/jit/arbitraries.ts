import fc from 'fast-check'
import { msat } from '../../../lsps/base/amount.ts'
import type { JitEvent, Part } from '../../../src/jit/states.ts'
import {
  CHANNEL,
  channelRefused,
  DEAL,
  FEE,
  HEIGHT,
  HELD_AT,
  HOLD_MS,
  PART,
  PENDING_ID,
  SIZE,
  time,
  VALID_UNTIL,
} from './samples.ts'

/** Few circuits, so that events often meet. */
export const CIRCUITS = ['1:1', '1:2', '2:1']

const circuit = fc.constantFrom(...CIRCUITS)
const at = fc
  .constantFrom(HELD_AT, HELD_AT + 1000, HELD_AT + HOLD_MS, VALID_UNTIL - 1, VALID_UNTIL)
  .map((ms) => time(ms))
/** Around what the checks compare. */
const amount = fc
  .constantFrom(0n, 1n, FEE, FEE + DEAL.htlcMinimum, SIZE - FEE, SIZE - 1n, SIZE, SIZE + 7n)
  .map((value) => msat(value))
const height = fc.constantFrom(HEIGHT, HEIGHT + 188, HEIGHT + 189, HEIGHT + 384, HEIGHT + 385)

const anyPart: fc.Arbitrary<Part> = fc.record({
  circuit,
  paymentHash: fc.constant(PART.paymentHash),
  amountIn: fc.oneof({ weight: 3, arbitrary: fc.constant(SIZE) }, { weight: 1, arbitrary: amount }),
  amountOut: fc.oneof({ weight: 3, arbitrary: fc.constant(SIZE) }, { weight: 1, arbitrary: amount }),
  expiryIn: fc.constantFrom(PART.expiryIn, PART.expiryOut, PART.expiryOut + DEAL.cltvExpiryDelta),
  expiryOut: fc.constant(PART.expiryOut),
  autoFailHeight: fc.constant(PART.autoFailHeight),
  heldAt: at,
})

/** Any event that the world may tell a sale, sensible or not. */
export const anyEvent: fc.Arbitrary<JitEvent> = fc.oneof(
  fc
    .record({ part: anyPart, height, clientOnline: fc.boolean() })
    .map((facts) => ({ type: 'part-held' as const, pendingChannelId: PENDING_ID, at: facts.part.heldAt, ...facts })),
  fc
    .record({ height, at })
    .map((facts) => ({ type: 'client-online' as const, pendingChannelId: PENDING_ID, ...facts })),
  fc.record({ type: fc.constantFrom('part-expiring', 'part-gone'), circuit, at }),
  fc.record({ type: fc.constant('deadline'), at }),
  at.map((when) => ({ type: 'channel-active' as const, outpoint: CHANNEL.outpoint, chanId: CHANNEL.chanId, at: when })),
  fc.constantFrom('client-refused', 'client-gone', 'no-coins', 'failed').map((reason) => channelRefused(reason)),
  at.map((when) => ({ type: 'channel-closed' as const, outpoint: CHANNEL.outpoint, at: when })),
  fc.record({ type: fc.constant('alias-added'), at }),
  fc.record({ type: fc.constant('settled'), circuit, amountOut: amount, at }),
  fc.record({ type: fc.constant('failed'), circuit, reason: fc.constant('any'), at }),
)

/** Events of a sale that goes well and is now and then disturbed: reaches the late states more often. */
export const anyStory: fc.Arbitrary<readonly JitEvent[]> = fc.oneof(
  fc.array(anyEvent, { maxLength: 40 }),
  fc
    .tuple(fc.constantFrom(...CIRCUITS), fc.array(fc.array(anyEvent, { maxLength: 2 }), { minLength: 5, maxLength: 5 }))
    .map(([ours, disturbances]) => {
      const part = { ...PART, circuit: ours }
      const course: JitEvent[] = [
        { type: 'part-held', part, height: HEIGHT, clientOnline: true, pendingChannelId: PENDING_ID, at: HELD_AT },
        { type: 'channel-active', outpoint: CHANNEL.outpoint, chanId: CHANNEL.chanId, at: HELD_AT },
        { type: 'alias-added', at: HELD_AT },
        { type: 'failed', circuit: ours, reason: 'any', at: HELD_AT },
        { type: 'settled', circuit: ours, amountOut: msat(SIZE - FEE), at: HELD_AT },
      ]
      return course.flatMap((event, index) => [event, ...(disturbances[index] ?? [])])
    }),
)
