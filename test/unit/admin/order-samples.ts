import type { OrderOutcome, OrderRecord, OrderSummary } from '../../../src/admin/schema-orders.ts'

const CLIENT = `02${'ab'.repeat(32)}`
const HASH = 'cd'.repeat(32)
const TXID = 'ef'.repeat(32)
export const ORDER_ID = '3f9d7c9e-58a1-4c1e-9d3b-0e1a2b3c4d5e'
const REFUND_TXID = '12'.repeat(32)

export const ORDER: OrderSummary = {
  id: ORDER_ID,
  state: 'completed',
  order_state: 'COMPLETED',
  purpose: 'channel',
  client: CLIENT,
  origin: 'peer',
  created_at: '2026-01-02T03:04:05.000Z',
  updated_at: '2026-01-02T04:04:06.500Z',
  expires_at: '2026-01-02T04:04:05.000Z',
  fee_sat: '48376',
  total_sat: '148376',
  paid_by: 'onchain',
  paid_at: '2026-01-02T03:30:05.000Z',
  outpoint: `${TXID}:1`,
  booked: true,
}

/** Paid on chain with 1,624 sat too much, which went back. */
export const ORDER_RECORD: OrderRecord = {
  ...ORDER,
  wanted: {
    lsp_balance_sat: '10000000',
    client_balance_sat: '100000',
    confirmations: 3,
    confirms_within: 6,
    blocks: 4320,
    announce: false,
  },
  price: {
    base_sat: '1000',
    lsp_balance_sat: '10000000',
    blocks: 4320,
    capital_ppm_per_year: 50_000,
    capital_sat: '41096',
    client_balance_sat: '100000',
    client_ppm: 10_000,
    client_sat: '1000',
    sat_per_vbyte: 12,
    open_vbytes: 165,
    open_sat: '1980',
    close_sat_per_vbyte: 12,
    close_vbytes: 235,
    close_sat: '2820',
    margin_ppm: 100_000,
    margin_sat: '480',
    fee_sat: '48376',
  },
  bolt11: { state: 'REFUNDED', invoice_state: 'cancelled', payment_hash: HASH },
  onchain: {
    state: 'PAID',
    address: 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
    confirmations: 1,
    refund_address: 'bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu',
    received_sat: '150000',
    deposits: [
      {
        outpoint: `${TXID}:0`,
        amount_sat: '150000',
        confirmations: 3,
        sold_sat: '148376',
        refund: { amount_sat: '1624', stage: 'sent', txid: REFUND_TXID, chain_fee_sat: '1320' },
      },
    ],
  },
  attempts: 2,
  failures: [
    {
      at: '2026-01-02T03:31:05.000Z',
      reason: 'client-gone',
      detail: 'the client went away while its channel was being negotiated, which it may do for a while',
    },
  ],
  channel: {
    outpoint: `${TXID}:1`,
    funded_at: '2026-01-02T04:04:06.500Z',
    expires_at: '2026-02-01T04:04:06.500Z',
  },
  steps: [
    { at: '2026-01-02T03:04:05.000Z', offset_ms: 0, what: 'ordered', detail: { client: CLIENT, total_sat: '148376' } },
    { at: '2026-01-02T03:30:05.000Z', offset_ms: 1_560_000, what: 'paid on chain', detail: {} },
    {
      at: '2026-01-02T04:04:06.500Z',
      offset_ms: 3_601_500,
      what: 'funding published, order completed',
      detail: { outpoint: `${TXID}:1` },
    },
  ],
}

/** A longer life of a just-in-time channel, with a token, not paid yet. */
export const EXTENSION_RECORD: OrderRecord = {
  id: ORDER_ID,
  state: 'created',
  order_state: 'CREATED',
  purpose: 'extension',
  client: CLIENT,
  origin: 'peer',
  created_at: '2026-01-02T03:04:05.000Z',
  updated_at: '2026-01-02T03:04:05.000Z',
  expires_at: '2026-01-02T04:04:05.000Z',
  fee_sat: '2630',
  total_sat: '2630',
  token: 'partner',
  wanted: {
    outpoint: `${TXID}:1`,
    short_channel_id: '16000000x0x0',
    blocks: 2016,
    new_expiry_height: 902_016,
  },
  price: {
    ...ORDER_RECORD.price,
    lsp_balance_sat: '1000000',
    blocks: 2016,
    capital_sat: '1918',
    client_balance_sat: '0',
    client_sat: '0',
    sat_per_vbyte: 0,
    open_sat: '0',
    close_sat_per_vbyte: 0,
    close_sat: '0',
    margin_sat: '0',
    discount_ppm: 100_000,
    discount_sat: '291',
    fee_sat: '2627',
  },
  bolt11: { state: 'EXPECT_PAYMENT', invoice_state: 'open', payment_hash: HASH },
  failures: [],
  steps: [{ at: '2026-01-02T03:04:05.000Z', offset_ms: 0, what: 'ordered', detail: {} }],
}

export const OUTCOME: OrderOutcome = {
  action: 'refund',
  done: false,
  does: ['no channel is opened for it', 'the payment that lnd holds goes back to its payer'],
  order: { ...ORDER, state: 'paid', order_state: 'CREATED' },
}
