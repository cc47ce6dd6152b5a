import type { Handlers } from '../../lsps/base/method.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { type lsps5, lsps5Faults } from '../../lsps/lsps5/methods.ts'
import type { TimestampStyle } from '../../lsps/lsps5/signed-text.ts'
import type { WebhooksService } from './service.ts'

export type WebhookCaller = {
  readonly peer: NodeId
  /** How its library reads times, where that is known to differ from bLIP-55 (D9). */
  readonly timestampStyle: () => TimestampStyle | undefined
}

/** The methods of bLIP-55: each client speaks of its own webhooks only (L5-22). */
export function webhookHandlers(webhooks: WebhooksService): Handlers<typeof lsps5, WebhookCaller> {
  return {
    'lsps5.set_webhook': async ({ peer, timestampStyle }, wanted) => {
      const set = await webhooks.set(peer, wanted, timestampStyle())
      if ('fault' in set) throw set.fault
      return set.result
    },
    'lsps5.list_webhooks': async ({ peer }) => webhooks.list(peer),
    'lsps5.remove_webhook': async ({ peer }, { app_name: appName }) => {
      if (!(await webhooks.remove(peer, appName))) throw lsps5Faults.appNameNotFound()
      return {}
    },
  }
}
