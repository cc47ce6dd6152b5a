import type { AdminPort } from '../../../src/admin/port.ts'
import type {
  Decision,
  DrainReport,
  FlightRecord,
  Quote,
  ReconcileReport,
  SaleSummary,
  Status,
} from '../../../src/admin/schema.ts'
import type { ClosableList, LifetimePromise, PromiseList } from '../../../src/admin/schema-promises.ts'

import { ORDER, ORDER_ID, ORDER_RECORD, OUTCOME } from './order-samples.ts'
import { WALLET, WEBHOOK_RECORD, WEBHOOK_TEST, WEBHOOKS } from './webhook-samples.ts'

export const CLIENT = `02${'ab'.repeat(32)}`
export const HASH = 'cd'.repeat(32)
export const TXID = 'ef'.repeat(32)

export const STATUS: Status = {
  version: '0.1.0',
  network: 'regtest',
  started_at: '2026-01-02T03:04:05.006Z',
  uptime_seconds: 93_784,
  node: {
    node_id: CLIENT,
    alias: 'alice',
    lnd_version: '0.21.3-beta',
    block_height: 451,
    synced_to_chain: true,
    wallet_sat: '12500000',
    require_interceptor: true,
  },
  interceptor_up: true,
  streams: [
    { name: 'htlcs', up: true, restarts: 0 },
    { name: 'messages', up: false, restarts: 3 },
  ],
  sales: { awaiting: 2, paid: 1234 },
  held: { htlcs: 1, amount_msat: '100000000' },
  funding: { published: 1 },
  outbox_depth: 0,
  earned_msat: '9007199254740993',
  promises: { kept: 1200, over: 34 },
  webhooks: { clients: 1, webhooks: 2, notifications: 0 },
  woken: { calls: 12, answered: 13, unanswered: 1, came: 10, median_ms: 2134 },
  waiting: { htlcs: 1, clients: 1, amount_msat: '12345678' },
  limits: [
    { name: 'live sales', used: 2, max: 10_000 },
    { name: 'held HTLCs', used: 1, max: 200 },
  ],
  inventory: {
    coins: 21,
    free_sat: '20500000',
    available_sat: '20475000',
    reserve_sat: '25000',
    anchor_reserve_sat: '0',
    reservations: 2,
    reserved_sat: '402000',
    largest_channel_sat: '20470000',
    inbound_sat: '90000000',
    ready_coins: { wanted: 20, ready: 18, coming: 0, size_sat: '1000000' },
    channels: 7,
    capacity_sat: '3400000',
    bounds: [{ name: 'inventory.unearned_budget_sat_per_hour', used_sat: '1460', max_sat: '250000' }],
    budget_next_release_seconds: 1800,
    sells: 'lsp-trusts-client',
    cooling_peers: 1,
  },
  access_slots: { used: 12, max: 100 },
  warnings: ['lnd runs without requireinterceptor'],
}

export const SALE: SaleSummary = {
  id: '16123456x7x8',
  state: 'paid',
  client: CLIENT,
  scid: '16123456x7x8',
  created_at: '2026-01-02T03:04:05.000Z',
  updated_at: '2026-01-02T03:04:06.500Z',
  payment_msat: '100000000',
  fee_msat: '2000000',
  earned_msat: '2000000',
  payment_hash: HASH,
  funding_txid: TXID,
}

export const RECORD: FlightRecord = {
  ...SALE,
  terms: {
    min_fee_msat: '2000000',
    proportional: 4000,
    valid_until: '2026-01-02T04:04:05.001Z',
    min_lifetime: 4320,
    max_client_to_self_delay: 2016,
    lsp_cltv_expiry_delta: 144,
  },
  amount_in_msat: '100000000',
  amount_out_msat: '98000000',
  funding_outpoint: `${TXID}:1`,
  capacity_sat: '111000',
  chan_id: '17592186044416000',
  steps: [
    { at: '2026-01-02T03:04:05.000Z', offset_ms: 0, what: 'sold', detail: { client: CLIENT } },
    { at: '2026-01-02T03:04:06.100Z', offset_ms: 1100, what: 'payment held', detail: { amount_msat: '100000000' } },
    { at: '2026-01-02T03:04:06.412Z', offset_ms: 1412, what: 'channel active', detail: { outpoint: `${TXID}:1` } },
    { at: '2026-01-02T03:04:06.500Z', offset_ms: 1500, what: 'settled', detail: {} },
  ],
}

