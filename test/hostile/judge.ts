import { isUtf8 } from 'node:buffer'
import { TERMS } from './lsp.ts'
import {
  type Buy,
  type Fault,
  feeOf,
  type Id,
  instantOf,
  isObject,
  type Reading,
  readBuy,
  readGetInfo,
  readListProtocols,
  sameOffer,
} from './reading.ts'
import type { SeenScids } from './seen-scids.ts'

type Fields = Readonly<Record<string, unknown>>
export type Offer = { readonly peer: number; readonly wire: Fields; readonly until: number }
export type SaleMade = {
  readonly peer: number
  readonly until: number
  /** Undefined: any amount. */
  readonly size: bigint | undefined
  /** False while it is not known whether it was refused for the number of sales. */
  certain: boolean
  /** Undefined until it was answered. */
  scid: string | undefined
  /** A payment came for it: when it ends depends on more than its offer. */
  touched: boolean
}

/** A result, or the code of an error. */
type Kind = 'result' | number

/** What one message has to be answered; `check` says what is wrong with an answer. */
export type Due = {
  readonly peer: number
  readonly id: Id | null
  /** It may stay unanswered. */
  readonly optional: boolean
  /** It passed framing, limits and parameters: a handler decides. */
  readonly reached: boolean
  /** What an answer may be at all: of two messages of one id, the one with fewer kinds has it that suits both. */
  readonly kinds: readonly Kind[]
  readonly check: (answer: Fields, raw: string) => string | undefined
}

/** One message, with what it says. */
export type Said = { readonly peer: number; readonly type: number; readonly bytes: Buffer; readonly reading: Reading }

type Kept = { readonly at: number; raw: string | undefined; readonly due: Due }
type Customer = { tokens: number; refusals: number; at: number; isLdk: boolean; readonly kept: Map<string, Kept> }
/** `refused` is an error of this code; a list of codes is any of them. */
type Verdict = { readonly codes: readonly number[]; readonly fault?: Fault }

const LSPS_TYPE = 37_913
const MAX_BYTES = 65_533
/** Names beyond this share of a message may be left out of an answer. */
const ALMOST = 0.9
const REJECTED = 1
const BAD_PARAMS = -32_602
const BAD_MESSAGE = -32_700
/** A sale that a payment came for may live on while that is held. */
const TOUCHED_MS = 300_000
const LDK_ID = /^[0-9a-f]{32}$/
const SCID =
  /^160[0-9]{5}x[0-9]{1,8}x[0-9]{1,5}$|^161[0-9]{5}x[0-9]{1,8}x[0-9]{1,5}$|^162[0-4][0-9]{4}x[0-9]{1,8}x[0-9]{1,5}$/
