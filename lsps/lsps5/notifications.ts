import * as z from 'zod'
import { U32_MAX } from '../base/amount.ts'
import type { NotificationTable } from '../base/method.ts'
import { isJsonObject } from '../rpc/framing.ts'

const NONE = z.object({})

/** Notifications of bLIP-55. They go to webhooks only, never to the client itself (L5-32). */
export const lsps5Notifications = {
  'lsps5.webhook_registered': {
    summary: 'This webhook was set just now. Nothing else comes before it.',
    params: NONE,
  },
  'lsps5.payment_incoming': {
    summary: 'A payment for the client waits.',
    params: NONE,
  },
  'lsps5.expiry_soon': {
    summary:
      'A payment or contract in a channel of the client runs out within 24 blocks, which would close the channel.',
    params: z.object({
      /** The height at which the LSP has to close the channel. */
      timeout: z.int().min(0).max(U32_MAX),
    }),
  },
  'lsps5.liquidity_management_request': {
    summary: 'The LSP wants back some of what it holds in channels to the client.',
    params: NONE,
  },
  'lsps5.onion_message_incoming': {
    summary: 'An onion message for the client waits.',
    params: NONE,
  },
} as const satisfies NotificationTable

export type NotificationMethod = keyof typeof lsps5Notifications

/** A notification of bLIP-55. */
export type WebhookNotification = {
  readonly [Method in NotificationMethod]: {
    readonly method: Method
    readonly params: z.output<(typeof lsps5Notifications)[Method]['params']>
  }
}[NotificationMethod]

/**
 * The body of the call and the text that is signed: these bytes and no others (L5-40, L5-42). LDK writes what it read
 * anew before it verifies: no blanks, and the keys in this order.
 */
export function notificationBody({ method, params }: WebhookNotification): string {
  const written = z.encode(lsps5Notifications[method].params as z.ZodObject, params)
  return JSON.stringify({ jsonrpc: '2.0', method, params: written })
}

/** What a body says; without `notification` when the method is none of bLIP-55: such are ignored (L5-48). */
export type ReadNotification = { readonly method: string; readonly notification?: WebhookNotification }

/** Undefined for what is no notification of JSON-RPC 2.0, or lacks what its method requires. */
export function readNotification(body: string): ReadNotification | undefined {
  const message = parsed(body)
  if (!isJsonObject(message)) return undefined
  const { jsonrpc, method, params } = message
  const wellFormed = jsonrpc === '2.0' && typeof method === 'string' && !Object.hasOwn(message, 'id')
  if (!wellFormed || !isJsonObject(params)) return undefined
  if (!isNotificationMethod(method)) return { method }
  const decoded = z.safeDecode(lsps5Notifications[method].params as z.ZodObject, params)
  return decoded.success ? { method, notification: { method, params: decoded.data } as WebhookNotification } : undefined
}

function isNotificationMethod(method: string): method is NotificationMethod {
  return Object.hasOwn(lsps5Notifications, method)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
