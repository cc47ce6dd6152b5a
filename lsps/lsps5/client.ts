import type { ParamsOf, ResultOf } from '../base/method.ts'
import type { Patience, RpcClient } from '../rpc/client.ts'
import { lsps5 } from './methods.ts'
import { checkWebhook } from './rules.ts'
import type { ListWebhooksResult, SetWebhookParams, SetWebhookResult } from './schema.ts'
import { WebhookError, webhookErrorOf } from './webhook-error.ts'

/** To set or remove a webhook twice is the same as once, so the same message may be sent again. */
export const WEBHOOK_PATIENCE: Patience = { answerMs: 30_000, sends: 3, resendAfterMs: 8000 }

/** Tells one LSP where the wallet wants to be woken (bLIP-55). */
export interface WebhookClient {
  /**
   * Registers a URL under a name, or replaces the one under it. LSPs forget it at the earliest seven days after the last
   * channel closed, so it is set again at each start of the wallet: nothing happens when nothing has changed.
   *
   * The URL should name the LSP, show that this LSP may wake the wallet, and name the device (L5-49).
   * @throws WebhookError; what is too long or no https URL is not sent
   */
  set(webhook: SetWebhookParams, signal: AbortSignal): Promise<SetWebhookResult>
  /** @throws WebhookError */
  list(signal: AbortSignal): Promise<ListWebhooksResult>
  /** @throws WebhookError, `unknown-name` when there is none */
  remove(appName: string, signal: AbortSignal): Promise<void>
}

type Name = keyof typeof lsps5

/** Calls the LSP of `client`; a connection that breaks and comes back is the transport's business. */
export function webhookClient({ client }: { readonly client: RpcClient }): WebhookClient {
  async function call<Called extends Name>(
    method: Called,
    params: ParamsOf<(typeof lsps5)[Called]>,
    signal: AbortSignal,
  ): Promise<ResultOf<(typeof lsps5)[Called]>> {
    try {
      return await client.call(lsps5, method, params, signal, WEBHOOK_PATIENCE)
    } catch (error) {
      throw webhookErrorOf(error, { method, signal })
    }
  }

  return {
    async set(webhook, signal) {
      const fault = checkWebhook(webhook)
      if (fault !== undefined) throw webhookErrorOf(fault, { method: 'lsps5.set_webhook', signal })
      const result = await call('lsps5.set_webhook', webhook, signal)
      if (result.num_webhooks > 0) return result
      throw new WebhookError({ code: 'bad-answer', what: 'it counts no webhook after one was set' })
    },
    list: (signal) => call('lsps5.list_webhooks', {}, signal),
    async remove(appName, signal) {
      await call('lsps5.remove_webhook', { app_name: appName }, signal)
    },
  }
}
