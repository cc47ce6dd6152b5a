import * as z from 'zod'

/** What the admin interface says of orders; amounts are decimal strings, times are UTC datetimes. */

const Amount = z.string().regex(/^-?\d+$/)
const Time = z.string()
const Count = z.int().nonnegative()

/** Every state of an order, as the list of orders can be asked for. */
export const ORDER_STATES = ['created', 'paid', 'opening', 'completed', 'failed'] as const

const order = {
  id: z.string(),
  state: z.enum(ORDER_STATES),
  /** As its client reads it. */
  order_state: z.string(),
  purpose: z.enum(['channel', 'extension']),
  client: z.string(),
  /** How it was ordered: by a peer, or over HTTP, where nobody proves who it is. */
  origin: z.enum(['peer', 'http']),
  created_at: Time,
  updated_at: Time,
  /** Until when it could be paid. */
  expires_at: Time,
  fee_sat: Amount,
  total_sat: Amount,
  paid_by: z.enum(['bolt11', 'onchain']).optional(),
  paid_at: Time.optional(),
  token: z.string().optional(),
  outpoint: z.string().optional(),
  /** Its fee is in the journal. */
  booked: z.boolean().optional(),
  reason: z.string().optional(),
  /** Why its payment is not there although it was served. */
  lost: z.string().optional(),
}

export const OrderSummary = z.object(order)
export type OrderSummary = z.output<typeof OrderSummary>

export const OrderList = z.object({ orders: z.array(OrderSummary) })

/** fee = base + capital + client + open + close + margin - discount; each of them from the numbers beside it. */
const Price = z.object({
  base_sat: Amount,
  lsp_balance_sat: Amount,
  blocks: Count,
  capital_ppm_per_year: Count,
  capital_sat: Amount,
  client_balance_sat: Amount,
  client_ppm: Count,
  client_sat: Amount,
  sat_per_vbyte: Count,
  open_vbytes: Count,
  open_sat: Amount,
  close_sat_per_vbyte: Count,
  close_vbytes: Count,
  close_sat: Amount,
  margin_ppm: Count,
  margin_sat: Amount,
  discount_ppm: Count.optional(),
  discount_sat: Amount.optional(),
  fee_sat: Amount,
})

const Wanted = z.union([
  z.object({
    lsp_balance_sat: Amount,
    client_balance_sat: Amount,
    confirmations: Count,
    confirms_within: Count,
    blocks: Count,
    announce: z.boolean(),
  }),
  z.object({ outpoint: z.string(), short_channel_id: z.string(), blocks: Count, new_expiry_height: Count }),
])

const Refund = z.object({
  amount_sat: Amount,
  /** `owed` until its output is confirmed, `asked` until published, `sent`, `done` deep in the chain; or too little: `dust`. */
  stage: z.enum(['owed', 'asked', 'sent', 'done', 'dust']),
  txid: z.string().optional(),
  chain_fee_sat: Amount.optional(),
})

/** One order from its price to its channel or its refund. */
export const OrderRecord = z.object({
  ...order,
  wanted: Wanted,
  price: Price,
  bolt11: z
    .object({
      state: z.string(),
      invoice_state: z.string(),
      payment_hash: z.string(),
      received_msat: Amount.optional(),
      held_until_height: Count.optional(),
    })
    .optional(),
  onchain: z
    .object({
      state: z.string(),
      address: z.string(),
      confirmations: Count,
      refund_address: z.string().optional(),
      received_sat: Amount,
      deposits: z.array(
        z.object({
          outpoint: z.string(),
          amount_sat: Amount,
          confirmations: Count,
          gone: z.literal(true).optional(),
          sold_sat: Amount.optional(),
          refund: Refund.optional(),
        }),
      ),
    })
    .optional(),
  attempts: Count.optional(),
  failures: z.array(z.object({ at: Time, reason: z.string(), detail: z.string() })),
  pending_channel_id: z.string().optional(),
  withdrawn: z.string().optional(),
  channel: z.object({ outpoint: z.string(), funded_at: Time, expires_at: Time }).optional(),
  steps: z.array(z.object({ at: Time, offset_ms: Count, what: z.string(), detail: z.record(z.string(), z.string()) })),
})
export type OrderRecord = z.output<typeof OrderRecord>

/** The body that cancels or refunds an order. Without `confirmed` nothing is done: the answer says what would be. */
export const OrderAction = z.strictObject({ action: z.enum(['cancel', 'refund']), confirmed: z.boolean() })
export type OrderAction = z.output<typeof OrderAction>

export const OrderOutcome = z.object({
  action: z.enum(['cancel', 'refund']),
  /** False: nothing was done. */
  done: z.boolean(),
  /** What is done, or would be. */
  does: z.array(z.string()),
  order: OrderSummary,
})
export type OrderOutcome = z.output<typeof OrderOutcome>
