import { msat, type Ppm, type Sat, sat } from '../../../lsps/base/amount.ts'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import type { Scid } from '../../../lsps/base/scid.ts'
import { place, step } from '../../../src/orders/machine.ts'
import type { Receipt } from '../../../src/orders/onchain.ts'
import { type PricingRule, priceOf } from '../../../src/orders/pricing.ts'
import type { Moment, OpenFailure, Order, OrderEvent, Terms } from '../../../src/orders/states.ts'
import { NODE } from '../lsps/arbitraries.ts'

export const time = (ms: number) => ms as Timestamp

const MINUTE_MS = 60_000
export const HEIGHT = 800_000
export const CREATED_AT = time(0)
export const EXPIRES_AT = time(60 * MINUTE_MS)
/** Any moment at which the order can be paid. */
export const NOW = time(10 * MINUTE_MS)
export const OPEN_WITHIN_MS = 30 * MINUTE_MS
export const SAFETY = 24
export const OPEN_BLOCKS = 72
/** Of a payment that comes in time. */
export const HELD_UNTIL = HEIGHT + 288

export const RULE: PricingRule = {
  base: sat(1_000n),
  capitalPpmPerYear: 50_000 as Ppm,
  clientPpm: 100 as Ppm,
  openVbytes: 165,
  closeVbytes: 235,
  marginPpm: 100_000 as Ppm,
}

export const LSP_BALANCE = sat(1_000_000n)
export const CLIENT_BALANCE = sat(50_000n)
const PRICE = priceOf(RULE, { lspBalance: LSP_BALANCE, clientBalance: CLIENT_BALANCE, blocks: 13_140, satPerVbyte: 2 })
export const FEE = PRICE.fee
export const TOTAL = sat(FEE + CLIENT_BALANCE)

export const TERMS: Terms = {
  id: 'bb4b5d0a-8334-49d8-9463-90a6d413af7c',
  client: NODE,
  origin: 'peer',
  purpose: {
    type: 'channel',
    lspBalance: LSP_BALANCE,
    clientBalance: CLIENT_BALANCE,
    confirmations: 0,
    confirmsWithin: 6,
    expiryBlocks: 13_140,
    announce: false,
  },
  createdAt: CREATED_AT,
  createdHeight: HEIGHT,
  expiresAt: EXPIRES_AT,
  refundAddress: 'bcrt1qrefund',
  price: PRICE,
  fee: FEE,
  total: TOTAL,
  bolt11: { paymentHash: 'ab'.repeat(32), invoice: 'lnbcrt1' },
  onchain: { address: 'bcrt1qorder', confirmations: 1 },
  limits: { safetyBlocks: SAFETY, openBlocks: OPEN_BLOCKS, openWithinMs: OPEN_WITHIN_MS },
}

export const LIGHTNING_ONLY: Terms = (({ onchain: _, refundAddress: __, ...terms }) => terms)(TERMS)
export const ONCHAIN_ONLY: Terms = (({ bolt11: _, ...terms }) => terms)(TERMS)
/** Nothing is pushed, and a payment without confirmations may do. */
export const ZERO_CONF: Terms = {
  ...TERMS,
  total: FEE,
  purpose: { ...TERMS.purpose, clientBalance: sat(0n) } as Terms['purpose'],
  onchain: { address: 'bcrt1qorder', confirmations: 0, minFeeFor0conf: 500 },
}
export const EXTENSION: Terms = {
  ...TERMS,
  total: FEE,
  purpose: {
    type: 'extension',
    outpoint: `${'cd'.repeat(32)}:1`,
    scid: '800000x1x1' as Scid,
    blocks: 4_320,
    newExpiryHeight: HEIGHT + 20_000,
  },
}

export const PENDING = '11'.repeat(32)
export const OUTPOINT = `${'ee'.repeat(32)}:0`

export const moment = (over: Partial<Moment> = {}): Moment => ({
  at: NOW,
  height: HEIGHT,
  clientOnline: true,
  pendingChannelId: PENDING,
  ...over,
})

type Over = Partial<Moment>

export const accepted = (over: Over & { heldUntil?: number; received?: bigint } = {}): OrderEvent => {
  const { heldUntil = HELD_UNTIL, received = TOTAL * 1000n, ...rest } = over
  return { ...moment(rest), type: 'invoice', state: 'accepted', received: msat(received), heldUntil }
}
export const invoice = (state: 'open' | 'settled' | 'canceled', over: Over = {}): OrderEvent => ({
  ...moment(over),
  type: 'invoice',
  state,
  received: msat(0n),
  heldUntil: 0,
})

/** The outpoint of one of the transactions to the order's address. */
export const paidIn = (n: number) => `${n.toString(16).padStart(64, '0')}:0`
export const receipt = (n: number, amount: bigint, over: Partial<Receipt> = {}): Receipt => ({
  outpoint: paidIn(n),
  amount: sat(amount),
  confirmations: 1,
  replaceable: true,
  ...over,
})
export const receipts = (list: readonly Receipt[], over: Over & { zeroConfLeft?: bigint } = {}): OrderEvent => {
  const { zeroConfLeft = 0n, ...rest } = over
  return { ...moment(rest), type: 'receipts', receipts: list, zeroConfLeft: sat(zeroConfLeft) }
}
export const deadlineAt = (at: number, over: Over = {}): OrderEvent => ({
  ...moment(over),
  type: 'deadline',
  at: time(at),
})
export const blockAt = (height: number, over: Over = {}): OrderEvent => ({ ...moment(over), type: 'block', height })
export const clientOnline = (over: Over = {}): OrderEvent => ({ ...moment(over), type: 'client-online' })
export const published = (over: Over = {}): OrderEvent => ({
  ...moment(over),
  type: 'channel-published',
  outpoint: OUTPOINT,
})
export const refused = (reason: OpenFailure = 'client-refused', over: Over = {}): OrderEvent => ({
  ...moment(over),
  type: 'channel-refused',
  reason,
  detail: 'the words of the node',
})
export const extended = (over: Over = {}): OrderEvent => ({
  ...moment(over),
  type: 'extended',
  expiresAt: time(1_000 * MINUTE_MS),
  fundedAt: time(-1_000 * MINUTE_MS),
})
export const extendRefused = (over: Over = {}): OrderEvent => ({
  ...moment(over),
  type: 'extend-refused',
  detail: 'the channel is closed',
})
export const settledNow = (over: Over = {}): OrderEvent => ({ ...moment(over), type: 'invoice-settled' })
export const cancelledNow = (over: Over = {}): OrderEvent => ({ ...moment(over), type: 'invoice-cancelled' })
export const refundSent = (n: number, fee: Sat = sat(300n), over: Over = {}): OrderEvent => ({
  ...moment(over),
  type: 'refund-sent',
  outpoint: paidIn(n),
  txid: 'fe'.repeat(32),
  fee,
})
export const refundDone = (n: number, fee: Sat = sat(300n), over: Over = {}): OrderEvent => ({
  ...moment(over),
  type: 'refund-done',
  outpoint: paidIn(n),
  txid: 'fe'.repeat(32),
  fee,
})
export const refundDust = (n: number, over: Over = {}): OrderEvent => ({
  ...moment(over),
  type: 'refund-dust',
  outpoint: paidIn(n),
})
export const cancelOrder = (over: Over = {}): OrderEvent => ({
  ...moment(over),
  type: 'cancel',
  reason: 'as you asked',
})

/** What becomes of a new order that hears these events. */
export function after(terms: Terms, ...events: readonly OrderEvent[]): Order {
  return events.reduce<Order>((order, event) => step(order, event).state, place(terms).state)
}
