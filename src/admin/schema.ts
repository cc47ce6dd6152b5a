import * as z from 'zod'

/**
 * What the admin interface says, as JSON: amounts are decimal strings, times are UTC datetimes. The daemon's wiring
 * makes it, the CLI reads it and prints it unchanged under `--json`.
 */

const Amount = z.string().regex(/^-?\d+$/)
const Time = z.string()
const Count = z.int().nonnegative()

/** Every state of a sale, as the list of sales can be asked for. */
export const SALE_STATES = [
  'awaiting',
  'opening',
  'forwarding',
  'owed',
  'unwanted',
  'reclaiming',
  'paid',
  'abandoned',
  'unearned',
] as const

const Stream = z.object({
  /** For example `htlcs`, `peers`, `messages`, `blocks`. */
  name: z.string(),
  up: z.boolean(),
  /** How often it had to be opened again since the start. */
  restarts: Count,
})

/** A named bound and how much of it is used. */
const Limit = z.object({ name: z.string(), used: Count, max: Count })

/** A named bound in satoshi and how much of it is used. */
const Bound = z.object({ name: z.string(), used_sat: Amount, max_sat: Amount })

/** What may still be sold. */
const Inventory = z.object({
  /** Coins that nobody has claimed or locked, and what of them may be spent on channels. */
  coins: Count,
  free_sat: Amount,
  available_sat: Amount,
  /** What stays in the wallet: ours, and what lnd keeps back for public anchor channels. */
  reserve_sat: Amount,
  anchor_reserve_sat: Amount,
  /** Openings that were decided and whose coins lnd has not locked, as far as we have seen. */
  reservations: Count,
  reserved_sat: Amount,
  largest_channel_sat: Amount,
  /** What peers could send to the node now. */
  inbound_sat: Amount,
  /** Absent when none are kept. */
  ready_coins: z.object({ wanted: Count, ready: Count, coming: Count, size_sat: Amount }).optional(),
  /** Of ours, being opened or standing. */
  channels: Count,
  capacity_sat: Amount,
  /** The caps that are set, each with the most that anybody uses of it; the hourly budget among them. */
  bounds: z.array(Bound),
  /** Until the budget is freed by the oldest channel that earned nothing; absent while nothing is spent. */
  budget_next_release_seconds: Count.optional(),
  /** Whom a channel that is sold now relies on. */
  sells: z.enum(['lsp-trusts-client', 'client-trusts-lsp', 'nothing']),
  /** Peers that have to wait after failed sales. */
  cooling_peers: Count,
})

export const Status = z.object({
  version: z.string(),
  network: z.string(),
  started_at: Time,
  uptime_seconds: Count,
  /** Absent while lnd was never reached. */
  node: z
    .object({
      node_id: z.string(),
      alias: z.string(),
      lnd_version: z.string(),
      block_height: Count,
      synced_to_chain: z.boolean(),
      /** Confirmed coins that are not locked: what new channels can be opened with. */
      wallet_sat: Amount.optional(),
      require_interceptor: z.boolean(),
    })
    .optional(),
  interceptor_up: z.boolean(),
  streams: z.array(Stream),
  /** Nothing is sold since then, by the operator's word; absent when the shop is open. */
  draining_since: Time.optional(),
  /** How many unfinished sales are in each state, and how many were paid so far. */
  sales: z.record(z.string(), Count),
  /** How many orders are not over, by state; left out while there are none. */
  orders: z.record(z.string(), Count).optional(),
  held: z.object({ htlcs: Count, amount_msat: Amount }),
  /** How many unfinished channel openings are in each state. */
  funding: z.record(z.string(), Count),
  outbox_depth: Count,
  /** By our own journal, of just-in-time sales. */
  earned_msat: Amount,
  /** By our own journal, of orders; left out while there were none. */
  orders_earned_msat: Amount.optional(),
  /** Channels that were paid for and stand, by the state of their promise; broken ones of the last 30 days. */
  promises: z.record(z.string(), Count).optional(),
  /** Clients that can be woken, and notifications that are being sent or wait to be; left out when webhooks are off. */
  webhooks: z.object({ clients: Count, webhooks: Count, notifications: Count }).optional(),
  /** Since the start: calls of clients that were away, webhooks that answered 200 or did not, clients that came in time. */
  woken: z
    .object({ calls: Count, answered: Count, unanswered: Count, came: Count, median_ms: Count.optional() })
    .optional(),
  /** Payments that wait for clients that have a channel and are away; left out while none can wait. */
  waiting: z.object({ htlcs: Count, clients: Count, amount_msat: Amount }).optional(),
  limits: z.array(Limit),
  inventory: Inventory,
  /** Inbound peers without a channel: what lnd allows (as configured) and what is used now (decisions D21). */
  access_slots: z.object({ used: Count, max: Count }).optional(),
  warnings: z.array(z.string()),
})
export type Status = z.output<typeof Status>

/** What is still open: a drained daemon can be stopped for good once nothing is. */
export const DrainReport = z.object({
  /** Absent when the shop is open. */
  draining_since: Time.optional(),
  /** Nothing that was begun needs the daemon any more. */
  done: z.boolean(),
  sales: z.record(z.string(), Count),
  funding: z.record(z.string(), Count),
  orders: z.record(z.string(), Count).optional(),
  held_htlcs: Count,
  outbox_depth: Count,
  /** The first of them by name, and what each waits for. */
  waits_for: z.array(z.object({ thing: z.string(), id: z.string(), state: z.string(), until: z.string() })).readonly(),
  /** How many are not named. */
  more: Count,
})
export type DrainReport = z.output<typeof DrainReport>