const PROMISE = /^[ !#-[\]-~]{1,512}$/
const NAMED_ONCE = /"method"\s*:\s*"lsps2\.buy"/

/** Knows what every peer was told and did, and so what each of its messages is due; it never asks the sidecar. */
export class Judge {
  readonly offers: Offer[] = []
  readonly sales: SaleMade[] = []
  readonly #customers = new Map<number, Customer>()
  readonly #scids: SeenScids

  constructor(scids: SeenScids) {
    this.#scids = scids
  }

  /** Undefined: it must stay unanswered. `busy`: so many of this peer's came at once that it may be told to wait. */
  hear(
    { peer, type, bytes, reading }: Said,
    { now, busy }: { readonly now: number; readonly busy: boolean },
  ): Due | undefined {
    if (type !== LSPS_TYPE) return undefined
    if (reading.type === 'response') return undefined
    const customer = this.#customer(peer, now)
    if (reading.type === 'bad') {
      if (spend(customer, now) !== 'admitted') return undefined
      return { peer, id: null, optional: busy, reached: false, kinds: [BAD_MESSAGE], check: checkBad }
    }
    const { id, method, params } = reading
    const place = bytes.toString('latin1')
    // Written with escapes it is a purchase all the same, but none that is recognised again (L0-44 is a "should").
    const purchase = method === 'lsps2.buy' && bytes.length <= TERMS.keptRequestBytes && NAMED_ONCE.test(place)
    const kept = purchase ? customer.kept.get(place) : undefined
    const isKept = kept !== undefined && now - kept.at < TERMS.keptReplyMs
    const spent = spend(customer, now)
    if (spent === 'unheard') return undefined
    const admitted = spent === 'admitted'
    if (!isKept || !admitted) observe(customer, id, method, params)
    if (!admitted) return this.#refusal(peer, id, customer)
    if (isKept) return repeated(kept, busy, dataRule(customer))
    const due = this.#request(peer, { id, method, params }, { now, busy, customer })
    if (!purchase) return due
    const entry: Kept = { at: now, raw: undefined, due }
    customer.kept.set(place, entry)
    const check: Due['check'] = (answer, raw) => {
      // What failed may be tried again.
      if ('result' in answer) entry.raw = raw
      else customer.kept.delete(place)
      return due.check(answer, raw)
    }
    return { ...due, check }
  }

  /** What is wrong with the bytes of an answer, before anybody asks whose it is. */
  static parse(data: Uint8Array): { readonly answer: Fields; readonly raw: string } | string {
    const bytes = Buffer.from(data)
    if (bytes.length > MAX_BYTES || !isUtf8(bytes) || bytes.includes(0))
      return `an answer of ${bytes.length} bytes that is no message`
    const raw = bytes.toString('utf8')
    let answer: unknown
    try {
      answer = JSON.parse(raw)
    } catch {
      return `an answer that is not JSON: ${raw.slice(0, 200)}`
    }
    if (!isObject(answer)) return `an answer that is no object: ${raw.slice(0, 200)}`
    const keys = Object.keys(answer).sort().join()
    const isOne = keys === 'id,jsonrpc,result' || keys === 'error,id,jsonrpc'
    const { jsonrpc } = answer
    if (!isOne || jsonrpc !== '2.0') return `an answer of the wrong shape: ${raw.slice(0, 200)}`
    return { answer, raw }
  }

  #customer(peer: number, now: number): Customer {
    const known = this.#customers.get(peer)
    if (known !== undefined) return known
    const customer: Customer = { tokens: TERMS.burst, refusals: TERMS.burst, at: now, isLdk: false, kept: new Map() }
    this.#customers.set(peer, customer)
    return customer
  }

  #refusal(peer: number, id: Id, customer: Customer): Due {
    const dataFor = dataRule(customer)
    const check: Due['check'] = (answer) => wrongError(answer, { codes: [REJECTED] }, dataFor)
    return { peer, id, optional: false, reached: false, kinds: [REJECTED], check }
  }

  #request(
    peer: number,
    { id, method, params }: { readonly id: Id; readonly method: string; readonly params: unknown },
    { now, busy, customer }: { readonly now: number; readonly busy: boolean; readonly customer: Customer },
  ): Due {
    const dataFor = dataRule(customer)
    const due = (reached: boolean, kinds: readonly Kind[], check: Due['check']): Due => ({
      peer,
      id,
      optional: false,
      reached,
      kinds: busy && !kinds.includes(REJECTED) ? [...kinds, REJECTED] : kinds,
      check: (answer, raw) =>
        busy && codeOf(answer) === REJECTED ? wrongError(answer, { codes: [REJECTED] }, dataFor) : check(answer, raw),
    })
    const fails = (verdict: Verdict, reached = true) =>
      due(reached, verdict.codes, (answer) => wrongError(answer, verdict, dataFor))
    switch (method) {
      case 'lsps0.list_protocols': {
        const fault = readListProtocols(params)
        if (fault !== undefined) return fails({ codes: [BAD_PARAMS], fault }, false)
        return due(true, ['result'], (answer) =>
          wrongResult(answer, ({ protocols }) => JSON.stringify(protocols) === '[2]'),
        )
      }
      case 'lsps2.get_info': {
        const request = readGetInfo(params)
        if ('unrecognized' in request) return fails({ codes: [BAD_PARAMS], fault: request }, false)
        return request.token === undefined
          ? due(true, ['result'], (answer) => this.#menu(answer, peer, now))
          : fails({ codes: [200] })
      }
      case 'lsps2.buy': {
        const request = readBuy(params)
        if ('unrecognized' in request) return fails({ codes: [BAD_PARAMS], fault: request }, false)
        return this.#buy({ peer, request, now, busy }, due, fails)
      }
      default:
        return fails({ codes: [-32_601] }, false)
    }
  }

  #menu(answer: Fields, peer: number, now: number): string | undefined {
    return wrongResult(answer, ({ opening_fee_params_menu: menu }) => {
      if (!Array.isArray(menu) || menu.length !== TERMS.offers.length) return false
      return TERMS.offers.every(({ valid_for_seconds, ...terms }, index) => {
        const { promise, valid_until, ...rest }: Fields = menu[index] ?? {}
        const names = Object.keys(terms) as (keyof typeof terms)[]
        if (Object.keys(rest).length !== names.length || names.some((name) => rest[name] !== terms[name])) return false
        const until = instantOf(valid_until) ?? 0
        const due = now + valid_for_seconds * 1000
        // Never up to a whole second (L2-08), and in the one form that writers may use (L0-78).
        if (until < due || until > due + 1 || until % 1000 === 0 || new Date(until).toISOString() !== valid_until)
          return false
        if (typeof promise !== 'string' || !PROMISE.test(promise)) return false
        this.offers.push({ peer, wire: menu[index], until })
        return true
      })
    })
  }

  /** In the order of row L2-46. */
  #buy(
    { peer, request, now, busy }: { peer: number; request: Buy; now: number; busy: boolean },
    due: (reached: boolean, kinds: readonly Kind[], check: Due['check']) => Due,
    fails: (verdict: Verdict) => Due,
  ): Due {
    const { least, most } = this.#liveSales(peer, now)
    if (least >= TERMS.maxLiveSalesPerPeer) return fails({ codes: [REJECTED] })
    const mayBeFull = most >= TERMS.maxLiveSalesPerPeer
    const verdict = this.#verdict(peer, request, now)
    if (typeof verdict === 'number') return fails({ codes: mayBeFull ? [verdict, REJECTED] : [verdict] })
    const certain = !mayBeFull && !busy
    const sale: SaleMade = { ...verdict, peer, certain, scid: undefined, touched: false }
    this.sales.push(sale)
    return due(true, certain ? ['result'] : ['result', REJECTED], (answer) => {
      if (!certain && codeOf(answer) === REJECTED) {
        this.sales.splice(this.sales.indexOf(sale), 1)
        return undefined
      }
      return this.#sold(answer, sale)
    })
  }

  #sold(answer: Fields, sale: SaleMade): string | undefined {
    return wrongResult(
      answer,
      ({ jit_channel_scid: scid, lsp_cltv_expiry_delta: delta, client_trusts_lsp: trusts }) => {
        if (typeof scid !== 'string' || !SCID.test(scid) || !this.#scids.add(scid)) return false
        sale.scid = scid
        return delta === TERMS.cltvExpiryDelta && trusts === false
      },
    )
  }

  /** The error that is due, or what is sold. */
  #verdict(
    peer: number,
    { offer, size }: Buy,
    now: number,
  ): number | { readonly until: number; readonly size: bigint | undefined } {
    const { valid_until, min_payment_size_msat: least, max_payment_size_msat: most } = offer
    const until = instantOf(valid_until) ?? 0
    const isOurs = this.offers.some((known) => known.peer === peer && sameOffer(known.wire, offer))
    if (now > until || !isOurs) return 201
    if (size === undefined) return { until, size } // the payment decides
    const fee = feeOf(offer, size)
    if (size < BigInt(String(least))) return 202
    if (size > BigInt(String(most)) || fee === undefined) return 203
    return fee >= size ? 202 : { until, size }
  }

  #liveSales(peer: number, now: number): { readonly least: number; readonly most: number } {
    let least = 0
    let most = 0
    for (const { peer: buyer, until, certain, touched } of this.sales) {
      // A payment that came to nothing makes its client wait for a while.
      if (buyer === peer && touched) most = TERMS.maxLiveSalesPerPeer
      if (buyer !== peer) continue
      if (certain && !touched && now < until) least += 1
      if (now < (touched ? until + TOUCHED_MS : until)) most += 1
    }
    return { least, most }
  }
}

