import type { Msat } from '../../lsps/base/amount.ts'
import type { Channel, CircuitKey } from '../lnd/port.ts'

/** lnd's channels, and what stands in them: each HTLC by `channel:index`. */
export type Look = {
  readonly channels: readonly Channel[]
  /** Incoming ones, with where they were forwarded to; undefined: nothing was forwarded yet. */
  readonly incoming: ReadonlyMap<CircuitKey, string | undefined>
  readonly outgoing: ReadonlySet<string>
}

export function lookAt(channels: readonly Channel[]): Look {
  const incoming = new Map<CircuitKey, string | undefined>()
  const outgoing = new Set<string>()
  for (const { chanId, pendingHtlcs } of channels) {
    for (const { incoming: isIncoming, htlcIndex, forwardedTo: to } of pendingHtlcs) {
      const key = `${chanId}:${htlcIndex}`
      if (isIncoming) incoming.set(key, to === undefined ? undefined : `${to.channel}:${to.htlcIndex}`)
      else outgoing.add(key)
    }
  }
  return { channels, incoming, outgoing }
}

/** Whether a forward that was let go is on its way, and no balance of the look is without it yet. */
export function isUncounted(circuit: CircuitKey, { incoming, outgoing }: Look): boolean {
  if (!incoming.has(circuit)) return false
  const to = incoming.get(circuit)
  return to === undefined || !outgoing.has(to)
}

/**
 * Whether one of the channels carries the amount, beside what was let go over them and is not counted in them yet. lnd
 * takes any channel of the peer that can: of each of these, the tightest is assumed. Where that is not how it went, a
 * payment may be let go that lnd fails at once; none that would fit is charged for another channel.
 */
export function isCarried(
  amount: Msat,
  channels: readonly Pick<Channel, 'sendable'>[],
  uncounted: readonly Msat[],
): boolean {
  const left = channels.map(({ sendable }) => sendable as bigint)
  for (const other of uncounted.toSorted((a, b) => (a > b ? -1 : 1))) {
    left.sort((a, b) => (a < b ? -1 : 1))
    const tightest = left.findIndex((room) => room >= other)
    if (tightest >= 0) left[tightest] = (left[tightest] ?? 0n) - other
  }
  return left.some((room) => room >= amount)
}
