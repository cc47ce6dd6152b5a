import * as z from 'zod'
import { U32_MAX } from '../base/amount.ts'
import { PlainText } from '../base/plain-text.ts'

/** Longest name of a webhook: bytes of UTF-8 as JSON writes it, without the quotes (L5-02). */
export const MAX_APP_NAME_BYTES = 64
/** Longest URL of a webhook (L5-03). */
export const MAX_WEBHOOK_CHARACTERS = 1024

/** An unsigned JSON integer. */
const Count = z.int().min(0).max(U32_MAX)

/** The parameters of `lsps5.set_webhook` (L5-01). How long they may be is for `checkWebhook`: it has errors of its own. */
export const SetWebhookParams = z.strictObject({ app_name: PlainText, webhook: z.string() })
export type SetWebhookParams = z.output<typeof SetWebhookParams>

/** The result of `lsps5.set_webhook` (L5-09). */
export const SetWebhookResult = z.object({
  /** Of this client, this one included. */
  num_webhooks: Count,
  /** That a client may have. */
  max_webhooks: Count,
  /** The same URL was registered under the same name before; nothing is sent to it then (L5-10). */
  no_change: z.boolean(),
})
export type SetWebhookResult = z.output<typeof SetWebhookResult>

/** The result of `lsps5.list_webhooks`: names, never URLs (L5-20). */
export const ListWebhooksResult = z.object({ app_names: z.array(z.string()), max_webhooks: Count })
export type ListWebhooksResult = z.output<typeof ListWebhooksResult>
