import { msat, type Ppm, sat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { type Scid, scidToNumber } from '../../lsps/base/scid.ts'
import { place } from '../../src/funding/machine.ts'
import { doneFundings, fundingOutbox, liveFundings } from '../../src/funding/records.ts'
import type { ChannelOrder, Funding } from '../../src/funding/states.ts'
import { sell, step } from '../../src/jit/machine.ts'
import { liveSales, outboxTable } from '../../src/jit/records.ts'
import type { Deal, JitEffect, JitEvent, Part, Sale } from '../../src/jit/states.ts'
import type { RawChannel, RawOffer } from '../../src/lnd/raw.ts'
import type { Write } from '../../src/store/port.ts'

/** The height of the chain in this benchmark. */
export const HEIGHT = 800_000
/** The payer's channel, over which all that is held comes in. */
const PAYER_CHANNEL = 878_000_000_000_000_000n
const PAYER = `02${'11'.repeat(32)}`
const FIRST_SCID_BLOCK = 16_000_001
const FIRST_CHANNEL_BLOCK = 700_000n
const DAY_MS = 86_400_000
/** Held shortly before the process died. */
const HELD_MS = 5_000
const PAYMENT = msat(100_000_000n)
const PARTS = 2
const FEE = msat(1_000_000n)
const CAPACITY = sat(161_000n)
const SEQUENCE_DIGITS = 12
/** One of so many clients that bought and were not paid yet is connected. */
const OFFLINE_SHARE = 4

/** How many sales are in which state; the rest waits for its payment with nothing held. */
const KINDS = [
  { kind: 'held', count: 20 },
  { kind: 'opening', count: 20 },
  { kind: 'unbound', count: 5 },
  { kind: 'bound', count: 5 },
  { kind: 'owed', count: 3_950 },
] as const
type Kind = (typeof KINDS)[number]['kind'] | 'awaiting'

/** Sales under way as they are on disk, and what lnd has of them. */
export type Underway = {
  readonly writes: readonly Write[]
  readonly channels: readonly RawChannel[]
  readonly aliases: readonly { readonly base_scid: string; readonly aliases: readonly string[] }[]
  /** Circuits that lnd holds and offers to whoever attaches. */
  readonly held: readonly RawOffer[]
  /** How many of these go on as soon as they are judged: their channels stand. The others wait. */
  readonly due: number
  /** Who is connected. */
  readonly peers: readonly string[]
}

/** The same for the same numbers: once for the disk, once in the process that plays lnd. */
export function underway(count: number, at: number): Underway {
  const writes: Write[] = []
  const channels: RawChannel[] = []
  const aliases: { base_scid: string; aliases: string[] }[] = []
  const held: RawOffer[] = []
  const peers = [PAYER]
  let due = 0
  for (let index = 0; index < count; index += 1) {
    const kind = kindOf(index)
    const deal = dealOf(index, at)
    const parts = kind === 'awaiting' || kind === 'owed' ? [] : partsOf(index, held.length, at)
    const { sale, effects } = saleOf(kind, { deal, parts, index, at })
    writes.push(liveSales.put(deal.scid, sale))
    effects.forEach((effect, n) => {
      writes.push(outboxTable.put(`${deal.scid}/${sequence(index * 10 + n + 1)}`, effect))
    })
    held.push(...parts.map((part) => offerOf(deal, part)))
    if (kind === 'unbound' || kind === 'bound') due += parts.length
    const isChannel = kind === 'unbound' || kind === 'bound' || kind === 'owed'
    if (kind === 'opening' || isChannel) writes.push(...fundingWrites(deal, index, isChannel ? 'confirmed' : 'opening'))
    if (isChannel) channels.push(channelOf(deal, index))
    if (kind === 'bound' || kind === 'owed') {
      aliases.push({ base_scid: String(chanIdOf(index)), aliases: [String(scidToNumber(deal.scid))] })
    }
    if (kind === 'opening' || isChannel || (kind === 'awaiting' && index % OFFLINE_SHARE === 0)) peers.push(deal.client)
  }
  return { writes, channels: [payerChannel(held), ...channels], aliases, held, due, peers }
}

function kindOf(index: number): Kind {
  let first = 0
  for (const { kind, count } of KINDS) {
    first += count
    if (index < first) return kind
  }
  return 'awaiting'
}

const hex = (salt: number, index: number) => `${salt}${index.toString(16).padStart(15, '0')}`.repeat(4)
const sequence = (n: number) => n.toString().padStart(SEQUENCE_DIGITS, '0')
const outpointOf = (index: number) => `${hex(3, index)}:0`
const chanIdOf = (index: number) => ((FIRST_CHANNEL_BLOCK + BigInt(index)) << 40n) | (1n << 16n)

function dealOf(index: number, at: number): Deal {
  return {
    scid: `${FIRST_SCID_BLOCK + ((index * 7919) % 240_000)}x${index}x${(index * 104_729) % 65_536}` as Scid,
    client: `02${hex(1, index)}` as NodeId,
    minFee: FEE,
    proportional: 2500 as Ppm,
    validUntil: (at + DAY_MS) as Timestamp,
    minLifetime: 4320,
    maxClientToSelfDelay: 2016,
    paymentSize: PAYMENT,
    fee: FEE,
    cltvExpiryDelta: 144,
    htlcMinimum: msat(1000n),
    partHold: 90_000,
    reclaimAfter: DAY_MS,
    createdAt: (at - DAY_MS / 2) as Timestamp,
  }
}

/** The payment in halves. */
function partsOf(index: number, firstHtlc: number, at: number): readonly Part[] {
  return Array.from({ length: PARTS }, (_, n) => ({
    circuit: `${PAYER_CHANNEL}:${firstHtlc + n}`,
    paymentHash: hex(2, index),
    amountIn: msat(PAYMENT / BigInt(PARTS)),
    amountOut: msat(PAYMENT / BigInt(PARTS)),
    expiryIn: HEIGHT + 400,
    expiryOut: HEIGHT + 200,
    autoFailHeight: HEIGHT + 390,
    heldAt: (at - HELD_MS) as Timestamp,
  }))
}

type Story = { readonly deal: Deal; readonly parts: readonly Part[]; readonly index: number; readonly at: number }

/** The sale as its machine leaves it, and the effects that it still owes. */
function saleOf(kind: Kind, { deal, parts, index, at }: Story): { sale: Sale; effects: readonly JitEffect[] } {
  const before = (at - HELD_MS) as Timestamp
  const pendingChannelId = hex(4, index)
  const held = parts.map(
    (part): JitEvent => ({
      type: 'part-held',
      part,
      height: HEIGHT,
      clientOnline: kind !== 'held',
      pendingChannelId,
      at: before,
    }),
  )
  const active: JitEvent = {
    type: 'channel-active',
    pendingChannelId,
    outpoint: outpointOf(index),
    chanId: chanIdOf(index),
    at: before,
  }
  const bound: JitEvent = { type: 'alias-added', at: before }
  const events: Readonly<Record<Kind, readonly JitEvent[]>> = {
    awaiting: [],
    held,
    opening: held,
    unbound: [...held, active],
    bound: [...held, active, bound],
    owed: [],
  }
  if (kind === 'owed') return { sale: owed(deal, { chanId: chanIdOf(index), pendingChannelId, index }), effects: [] }
  let sale = sell(deal).state
  let effects: readonly JitEffect[] = []
  for (const event of events[kind]) {
    const done = step(sale, event)
    if (done.ignored !== undefined) throw new Error(`${kind}: ${event.type} was ignored: ${done.ignored}`)
    sale = done.state
    effects = done.effects
  }
  return { sale, effects }
}

/** Its payment failed after the channel was there. */
function owed(
  deal: Deal,
  { chanId, pendingChannelId, index }: { chanId: bigint; pendingChannelId: string; index: number },
): Sale {
  const channel = { outpoint: outpointOf(index), chanId, pendingChannelId }
  return { tag: 'owed', deal, channel, collected: msat(0n), parts: [], bound: true, forwarded: [], refused: [] }
}

function fundingWrites(deal: Deal, index: number, stage: 'opening' | 'confirmed'): readonly Write[] {
  const id = hex(4, index)
  const order: ChannelOrder = {
    pendingChannelId: id,
    owner: deal.scid,
    peer: deal.client,
    capacity: CAPACITY,
    memo: memoOf(deal, index),
    maxLocalCsv: 2016,
    satPerVbyte: 10,
  }
  const { state, effects } = place(order)
  if (stage === 'opening') {
    const owes = effects.map((effect, n) => fundingOutbox.put(`${id}/${sequence(index * 10 + n + 1)}`, effect))
    return [liveFundings.put(id, state), ...owes]
  }
  const confirmed: Funding = { tag: 'confirmed', order, outpoint: outpointOf(index), chanId: chanIdOf(index) }
  return [doneFundings.put(id, confirmed)]
}

function memoOf({ scid, fee }: Deal, index: number): string {
  return `sluice1:jit:${hex(4, index)}:${scid}:${fee}`
}

function channelOf(deal: Deal, index: number): RawChannel {
  return {
    active: true,
    private: true,
    initiator: true,
    remote_pubkey: deal.client,
    channel_point: outpointOf(index),
    chan_id: String(chanIdOf(index)),
    capacity: String(CAPACITY),
    local_balance: String(CAPACITY - 1_000n),
    remote_balance: '0',
    total_satoshis_sent: '0',
    total_satoshis_received: '0',
    lifetime: '0',
    uptime: '0',
    memo: memoOf(deal, index),
    commit_fee: '2810',
    fee_per_kw: '2500',
    local_constraints: { chan_reserve_sat: '2000', max_pending_amt_msat: '198000000', max_accepted_htlcs: 483 },
    pending_htlcs: [],
  }
}

function payerChannel(held: readonly RawOffer[]): RawChannel {
  return {
    active: true,
    private: true,
    initiator: true,
    remote_pubkey: PAYER,
    channel_point: `${'55'.repeat(32)}:1`,
    chan_id: String(PAYER_CHANNEL),
    capacity: '100000000',
    local_balance: '50000000',
    remote_balance: '40000000',
    total_satoshis_sent: '0',
    total_satoshis_received: '0',
    lifetime: '0',
    uptime: '0',
    memo: '',
    commit_fee: '2810',
    fee_per_kw: '2500',
    local_constraints: { chan_reserve_sat: '2000', max_pending_amt_msat: '198000000', max_accepted_htlcs: 483 },
    pending_htlcs: held.map((offer) => ({
      incoming: true,
      amount: String(BigInt(offer.incoming_amount_msat) / 1000n),
      hash_lock: offer.payment_hash,
      expiration_height: offer.incoming_expiry,
      htlc_index: offer.incoming_circuit_key.htlc_id,
      forwarding_channel: '0',
      forwarding_htlc_index: '0',
    })),
  }
}

function offerOf({ scid }: Deal, part: Part): RawOffer {
  const [chan_id = '', htlc_id = ''] = part.circuit.split(':')
  return {
    incoming_circuit_key: { chan_id, htlc_id },
    incoming_amount_msat: String(part.amountIn),
    incoming_expiry: part.expiryIn,
    payment_hash: Buffer.from(part.paymentHash, 'hex'),
    outgoing_requested_chan_id: String(scidToNumber(scid)),
    outgoing_amount_msat: String(part.amountOut),
    outgoing_expiry: part.expiryOut,
    auto_fail_height: part.autoFailHeight,
  }
}