/** The first answer again, byte for byte (L0-44). One that was an error may be given anew: by now there may be too many. */
function repeated(kept: Kept, busy: boolean, dataFor: DataRule): Due {
  const check: Due['check'] = (answer, raw) => {
    if (kept.raw === raw || (busy && codeOf(answer) === REJECTED)) return undefined
    if (kept.raw === undefined && codeOf(answer) === REJECTED) return wrongError(answer, { codes: [REJECTED] }, dataFor)
    if (kept.raw === undefined) return kept.due.check(answer, raw)
    return `a repeated purchase was answered differently: first ${kept.raw}, now ${raw}`
  }
  return { ...kept.due, optional: busy, check }
}

/** Two token buckets, as the config says: what is served, and how often a peer is told that it is not. */
function spend(customer: Customer, now: number): 'admitted' | 'refused' | 'unheard' {
  const { burst, requestsPerSecond } = TERMS
  const more = (Math.max(now - customer.at, 0) / 1000) * requestsPerSecond
  customer.tokens = Math.min(burst, customer.tokens + more)
  customer.refusals = Math.min(burst, customer.refusals + more)
  customer.at = now
  if (customer.tokens >= 1) {
    customer.tokens -= 1
    return 'admitted'
  }
  if (customer.refusals < 1) return 'unheard'
  customer.refusals -= 1
  return 'refused'
}

