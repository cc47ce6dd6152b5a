import type * as ldk from 'lightningdevkit'
import type { HopHint } from './bolt11.ts'
import { hex, optionalU64, reversedHex, u64 } from './runtime.ts'

const MSAT_PER_SAT = 1000n
/** For hints to our own channel: lnd's default. */
const LND_TIME_LOCK_DELTA = 80

export type ChannelView = {
  readonly nodeId: string
  /** `txid:index`. */
  readonly outpoint: string | undefined
  readonly ready: boolean
  /** Ready and connected. */
  readonly usable: boolean
  readonly sat: bigint
  /** Our part of it, to the millisatoshi. */
  readonly owned: bigint
  /** What can be received and sent now, millisatoshi, reserve deducted. */
  readonly inbound: bigint
  readonly outbound: bigint
  /** The short channel id for a route hint to us. */
  readonly inboundScid: bigint | undefined
}

export function viewChannel(channel: ldk.ChannelDetails): ChannelView {
  const outpoint = channel.get_funding_txo() as ldk.OutPoint | null
  return {
    nodeId: hex(channel.get_counterparty().get_node_id()),
    outpoint: outpoint === null ? undefined : `${reversedHex(outpoint.get_txid())}:${outpoint.get_index()}`,
    ready: Boolean(channel.get_is_channel_ready()),
    usable: Boolean(channel.get_is_usable()),
    sat: u64(channel.get_channel_value_satoshis()),
    owned: ownedIn(channel),
    inbound: u64(channel.get_inbound_capacity_msat()),
    outbound: u64(channel.get_outbound_capacity_msat()),
    inboundScid: optionalU64(channel.get_inbound_payment_scid()),
  }
}

/** The way to us for an ordinary invoice: over the usable channel with most room. */
export function hintOf(channels: readonly ChannelView[]): HopHint | undefined {
  const usable = channels.filter((channel) => channel.usable && channel.inboundScid !== undefined)
  const [roomiest] = usable.sort((a, b) => (a.inbound < b.inbound ? 1 : -1))
  if (roomiest?.inboundScid === undefined) return undefined
  const { nodeId, inboundScid } = roomiest
  return { nodeId, scid: inboundScid, feeBaseMsat: 0, feePpm: 0, cltvDelta: LND_TIME_LOCK_DELTA }
}

/**
 * Our part of a channel, to the millisatoshi; HTLCs under way do not count. LDK tells capacities with the reserve
 * already off, and never below zero: so the side that has room is asked.
 */
export function ownedIn(channel: ldk.ChannelDetails): bigint {
  const inbound = u64(channel.get_inbound_capacity_msat())
  if (inbound > 0n) {
    const theirReserve = u64(channel.get_counterparty().get_unspendable_punishment_reserve())
    const arriving = channel.get_pending_inbound_htlcs().reduce((sum, htlc) => sum + u64(htlc.get_amount_msat()), 0n)
    return (u64(channel.get_channel_value_satoshis()) - theirReserve) * MSAT_PER_SAT - inbound - arriving
  }
  const ourReserve = optionalU64(channel.get_unspendable_punishment_reserve()) ?? 0n
  return u64(channel.get_outbound_capacity_msat()) + ourReserve * MSAT_PER_SAT
}
