import { type Msat, msat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { assertNever, stay } from '../../lsps/base/machine.ts'
import { checkPart, MOST_OVERPAID } from './part-checks.ts'
import {
  belongTogether,
  dropDue,
  dropPart,
  MAX_FORWARDED,
  MAX_PARTS,
  mayBeForwarded,
  refuse,
  takeParts,
  total,
  unheard,
} from './parts.ts'
import { type In, type JitStep, onStanding, to } from './standing.ts'
import type { JitEffect, JitEvent, JitMoney, Part, SentPart } from './states.ts'

type Forwarding = In<'forwarding'>
type PartHeld = Extract<JitEvent, { type: 'part-held' }>

/** A payment is on its way to the client: each of its parts ends by itself, and the last one decides the sale. */
export function onForwarding(sale: Forwarding, event: JitEvent): JitStep {
  switch (event.type) {
    case 'part-held':
      return hear(sale, event)
    case 'alias-added':
      return sale.bound ? stay(sale, 'already bound') : to({ ...sale, bound: true })
    case 'settled': {
      const sentPart = sale.sent.find(({ circuit, end }) => circuit === event.circuit && end === undefined)
      if (sentPart === undefined) return stay(sale, 'not a part on its way')
      // A part that was taken up again from lnd is on record in whole satoshi only.
      const part = { ...sentPart, amountIn: event.amountIn ?? sentPart.amountIn }
      const sent = endPart(sale, part, { type: 'settled', amountOut: event.amountOut })
      return conclude({ ...sale, sent }, event.at, dueOnSettling(sale), [booked(sale, part, event)])
    }
    case 'failed': {
      const part = sale.sent.find(({ circuit, end }) => circuit === event.circuit && end === undefined)
      if (part === undefined) return giveBack(sale, event.circuit, 'lnd does not hold it any more')
      // The wallet (or the way to it) failed it: the channel stays, and what it should have paid stays owed.
      return conclude({ ...sale, sent: endPart(sale, part, { type: 'failed' }) }, event.at)
    }
    case 'part-expiring':
      return giveBack(sale, event.circuit, 'lnd was about to fail it')
    case 'part-gone':
      return giveBack(sale, event.circuit, 'lnd does not hold it any more')
    case 'deadline': {
      const left = dropDue(sale, event.at)
      return left.parts.length === sale.parts.length ? stay(sale, 'not due') : to({ ...sale, ...left })
    }
    case 'client-online':
    case 'channel-active':
    case 'channel-refused':
    case 'channel-closed':
    case 'reclaim-ordered':
      return stay(sale, `forwarding: ${event.type}`)
    default:
      return assertNever(event)
  }
}

/** A late part of the payment goes after the others; another payment waits for what becomes of this one (L2-69). */
function hear(sale: Forwarding, event: PartHeld): JitStep {
  const { deal, sent } = sale
  const coming = unheard(sale, event)
  const [first] = coming
  if (first === undefined) return stay(sale, 'part is known')
  const late = sent.some((other) => belongTogether(deal, other, first))
  if (!late) return to({ ...sale, ...takeParts(sale, coming, { ...event, bound: true }) })
  return to(coming.reduce((now, part) => follow(now, part, event), sale))
}

function follow(sale: Forwarding, part: Part, event: PartHeld): Forwarding {
  const { deal, sent, fee, collected } = sale
  const fault = checkPart(deal, part, { ...event, bound: true }) ?? oneTooMany(sale, part)
  if (fault !== undefined) return { ...sale, ...refuse(sale, [part], fault) }
  // What a failed part should have paid is taken of the part that replaces it.
  const assigned = sent.reduce(
    (sum, other) => (other.end?.type === 'failed' ? sum : sum + other.fee),
    collected as bigint,
  )
  const spare = part.amountOut - deal.htlcMinimum
  const missing = fee > assigned ? fee - assigned : 0n
  return { ...sale, sent: [...sent, { ...part, fee: msat(missing < spare ? missing : spare) }] }
}

function oneTooMany({ deal, sent }: Forwarding, part: Part) {
  const code = 'temporary_channel_failure' as const
  if (sent.length >= MAX_PARTS) return { code, why: 'too many parts were sent' }
  const sum = total([...sent.filter(({ end }) => end?.type !== 'failed'), part])
  if (deal.paymentSize === undefined || sum <= deal.paymentSize * MOST_OVERPAID) return undefined
  return { code, why: `${sum} msat for a payment that was sold as ${deal.paymentSize} msat` }
}

/** Only what cannot have been forwarded is given back: what waits, and while the scid leads nowhere, all of it. */
function giveBack(sale: Forwarding, circuit: string, why: string): JitStep {
  const left = dropPart(sale, circuit, why)
  if (left !== undefined) return to({ ...sale, ...left })
  const part = sale.sent.find((sent) => sent.circuit === circuit && sent.end === undefined)
  if (part === undefined) return stay(sale, 'not a held part')
  if (mayBeForwarded(sale)) return stay(sale, 'may be forwarded already')
  // On record as refused: an answer to a circuit that lnd does not hold would end the stream for the whole node.
  const held = [...sale.sent.map(asPart), ...sale.parts]
  return onStanding({ ...sale, ...dropPart({ parts: held, refused: sale.refused }, circuit, why) } as Forwarding)
}

function asPart({ fee: _, end: __, ...part }: SentPart): Part {
  return part
}

function endPart({ sent }: Forwarding, part: SentPart, end: NonNullable<SentPart['end']>): SentPart[] {
  return sent.map((other) => (other.circuit === part.circuit && other.end === undefined ? { ...part, end } : other))
}

/** bLIP-52: the preimage is known, so what was withheld has to be published (L2-88). */
function dueOnSettling({ deal, sent, channel }: Forwarding): readonly JitEffect[] {
  const first = sent.every(({ end }) => end?.type !== 'settled')
  if (deal.trust !== 'client-trusts-lsp' || !first) return []
  return [{ type: 'publish-funding', pendingChannelId: channel.pendingChannelId }]
}

/** Parts are taken only when they carry what they forward; whatever lnd says, a loss is not booked as a fee. */
function keptOf({ amountIn }: Part, amountOut: Msat): Msat {
  return msat(amountOut < amountIn ? amountIn - amountOut : 0n)
}

function booked({ deal }: Forwarding, part: SentPart, event: Extract<JitEvent, { type: 'settled' }>): JitMoney {
  const { circuit, paymentHash } = part
  const earned = keptOf(part, event.amountOut)
  const openingFee = earned < part.fee ? earned : part.fee
  return {
    type: 'jit-fee',
    sale: deal.scid,
    client: deal.client,
    paymentHash,
    circuit,
    earned,
    openingFee,
    at: event.at,
  }
}

/** When the last part has ended: paid when what settled carried all of the fee, else the rest stays owed. */
function conclude(
  sale: Forwarding,
  at: Timestamp,
  effects: readonly JitEffect[] = [],
  money: readonly JitMoney[] = [],
): JitStep {
  const { deal, channel, sent, fee } = sale
  if (sent.some(({ end }) => end === undefined)) return to(sale, effects, money)
  const settled = sent.flatMap((part) =>
    part.end?.type === 'settled' ? [{ part, amountOut: part.end.amountOut }] : [],
  )
  const collected = msat(settled.reduce((sum, { part }) => sum + part.fee, sale.collected as bigint))
  const [first] = settled
  if (first === undefined || collected < fee) {
    const { parts, bound, refused } = sale
    const forwarded = [...sale.forwarded, ...sent.map(({ circuit }) => circuit)].slice(-MAX_FORWARDED)
    const more = settled.map(({ part, amountOut }) => ({ circuit: part.circuit, amountOut }))
    const delivered = more.length === 0 ? sale.delivered : [...(sale.delivered ?? []), ...more].slice(-MAX_FORWARDED)
    const standing = { deal, channel, collected, parts, bound, forwarded, delivered, refused }
    // A payment that waited goes on only while the offer stands; the end of the offer gives it back.
    if (at < deal.validUntil) return onStanding(standing, effects, money)
    return to({ tag: 'owed', ...standing }, effects, money)
  }
  const sum = (amount: (of: (typeof settled)[number]) => bigint) =>
    msat(settled.reduce((all, of) => all + amount(of), 0n))
  const amountIn = sum(({ part }) => part.amountIn)
  const amountOut = sum((of) => of.amountOut)
  const earned = sum(({ part, amountOut: out }) => keptOf(part, out))
  const { paymentHash } = first.part
  return to({ tag: 'paid', deal, channel, paymentHash, amountIn, amountOut, fee, earned, at }, effects, money)
}
