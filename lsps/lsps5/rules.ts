import type { RpcFault } from '../rpc/fault.ts'
import { lsps5Faults } from './methods.ts'
import { MAX_APP_NAME_BYTES, MAX_WEBHOOK_CHARACTERS, type SetWebhookParams } from './schema.ts'
import { urlProblem } from './webhook-url.ts'

const utf8Encoder = new TextEncoder()
const QUOTES = 2

/** How long a name counts: in UTF-8, as JSON writes it with the fewest escapes, without the quotes (L5-02). */
export function appNameBytes(name: string): number {
  return utf8Encoder.encode(JSON.stringify(name)).length - QUOTES
}

/** What is wrong with a webhook, whoever wants it, in the order of row L5-06; a client can ask before it sends. */
export function checkWebhook({ app_name, webhook }: SetWebhookParams): RpcFault | undefined {
  if (appNameBytes(app_name) > MAX_APP_NAME_BYTES) return lsps5Faults.tooLong('app_name')
  if (webhook.length > MAX_WEBHOOK_CHARACTERS) return lsps5Faults.tooLong('webhook')
  const problem = urlProblem(webhook)
  if (problem === undefined) return undefined
  return problem === 'not-a-url' ? lsps5Faults.urlParse() : lsps5Faults.unsupportedProtocol()
}

/** What becomes of a webhook that a client sets; `unchanged` is the only one that it is not told about (L5-10). */
export type Placement = 'added' | 'replaced' | 'unchanged'

/**
 * Where a webhook goes among those that its client has already, or why nowhere (L5-07, L5-09). Names and URLs are
 * compared as they came. A client that has more than `most`, because the limit was lowered, keeps and may replace them.
 */
export function placeWebhook(
  wanted: SetWebhookParams,
  { registered, most }: { readonly registered: readonly SetWebhookParams[]; readonly most: number },
): { readonly placement: Placement } | { readonly fault: RpcFault } {
  const fault = checkWebhook(wanted)
  if (fault !== undefined) return { fault }
  const before = registered.find(({ app_name }) => app_name === wanted.app_name)
  if (before !== undefined) return { placement: before.webhook === wanted.webhook ? 'unchanged' : 'replaced' }
  return registered.length < most ? { placement: 'added' } : { fault: lsps5Faults.tooManyWebhooks(most) }
}
