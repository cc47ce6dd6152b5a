import { type Msat, msat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import { splitFee } from '../../lsps/lsps2/split.ts'
import { openingFee } from './fees.ts'
import { checkPart, hasTimeLeft, MOST_OVERPAID, type PartFacts } from './part-checks.ts'
import type { Deal, Part, Refusal, Sale, SentPart } from './states.ts'

/** HTLCs that one sale holds at once (L2-65). Payers split into 16 at most by default. */
export const MAX_PARTS = 32
/**
 * Refused circuits that a sale remembers, more than it can hold, so that all that it gives back at once get their
 * answer; an older one that is offered again is judged anew, which is safe.
 */
export const MAX_REFUSALS = 64

/** Circuits of ended forwards that a sale remembers, the last ones. */
export const MAX_FORWARDED = 64

/** What a sale holds, and what it has refused. */
export type Holding = { readonly parts: Part[]; readonly refused: Refusal[] }
type Collecting = Holding & { readonly deal: Deal; readonly collected?: Msat }
type Refused = { readonly code: Refusal['code']; readonly why: string }

const TOO_MANY_HELD: Refused = { code: 'temporary_channel_failure', why: 'too many parts are held' }

export function total(parts: readonly Part[]): Msat {
  return msat(parts.reduce((sum, { amountOut }) => sum + amountOut, 0n))
}

/**
 * Parts of one payment hash are one payment (L2-60); without an agreed amount each HTLC is one of its own (L2-67), but
 * not where another channel is sold: its payer may split what it pays as it likes.
 */
export function belongTogether(deal: Deal, a: Part, b: Part): boolean {
  const isOneHtlc = deal.paymentSize === undefined && deal.via === undefined
  return isOneHtlc ? a.circuit === b.circuit : a.paymentHash === b.paymentHash
}

/** The scid that its payers use. */
export function nameOf({ scid, via }: Deal): Scid {
  return via ?? scid
}

/** Whether the scid that payers use leads to the client before this sale has a channel. */
export function leadsToClient({ via }: Deal): boolean {
  return via !== undefined
}

/** The payments that the held parts belong to, in the order of their first parts. */
export function paymentsOf(deal: Deal, parts: readonly Part[]): readonly Part[][] {
  const payments: Part[][] = []
  for (const part of parts) {
    const payment = payments.find(([first]) => first !== undefined && belongTogether(deal, first, part))
    if (payment === undefined) payments.push([part])
    else payment.push(part)
  }
  return payments
}

function isWhole(deal: Deal, payment: readonly Part[]): boolean {
  return deal.paymentSize === undefined || total(payment) >= deal.paymentSize
}

/** The first payment that is all here, and at this height has time left to be forwarded. */
export function wholePayment(deal: Deal, parts: readonly Part[], height?: number): readonly Part[] | undefined {
  return paymentsOf(deal, parts).find(
    (payment) => isWhole(deal, payment) && (height === undefined || payment.every((part) => hasTimeLeft(part, height))),
  )
}

/** What is deducted of each part (L2-96); undefined when they cannot carry what is left of the fee. */
export function deduct(deal: Deal, payment: readonly Part[], collected: Msat): readonly SentPart[] | undefined {
  const fee = openingFee(deal, total(payment))
  if (fee === undefined) return undefined
  const left = msat(fee > collected ? fee - collected : 0n)
  const split = splitFee(
    payment.map(({ amountOut }) => amountOut),
    left,
    deal.htlcMinimum,
  )
  return split?.map(({ extraFee }, index) => ({ ...(payment[index] as Part), fee: extraFee ?? msat(0n) }))
}

/** Of what an event tells of, the parts that the sale has never heard of. */
export function unheard(
  sale: Sale,
  { part, further = [] }: { part: Part; further?: readonly Part[] },
): readonly Part[] {
  const seen = new Set<string>()
  return [part, ...further].filter(({ circuit }) => {
    const isNew = !seen.has(circuit) && !isKnown(sale, circuit)
    seen.add(circuit)
    return isNew
  })
}

export function isKnown(sale: Sale, circuit: string): boolean {
  const isIt = (known: { circuit: string }) => known.circuit === circuit
  return (
    ('parts' in sale && sale.parts.some(isIt)) ||
    ('sent' in sale && sale.sent.some(isIt)) ||
    ('forwarded' in sale && sale.forwarded.includes(circuit)) ||
    ('refused' in sale && sale.refused.some(isIt))
  )
}

/** Once the alias is bound, and before that when lnd let a part go by itself (D2): then it may have let all of them go. */
export function mayBeForwarded({ bound, sent }: Extract<Sale, { tag: 'forwarding' }>): boolean {
  return bound || sent.some(({ end }) => end !== undefined)
}

/** Every circuit that lnd may still hold for the sale: held parts, and those sent whose end is not known. */
export function openParts(sale: Sale): readonly Part[] {
  const sent = 'sent' in sale ? sale.sent.filter(({ end }) => end === undefined) : []
  return 'parts' in sale ? [...sent, ...sale.parts] : sent
}

/** Every circuit that the sale has on record, whatever became of it. */
export function knownCircuits(sale: Sale): readonly string[] {
  const forwarded = 'forwarded' in sale ? sale.forwarded : []
  const sent = 'sent' in sale ? sale.sent.map(({ circuit }) => circuit) : []
  const held = 'parts' in sale ? sale.parts.map(({ circuit }) => circuit) : []
  return [...forwarded, ...sent, ...held]
}

/**
 * Takes in parts of one payment that came together, or refuses them; they may be the last ones of a payment that cannot
 * be served, which then goes whole.
 */
export function takeParts(sale: Collecting, coming: readonly Part[], facts: PartFacts): Holding {
  const { deal, parts } = sale
  const unknown = facts.bound ? 'temporary_channel_failure' : 'unknown_next_peer'
  let { refused }: Holding = sale
  const sound = coming.filter((part) => {
    const fault = checkPart(deal, part, facts)
    if (fault !== undefined) refused = refuse({ parts, refused }, [part], fault).refused
    return fault === undefined
  })
  const [first] = sound
  if (first === undefined) return { parts, refused }
  const payment = [...parts.filter((held) => belongTogether(deal, held, first)), ...sound]
  const tooMuch = overpaid(deal, payment)
  if (tooMuch !== undefined) return refuse({ parts, refused }, sound, { code: unknown, why: tooMuch })
  const tooLittle = uncarried(sale, payment)
  if (tooLittle !== undefined) {
    return refuse({ parts: [...parts, ...sound], refused }, payment, { code: unknown, why: tooLittle })
  }
  if (parts.length + sound.length <= MAX_PARTS) return { parts: [...parts, ...sound], refused }
  return makeRoom({ ...sale, refused }, sound, payment)
}

function overpaid({ paymentSize, via, maxPayment }: Deal, payment: readonly Part[]): string | undefined {
  const sum = total(payment)
  if (paymentSize !== undefined && sum > paymentSize * MOST_OVERPAID)
    return `${sum} msat for a payment that was sold as ${paymentSize} msat`
  if (via === undefined || maxPayment === undefined || sum <= maxPayment) return undefined
  return `${sum} msat, more than the ${maxPayment} msat of the offer`
}

/** Why a payment that is whole is too little for what it has to pay. */
function uncarried({ deal, collected }: Collecting, payment: readonly Part[]): string | undefined {
  if (!isWhole(deal, payment)) return undefined
  const sum = total(payment)
  const { via, minPayment = sum } = deal
  if (via !== undefined && sum < minPayment) return `${sum} msat, less than the ${minPayment} msat of the offer`
  if (deduct(deal, payment, collected ?? msat(0n)) !== undefined) return undefined
  return `${payment.length} parts of ${sum} msat cannot carry the fee`
}

/** Whoever knows the scid could keep the payment out with small change: the smallest other payment gives way. */
function makeRoom(sale: Collecting, coming: readonly Part[], payment: readonly Part[]): Holding {
  const { deal, parts, refused } = sale
  const others = paymentsOf(deal, parts).filter((other) => other.every((part) => !payment.includes(part)))
  const smallest = others.toSorted((a, b) => (total(a) < total(b) ? -1 : 1))[0]
  if (smallest === undefined || total(smallest) >= total(payment)) return refuse(sale, coming, TOO_MANY_HELD)
  const freed = refuse({ parts, refused }, smallest, {
    code: 'temporary_channel_failure',
    why: 'a larger payment came',
  })
  if (freed.parts.length + coming.length > MAX_PARTS) return refuse(freed, coming, TOO_MANY_HELD)
  return { ...freed, parts: [...freed.parts, ...coming] }
}

/** These are not counted on any more, and get this answer from now on. */
export function refuse({ parts, refused }: Holding, gone: readonly Part[], { code, why }: Refused): Holding {
  const circuits = new Set(gone.map(({ circuit }) => circuit))
  const more = gone.map(({ circuit }) => ({ circuit, code, why }))
  return {
    parts: parts.filter(({ circuit }) => !circuits.has(circuit)),
    refused: [...refused, ...more].slice(-MAX_REFUSALS),
  }
}

/** As `refuse`, for a held circuit; undefined when the sale does not hold it. */
export function dropPart(holding: Holding, circuit: string, why: string): Holding | undefined {
  const part = holding.parts.find((held) => held.circuit === circuit)
  return part === undefined ? undefined : refuse(holding, [part], { code: 'temporary_channel_failure', why })
}

/** When the first of the payments has been held long enough (L2-61). */
export function holdUntil(deal: Deal, parts: readonly Part[]): Timestamp | undefined {
  const ends = paymentsOf(deal, parts).map((payment) => endOfHold(deal, payment))
  return ends.length === 0 ? undefined : (Math.min(...ends) as Timestamp)
}

/** When the last of the payments has been held long enough. */
export function lastHoldUntil(deal: Deal, parts: readonly Part[]): Timestamp | undefined {
  const ends = paymentsOf(deal, parts).map((payment) => endOfHold(deal, payment))
  return ends.length === 0 ? undefined : (Math.max(...ends) as Timestamp)
}

/** Gives back each payment that was held long enough, whole: a later part of it starts anew (L2-62). */
export function dropDue(sale: Collecting, at: Timestamp): Holding {
  const why = 'held long enough without a whole payment and its client'
  const due = paymentsOf(sale.deal, sale.parts).filter((payment) => at >= endOfHold(sale.deal, payment))
  return refuse(sale, due.flat(), { code: 'temporary_channel_failure', why })
}

function endOfHold(deal: Deal, payment: readonly Part[]): number {
  return Math.min(...payment.map(({ heldAt }) => heldAt)) + deal.partHold
}