/** Two sales are open, a channel is not confirmed. */
export const OPEN: DrainReport = {
  draining_since: '2026-01-03T05:07:00.000Z',
  done: false,
  sales: { awaiting: 1, forwarding: 1 },
  funding: { standing: 1 },
  held_htlcs: 1,
  outbox_depth: 0,
  waits_for: [
    {
      thing: 'sale',
      id: '16077122x14676279x35511',
      state: 'awaiting',
      until: 'its payment, or the end of its offer at 2026-01-03T06:07:09.001Z',
    },
    { thing: 'sale', id: SALE.id, state: 'forwarding', until: 'the end of the payment that was forwarded' },
    { thing: 'channel', id: `${TXID}:1`, state: 'standing', until: 'the confirmation of its funding transaction' },
  ],
  more: 0,
}

/** The records and lnd agree. */
export const AGREES: ReconcileReport = {
  differences: [],
  more: 0,
  compared: { sales: 2, openings: 1, channels: 40, fees: 1234 },
}

const SELLING: DrainReport = {
  done: true,
  sales: {},
  funding: {},
  held_htlcs: 0,
  outbox_depth: 0,
  waits_for: [],
  more: 0,
}

const PRICE: NonNullable<Quote['price']> = {
  list: '0le2ab3c4',
  breakdown: {
    open_vbytes: 165,
    sat_per_vbyte: 12,
    open_msat: '1980000',
    close_vbytes: 235,
    close_sat_per_vbyte: 12,
    close_msat: '2820000',
    margin_ppm: 100_000,
    margin_msat: '480000',
    least_fee_msat: '5280000',
  },
}

/** What a customer is offered at 12 sat/vB, and what 1,500,000 sat would cost. */
export const QUOTE: Quote = {
  at: '2026-01-03T05:07:00.000Z',
  amount_msat: '1500000000',
  stops: [],
  warnings: [],
  feerate: {
    sat_per_vbyte: 12,
    age_seconds: 20,
    ceiling_sat_per_vbyte: 100,
    second: {
      url: 'http://mempool.lan:8999/api/v1/fees/recommended',
      sat_per_vbyte: 13.5,
      age_seconds: 45,
      max_ratio: 3,
      on_unreachable: 'sell',
    },
  },
  price: PRICE,
  menu: [
    {
      floor_msat: '2000000',
      min_fee_msat: '5280000',
      proportional: 4000,
      min_payment_size_msat: '10000000',
      max_payment_size_msat: '1000000000',
      min_lifetime: 4320,
      max_client_to_self_delay: 2016,
      valid_for_seconds: 3600,
      refusal: { code: 203, message: 'too large' },
    },
    {
      floor_msat: '4000000',
      min_fee_msat: '5280000',
      proportional: 6000,
      min_payment_size_msat: '10000000',
      max_payment_size_msat: '10000000000',
      min_lifetime: 12_960,
      max_client_to_self_delay: 2016,
      valid_for_seconds: 600,
      fee_msat: '9000000',
    },
  ],
}

/** How the price of a sale came about. */
export const SALE_PRICE: NonNullable<FlightRecord['price']> = { ...PRICE, token: 'partner', floor_msat: '2000000' }

