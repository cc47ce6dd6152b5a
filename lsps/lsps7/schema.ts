import * as z from 'zod'
import { U32_MAX } from '../base/amount.ts'
import { Datetime } from '../base/datetime.ts'
import { Scid } from '../base/scid.ts'
import { OrderId, OrderState, Payment, RefundAddress, Token } from '../lsps1/schema.ts'

/** A number of blocks, or a height, as a JSON integer, 0 to 2^32-1. */
const Blocks = z.int().min(0).max(U32_MAX)
const SomeBlocks = Blocks.min(1)

/** A channel of the caller whose lease can be made longer (L7-01). */
export const ExtendableChannel = z.object({
  /** The order that the channel came from, and the service that took it, such as `LSPS1`. */
  original_order: z.object({ id: z.string(), service: z.string() }).optional(),
  /** Extensions that were ordered for it before. */
  extension_order_ids: z.array(z.string()).optional(),
  short_channel_id: Scid,
  /** How much longer it can be had now: what is paid already counts (L7-08). */
  max_channel_extension_expiry_blocks: Blocks,
  /** The height until which the LSP keeps the channel; 0: it promised nothing. */
  expiration_block: Blocks,
})
export type ExtendableChannel = z.output<typeof ExtendableChannel>

/** The parameters of `lsps7.create_order` (L7-02). */
export const CreateExtensionParams = z.strictObject({
  short_channel_id: Scid,
  channel_extension_expiry_blocks: SomeBlocks,
  token: Token,
  refund_onchain_address: RefundAddress.optional(),
})
export type CreateExtensionParams = z.output<typeof CreateExtensionParams>

/** The channel of an extension; `expires_at`: the LSP does not close it before (L7-03). */
export const ExtensionChannel = z.object({ short_channel_id: Scid, expires_at: Datetime, funded_at: Datetime })
export type ExtensionChannel = z.output<typeof ExtensionChannel>

/** An extension as it stands: the result of `lsps7.create_order` and of `lsps7.get_order` (L7-03). */
export const ExtensionResult = z.object({
  order_id: OrderId,
  short_channel_id: Scid,
  channel_extension_expiry_blocks: SomeBlocks,
  /** A height: until then the LSP keeps the channel once this is paid. */
  new_channel_expiry_blocks: Blocks,
  token: z.string().nullable().optional(),
  created_at: Datetime,
  /** `COMPLETED` as soon as the lease is extended (L7-06). */
  order_state: OrderState,
  /** As in LSPS1; nothing is pushed, so the total is the fee (L7-07). */
  payment: Payment,
  channel: ExtensionChannel,
  /** Why it failed, for people; no part of the draft, which lets results have more. */
  message: z.string().optional(),
})
export type ExtensionResult = z.output<typeof ExtensionResult>
