import { type Sat, sat } from '../../lsps/base/amount.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Channel, Coin, LndPort } from '../lnd/port.ts'

/** What the node said at one moment. */
export type Facts = {
  /** Coins that an opening may spend, nobody has locked them. */
  readonly coins: readonly Coin[]
  readonly anchorReserve: Sat
  /** What its peers could send to it over channels that are up: the most that can be paid to anybody behind it. */
  readonly inbound: Sat
  readonly standing: readonly OwnChannel[]
}

/** A channel that bears our memo (decisions D29). */
export type OwnChannel = { readonly id: string; readonly peer: NodeId; readonly capacity: Sat }

const OWN_MEMO = /^sluice1:[a-z0-9-]+:([0-9a-f]{64}):/

export type FactsPort = Pick<LndPort, 'listUnspent' | 'anchorReserve' | 'listChannels'>

export async function readFacts(lnd: FactsPort, minConfs: number, signal: AbortSignal): Promise<Facts> {
  const [coins, anchorReserve, channels] = await Promise.all([
    lnd.listUnspent(minConfs, signal),
    lnd.anchorReserve(signal),
    lnd.listChannels(signal),
  ])
  return { coins, anchorReserve, inbound: inboundOf(channels), standing: channels.flatMap(ownChannel) }
}

function inboundOf(channels: readonly Channel[]): Sat {
  return sat(channels.reduce((sum, { active, remoteBalance }) => (active ? sum + remoteBalance : sum), 0n))
}

function ownChannel({ memo, peer, capacity }: Channel): readonly OwnChannel[] {
  const id = OWN_MEMO.exec(memo)?.[1]
  return id === undefined ? [] : [{ id, peer, capacity }]
}
