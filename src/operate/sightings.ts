import type { Sat } from '../../lsps/base/amount.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { isMinted } from '../jit/scid.ts'
import type { Channel, CircuitKey, LndPort, Outpoint, PendingChannel, PendingHtlc } from '../lnd/port.ts'
import { type Memo, parseMemo } from './memo.ts'

/** A channel at lnd that carries our memo. `chanId`, capacity and what it sent are known once it is open. */
export type OurChannel = {
  readonly memo: Memo
  readonly text: string
  readonly peer: NodeId
  readonly outpoint: Outpoint
  readonly stage: 'opening' | 'open' | 'closing'
  readonly chanId?: bigint
  readonly capacity?: Sat
  readonly totalSent?: Sat
}

/** A circuit of lnd whose outgoing half stands in a channel now. */
export type InFlight = {
  readonly circuit: CircuitKey
  readonly over: bigint
  readonly incoming: PendingHtlc
  readonly outgoing: PendingHtlc
}

/** What lnd shows of us at one moment. */
export type Sightings = {
  readonly channels: readonly Channel[]
  readonly pending: readonly PendingChannel[]
  readonly ours: readonly OurChannel[]
  readonly inFlight: readonly InFlight[]
  /** The same by the channel that each goes out over; open channels by their id. */
  readonly inFlightOver: ReadonlyMap<bigint, readonly InFlight[]>
  readonly open: ReadonlyMap<bigint, Channel>
  /** HTLCs that stand in an incoming channel, by circuit. */
  readonly incoming: ReadonlySet<CircuitKey>
  /** Aliases that only we give out, and the channel that each leads to. */
  readonly aliases: ReadonlyMap<bigint, bigint>
}

type SightingsPort = Pick<LndPort, 'pendingChannels' | 'listChannels' | 'listAliases'>

/** Pending channels first: one that opens meanwhile is then in one of the lists at least (funding.md, Recover). */
export async function readSightings(lnd: SightingsPort, signal: AbortSignal): Promise<Sightings> {
  const pending = await lnd.pendingChannels(signal)
  const [channels, known] = await Promise.all([lnd.listChannels(signal), lnd.listAliases(signal)])
  const inFlight = circuitsOf(channels)
  const open = channels.flatMap((channel): OurChannel[] => {
    const { memo: text, peer, outpoint, chanId, capacity, totalSent } = channel
    const memo = parseMemo(text)
    return memo === undefined ? [] : [{ memo, text, peer, outpoint, stage: 'open', chanId, capacity, totalSent }]
  })
  const isOpen = new Set(channels.map(({ outpoint }) => outpoint))
  const others = pending.flatMap(({ memo: text, peer, outpoint, stage }): OurChannel[] => {
    const memo = parseMemo(text)
    return memo === undefined || isOpen.has(outpoint) ? [] : [{ memo, text, peer, outpoint, stage }]
  })
  return {
    channels,
    pending,
    ours: [...open, ...others],
    inFlight,
    inFlightOver: byChannel(inFlight),
    open: new Map(channels.map((channel) => [channel.chanId, channel])),
    incoming: new Set(
      channels.flatMap(({ chanId, pendingHtlcs }) =>
        pendingHtlcs.filter(({ incoming }) => incoming).map(({ htlcIndex }) => `${chanId}:${htlcIndex}`),
      ),
    ),
    aliases: new Map(
      known.flatMap(({ base, aliases }) =>
        aliases.filter((alias) => alias !== base && isMinted(alias)).map((alias) => [alias, base] as const),
      ),
    ),
  }
}

function circuitsOf(channels: readonly Channel[]): readonly InFlight[] {
  const outgoing = new Map<string, PendingHtlc>()
  for (const { chanId, pendingHtlcs } of channels) {
    for (const htlc of pendingHtlcs) if (!htlc.incoming) outgoing.set(`${chanId}:${htlc.htlcIndex}`, htlc)
  }
  return channels.flatMap(({ chanId, pendingHtlcs }) =>
    pendingHtlcs.flatMap((htlc): InFlight[] => {
      if (!htlc.incoming || htlc.forwardedTo === undefined) return []
      const { channel: over, htlcIndex } = htlc.forwardedTo
      const half = outgoing.get(`${over}:${htlcIndex}`)
      if (half === undefined) return []
      return [{ circuit: `${chanId}:${htlc.htlcIndex}`, over, incoming: htlc, outgoing: half }]
    }),
  )
}

function byChannel(inFlight: readonly InFlight[]): ReadonlyMap<bigint, readonly InFlight[]> {
  const map = new Map<bigint, InFlight[]>()
  for (const htlc of inFlight) {
    const others = map.get(htlc.over)
    if (others === undefined) map.set(htlc.over, [htlc])
    else others.push(htlc)
  }
  return map
}
