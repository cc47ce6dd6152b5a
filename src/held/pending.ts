import type { Channel, CircuitKey } from '../lnd/port.ts'

/** By circuit, what lnd says of its incoming side, and whether it was forwarded. */
export type PendingCircuits = ReadonlyMap<CircuitKey, { readonly forwarded: boolean }>

/** Every circuit that stands in a channel; what is not in it has left its channel. */
export function pendingCircuits(channels: readonly Channel[]): PendingCircuits {
  const pending = new Map<CircuitKey, { forwarded: boolean }>()
  for (const { chanId, pendingHtlcs } of channels) {
    for (const htlc of pendingHtlcs) {
      if (htlc.incoming) pending.set(`${chanId}:${htlc.htlcIndex}`, { forwarded: htlc.forwardedTo !== undefined })
    }
  }
  return pending
}
