import type { HtlcEvent, LndPort, OnEvent } from '../../../src/lnd/port.ts'
import type { SeededRandom } from '../../../src/sandbox/random.ts'
import type { Passage, StageAction } from '../../../src/sandbox/stages.ts'

/** Passages of calls that are disturbed, per thousand. */
const DISTURBED_PER_MILLE = 12
/** Events that come twice, per thousand. */
const REPEATED_PER_MILLE = 30
const SHORT_DELAY_MS = 300
const LONG_DELAY_MS = 20_000

/** What happens to one passage of a call or of an event; mostly nothing. */
export function disturbance(random: SeededRandom, { call }: Passage): StageAction | undefined {
  if (random.below(1000) >= DISTURBED_PER_MILLE) return undefined
  const which = random.below(20)
  // lnd lists a channel before it forgets its reservation; recovery relies on that.
  if (call === 'node.channelPending') return undefined
  // Blocks come here in milliseconds: a daemon that hears of a hundred at once answers too late, and may; and so does
  // an answer that is under way while they come.
  if (which < 10 && (call === 'subscribeBlocks' || call === 'interceptHtlcs.answer')) return undefined
  if (which < 10) return { type: 'delay', ms: random.below(which < 8 ? SHORT_DELAY_MS : LONG_DELAY_MS) }
  // What lnd tells by itself is not lost while the connection lives; calls and their answers are.
  if (which < 16) return call.startsWith('subscribe') || call.includes('.') ? undefined : { type: 'lose' }
  return { type: which < 19 ? 'kill-client' : 'kill-node' }
}

/**
 * A node that tells some things twice. What became of an HTLC is told again only when the next event comes, late and
 * out of order; that a peer came or went is told twice at once, as it would be a lie later.
 */
export function repeating(port: LndPort, random: SeededRandom): LndPort {
  const isRepeated = () => random.below(1000) < REPEATED_PER_MILLE
  const atOnce =
    <T>(onEvent: OnEvent<T>): OnEvent<T> =>
    (event) => {
      onEvent(event)
      if (isRepeated()) onEvent(event)
    }
  const late = (onEvent: OnEvent<HtlcEvent>): OnEvent<HtlcEvent> => {
    let again: HtlcEvent | undefined
    return (event) => {
      onEvent(event)
      if (again !== undefined) onEvent(again)
      again = isRepeated() ? event : undefined
    }
  }
  return {
    ...port,
    subscribeHtlcEvents: (onEvent, signal) => port.subscribeHtlcEvents(late(onEvent), signal),
    subscribeChannelEvents: (onEvent, signal) => port.subscribeChannelEvents(atOnce(onEvent), signal),
    subscribePeerEvents: (onEvent, signal) => port.subscribePeerEvents(atOnce(onEvent), signal),
    subscribeBlocks: (onEvent, signal) => port.subscribeBlocks(atOnce(onEvent), signal),
  }
}
