import type { Channel, Lease, LndPort, Outpoint, PendingChannel } from '../lnd/port.ts'

/** What lnd lists at one block: each list is asked for once, and only if somebody reads it. */
export type Lists = {
  readonly open: () => Promise<ReadonlyMap<Outpoint, Channel>>
  readonly pending: () => Promise<ReadonlyMap<Outpoint, PendingChannel>>
  readonly leases: () => Promise<readonly Lease[]>
  readonly isClosed: (outpoint: Outpoint) => Promise<boolean>
}

export function listsOf(lnd: LndPort, signal: AbortSignal): Lists {
  const closed = once(async () => new Set((await lnd.closedChannels(signal)).map(({ outpoint }) => outpoint)))
  return {
    open: once(async () => byOutpoint(await lnd.listChannels(signal))),
    pending: once(async () => byOutpoint(await lnd.pendingChannels(signal))),
    leases: once(() => lnd.listLeases(signal)),
    isClosed: async (outpoint) => (await closed()).has(outpoint),
  }
}

/**
 * What became of a channel that may be closing; undefined while it is open. Asks in the order in which a channel moves:
 * pending, open, closed.
 */
export async function closeOf(
  lists: Lists,
  outpoint: Outpoint,
): Promise<'channel-closing' | 'channel-closed' | undefined> {
  const pending = await lists.pending()
  if ((await lists.open()).has(outpoint)) return undefined
  if (pending.get(outpoint)?.stage === 'closing') return 'channel-closing'
  return (await lists.isClosed(outpoint)) ? 'channel-closed' : undefined
}

function byOutpoint<T extends { readonly outpoint: Outpoint }>(list: readonly T[]): ReadonlyMap<Outpoint, T> {
  return new Map(list.map((channel) => [channel.outpoint, channel]))
}

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined
  return () => {
    asked ??= ask()
    return asked
  }
}