export const DECISIONS: readonly Decision[] = [
  { at: '2026-01-02T03:00:00.000Z', what: 'prices', detail: { sat_per_vbyte: '12', price_list: '0le2ab3c4' } },
  {
    at: '2026-01-02T03:04:05.000Z',
    what: 'sold',
    detail: { sale: '16123456x7x8', client: CLIENT, fee_msat: '2000000' },
  },
]

/** Kept until block 900,000, which is 144 blocks away; bought longer once. */
export const KEPT: LifetimePromise = {
  outpoint: `${TXID}:1`,
  state: 'kept',
  client: CLIENT,
  sold_by: { type: 'jit', id: SALE.id },
  made_at: '2026-01-02T03:04:06.500Z',
  blocks: 4464,
  chan_id: '17592186044416000',
  from_height: 895_536,
  until_height: 900_000,
  extensions: [{ order: '3f9d7c9e-58a1-4c1e-9d3b-0e1a2b3c4d5e', blocks: 144, at: '2026-01-03T03:04:06.500Z' }],
  client_seen_at: '2026-01-03T00:00:00.000Z',
  last_moved_at: '2026-01-03T00:00:00.000Z',
}

/** Sold by an order, closed by lncli before its time. */
export const BROKEN: LifetimePromise = {
  ...KEPT,
  state: 'broken',
  sold_by: { type: 'order', id: '3f9d7c9e-58a1-4c1e-9d3b-0e1a2b3c4d5e' },
  ended: { at: '2026-01-03T05:00:00.000Z', height: 899_000, close_type: 'cooperative', by: 'us', early: true },
}

export const PROMISES: PromiseList = { promises: [KEPT, BROKEN], more: 3, height: 899_856 }

/** One channel that nobody uses, and whose customer is away. */
export const CLOSABLE: ClosableList = {
  channels: [
    {
      ...KEPT,
      state: 'over',
      not_before: '2026-01-02T00:00:00.000Z',
      capacity_sat: '16777215',
      local_sat: '16700000',
      remote_sat: '73745',
      active: false,
      grounds: [
        { ground: 'idle', days: 45 },
        { ground: 'stranded', days: 45, ours_sat: '16700000' },
        { ground: 'unprofitable', days: 90, earned_msat: '1234567', yield_ppm_per_year: 298 },
      ],
    },
  ],
  more: 0,
  over: 34,
  promised: 1234,
}

/** A daemon with one sale. */
export function samplePort(overrides: Partial<AdminPort> = {}): AdminPort {
  return {
    status: async () => STATUS,
    decisions: async ({ sale }) => (sale === undefined || sale === SALE.id ? DECISIONS : undefined),
    quote: async ({ token }) => (token === undefined || token === 'partner' ? QUOTE : undefined),
    reconcile: async () => AGREES,
    drain: async () => SELLING,
    beginDrain: async () => OPEN,
    endDrain: async () => SELLING,
    jitList: async () => [SALE],
    orderList: async () => [ORDER],
    orderShow: async (id) => ([ORDER_ID, HASH].includes(id) ? ORDER_RECORD : undefined),
    orderAct: async (id, { action, confirmed }) => {
      if (id !== ORDER_ID) return undefined
      return action === 'cancel' ? { refused: 'it is paid' } : { ...OUTCOME, done: confirmed }
    },
    promises: async ({ state }) => (state === undefined ? PROMISES : { ...PROMISES, promises: [] }),
    closable: async () => CLOSABLE,
    jitShow: async (id) => ([SALE.id, HASH].includes(id) ? RECORD : undefined),
    webhookList: async () => WEBHOOKS,
    webhookShow: async (client) => (client === WALLET ? WEBHOOK_RECORD : undefined),
    requestLiquidity: async (client) => (client === WALLET ? { client, outcome: 'called' } : undefined),
    webhookTest: async (client, { app_name: name }) => {
      if (client !== WALLET) return undefined
      return name === undefined || name === 'My wallet' ? WEBHOOK_TEST : { ...WEBHOOK_TEST, webhooks: [] }
    },
    ...overrides,
  }
}