/** The body that begins or ends the drain. */
export const DrainOrder = z.strictObject({ draining: z.boolean() })

/** How a least fee came about: (open_vbytes x feerate + close_vbytes x feerate of the close) x (1 + margin). */
const Breakdown = z.object({
  open_vbytes: Count,
  sat_per_vbyte: Count,
  open_msat: Amount,
  close_vbytes: Count,
  close_sat_per_vbyte: Count,
  close_msat: Amount,
  margin_ppm: Count,
  margin_msat: Amount,
  least_fee_msat: Amount,
})

const price = {
  /** The id of the price list. */
  list: z.string(),
  /** The short name of the token that selects it. */
  token: z.string().optional(),
  /** Absent when prices are fixed, or when the list is no longer on record. */
  breakdown: Breakdown.optional(),
}

/** Why nothing is sold now, and what to do. */
const Stop = z.object({ code: z.string(), what: z.string(), fix: z.string() })

const estimate = { sat_per_vbyte: z.number().optional(), age_seconds: Count.optional() }

const QuotedOffer = z.object({
  floor_msat: Amount,
  min_fee_msat: Amount,
  proportional: Count,
  min_payment_size_msat: Amount,
  max_payment_size_msat: Amount,
  min_lifetime: Count,
  max_client_to_self_delay: Count,
  valid_for_seconds: Count,
  /** For the amount that was asked for. */
  fee_msat: Amount.optional(),
  /** What `lsps2.buy` would answer to that amount. */
  refusal: z.object({ code: z.int(), message: z.string() }).optional(),
})

/** What a customer would be offered now, and why. */
export const Quote = z.object({
  at: Time,
  token: z.string().optional(),
  amount_msat: Amount.optional(),
  /** None when channels are sold. */
  stops: z.array(Stop),
  warnings: z.array(z.string()),
  feerate: z.object({
    ...estimate,
    ceiling_sat_per_vbyte: Count,
    second: z
      .object({ url: z.string(), ...estimate, max_ratio: z.number(), on_unreachable: z.enum(['sell', 'stop']) })
      .optional(),
  }),
  /** Absent while there was no feerate since the start. */
  price: z.object(price).optional(),
  menu: z.array(QuotedOffer),
})
export type Quote = z.output<typeof Quote>

const Difference = z.object({
  /** For programs, for example `alias-missing`. */
  kind: z.string(),
  thing: z.string(),
  ours: z.string(),
  theirs: z.string(),
  todo: z.string(),
})

/** The records against lnd and the chain. */
export const ReconcileReport = z.object({
  differences: z.array(Difference).readonly(),
  /** How many are not in the list. */
  more: Count,
  compared: z.object({ sales: Count, openings: Count, channels: Count, fees: Count }),
})
export type ReconcileReport = z.output<typeof ReconcileReport>

const sale = {
  /** Of the sale: its short channel id. */
  id: z.string(),
  state: z.string(),
  client: z.string(),
  scid: z.string(),
  /** Of another channel under a purchase: the scid that was bought, which its payers use. */
  via: z.string().optional(),
  created_at: Time,
  updated_at: Time,
  /** Absent for an invoice without an amount, until it is paid. */
  payment_msat: Amount.optional(),
  /** The opening fee that was agreed; absent until the payment decides it. */
  fee_msat: Amount.optional(),
  /** What stayed with us by the amounts of lnd; absent until it did. */
  earned_msat: Amount.optional(),
  payment_hash: z.string().optional(),
  funding_txid: z.string().optional(),
}

export const SaleSummary = z.object(sale)
export type SaleSummary = z.output<typeof SaleSummary>

const Step = z.object({
  at: Time,
  /** Since the record's first step. */
  offset_ms: Count,
  /** For example `sold`, `payment held`, `channel active`. */
  what: z.string(),
  /** What belongs to it, by name; amounts in msat are in names that end so. */
  detail: z.record(z.string(), z.string()),
})

/** One sale from offer to settlement. */
export const FlightRecord = z.object({
  ...sale,
  terms: z.object({
    min_fee_msat: Amount,
    proportional: Count,
    valid_until: Time,
    min_lifetime: Count,
    max_client_to_self_delay: Count,
    lsp_cltv_expiry_delta: Count,
    /** The channel's funding is published only when the client was paid. */
    client_trusts_lsp: z.boolean().optional(),
  }),
  /** How it came about; `floor_msat` is the least fee that the operator asks in any case. */
  price: z.object({ ...price, floor_msat: Amount.optional() }).optional(),
  /** What came in for it, and what the client got. */
  amount_in_msat: Amount.optional(),
  amount_out_msat: Amount.optional(),
  funding_outpoint: z.string().optional(),
  capacity_sat: Amount.optional(),
  chan_id: z.string().optional(),
  /** Why it ended without a channel or without its fee. */
  reason: z.string().optional(),
  steps: z.array(Step),
})
export type FlightRecord = z.output<typeof FlightRecord>

/** What was decided, when and by which numbers. */
export const Decision = z.object({ at: Time, what: z.string(), detail: z.record(z.string(), z.string()) })
export type Decision = z.output<typeof Decision>

export const DecisionList = z.object({ decisions: z.array(Decision) })

export const SaleList = z.object({ sales: z.array(SaleSummary) })

/** Every answer that is not 200. */
export const AdminFault = z.object({ error: z.object({ code: z.string(), message: z.string() }) })
