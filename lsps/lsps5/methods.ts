import * as z from 'zod'
import type { FaultDefinition } from '../base/method.ts'
import { method } from '../base/method.ts'
import { fault, RpcFault, STANDARD_FAULTS } from '../rpc/fault.ts'
import {
  ListWebhooksResult,
  MAX_APP_NAME_BYTES,
  MAX_WEBHOOK_CHARACTERS,
  SetWebhookParams,
  SetWebhookResult,
} from './schema.ts'

/** The errors of bLIP-55. 1010 lies outside the hundred of LSPS5 there too (L5-21). */
export const LSPS5_FAULTS = {
  tooLong: { code: 500, name: 'too_long', message: 'The app_name or the webhook is too long.' },
  urlParse: {
    code: 501,
    name: 'url_parse_error',
    message:
      'The webhook is not a URL as RFC 1738 defines it: write https://, a host, and escape all else but plain ASCII.',
  },
  unsupportedProtocol: { code: 502, name: 'unsupported_protocol', message: 'A webhook has to be an https URL.' },
  tooManyWebhooks: {
    code: 503,
    name: 'too_many_webhooks',
    message: 'You have as many webhooks as one client may have. Remove or replace one.',
  },
  appNameNotFound: { code: 1010, name: 'app_name_not_found', message: 'You have no webhook of this name.' },
} as const satisfies Readonly<Record<string, FaultDefinition>>

const TOO_LONG = {
  app_name: `The app_name is longer than ${MAX_APP_NAME_BYTES} bytes as JSON writes it.`,
  webhook: `The webhook is longer than ${MAX_WEBHOOK_CHARACTERS} characters.`,
}

/** Makes the errors of bLIP-55, ready to throw. */
export const lsps5Faults = {
  /** 500, `lsps5.set_webhook`: the message says which of them */
  tooLong: (what: keyof typeof TOO_LONG): RpcFault => new RpcFault(LSPS5_FAULTS.tooLong.code, TOO_LONG[what]),
  /** 501, `lsps5.set_webhook` */
  urlParse: (): RpcFault => fault(LSPS5_FAULTS.urlParse),
  /** 502, `lsps5.set_webhook` */
  unsupportedProtocol: (): RpcFault => fault(LSPS5_FAULTS.unsupportedProtocol),
  /** 503, `lsps5.set_webhook` */
  tooManyWebhooks: (most: number): RpcFault => fault(LSPS5_FAULTS.tooManyWebhooks, { max_webhooks: most }),
  /** 1010, `lsps5.remove_webhook`: also for the webhook of another client (L5-22) */
  appNameNotFound: (): RpcFault => fault(LSPS5_FAULTS.appNameNotFound),
}

/** bLIP-55: where a client wants to be woken. */
export const lsps5 = {
  'lsps5.set_webhook': method({
    summary: 'Registers a URL under a name, or replaces the URL that this client has under it.',
    params: SetWebhookParams,
    result: SetWebhookResult,
    faults: [
      STANDARD_FAULTS.clientRejected,
      LSPS5_FAULTS.tooLong,
      LSPS5_FAULTS.urlParse,
      LSPS5_FAULTS.unsupportedProtocol,
      LSPS5_FAULTS.tooManyWebhooks,
    ],
  }),
  'lsps5.list_webhooks': method({
    summary: 'Lists the names under which this client has registered URLs.',
    params: z.strictObject({}),
    result: ListWebhooksResult,
    faults: [],
  }),
  'lsps5.remove_webhook': method({
    summary: 'Forgets what this client has registered under a name.',
    params: z.strictObject({ app_name: z.string() }),
    result: z.object({}),
    faults: [LSPS5_FAULTS.appNameNotFound],
  }),
}