/** L0-39, D7: how lightning-liquidity gives itself away. */
function observe(customer: Customer, id: Id, method: string, params: unknown): void {
  const { token }: Fields = isObject(params) && Object.hasOwn(params, 'token') ? params : {}
  const nullToken = token === null
  if (method === 'lsps2.get_info' && nullToken && typeof id === 'string' && LDK_ID.test(id)) customer.isLdk = true
}

/** Whether `data` is due where the spec defines some. Who gives itself away in the same breath may get it or not. */
type DataRule = () => 'due' | 'none' | 'either'

function dataRule(customer: Customer): DataRule {
  const wasLdk = customer.isLdk
  return () => {
    if (wasLdk) return 'none'
    return customer.isLdk ? 'either' : 'due'
  }
}

function checkBad(answer: Fields): string | undefined {
  return wrongError(answer, { codes: [BAD_MESSAGE] }, () => 'due')
}

/** What kind of answer this is, of those that a message may be due. */
export function kindOf(answer: Fields): unknown {
  return 'error' in answer ? codeOf(answer) : 'result'
}

export function codeOf({ error }: Fields): unknown {
  const { code }: Fields = isObject(error) ? error : {}
  return code
}

function wrongResult(
  { result, error }: Fields,
  isRight: (result: Readonly<Record<string, unknown>>) => boolean,
): string | undefined {
  if (error !== undefined) return `an error where a result is due: ${JSON.stringify(error)}`
  const right = isObject(result) && isRight(result as Readonly<Record<string, unknown>>)
  return right ? undefined : `a result that is not right: ${JSON.stringify(result).slice(0, 500)}`
}

/** Only 1 and -32602 have `data` (L0-31, L0-35, L0-36), and for lightning-liquidity nothing has (D4). */
function wrongError(answer: Fields, { codes, fault }: Verdict, dataFor: DataRule): string | undefined {
  const { error, result } = answer
  if (!isObject(error)) return `${codes.join(' or ')} was due, got a result: ${JSON.stringify(result).slice(0, 300)}`
  const { code, message, data, ...more } = error
  const said = JSON.stringify(error).slice(0, 300)
  if (typeof code !== 'number' || !codes.includes(code)) return `${codes.join(' or ')} was due, got ${said}`
  if (typeof message !== 'string' || message === '' || Object.keys(more).length > 0) return `a malformed error: ${said}`
  const isDefined = code === REJECTED || code === BAD_PARAMS
  const rule = dataFor()
  if (isDefined && rule === 'either' && data === undefined) return undefined
  if (!isDefined || rule === 'none') return 'data' in error ? `data where none is defined: ${said}` : undefined
  if (!isObject(data)) return `no data where some is defined: ${said}`
  const { message: reason } = data
  if (code === REJECTED) return typeof reason === 'string' ? undefined : `1 without a message: ${said}`
  return fault === undefined ? undefined : wrongFault(data, fault)
}

function wrongFault({ unrecognized, property }: Fields, fault: Fault): string | undefined {
  const named = Array.isArray(unrecognized) ? [...unrecognized].sort() : undefined
  const due = [...fault.unrecognized].sort()
  const isComplete = JSON.stringify(named) === JSON.stringify(due)
  // So many that they do not fit into an answer: then those that do.
  const known = new Set(due)
  const isPart = named?.every((name) => known.has(name)) === true && JSON.stringify(due).length > MAX_BYTES * ALMOST
  if (!isComplete && !isPart)
    return `unrecognized is ${JSON.stringify(named)?.slice(0, 300)}, due is ${JSON.stringify(due).slice(0, 300)}`
  if (fault.properties.length > 0 && !fault.properties.includes(String(property)))
    return `property is ${JSON.stringify(property)}, due is one of ${fault.properties.join(', ')}`
  return undefined
}
