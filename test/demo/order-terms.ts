import { sat } from '../../lsps/base/amount.ts'
import type { CreateOrderParams } from '../../lsps/lsps1/schema.ts'

/** Section `orders` of the operator's config: the defaults, and balances for customers too. */
export const ORDERS = { enabled: true, max_initial_client_balance_sat: '500000' }

/** Three times the just-in-time channel, with a balance that the wallet pays for and owns again. */
export const ORDER: CreateOrderParams = {
  lsp_balance_sat: sat(4_000_000n),
  client_balance_sat: sat(150_000n),
  required_channel_confirmations: 0,
  funding_confirms_within_blocks: 6,
  channel_expiry_blocks: 4320,
  announce_channel: false,
}

export const EXTENSION_BLOCKS = 4320

/** The most that this wallet gives for the channel, and for its longer life, in sat. */
export const HIGHEST_FEE = sat(100_000n)
