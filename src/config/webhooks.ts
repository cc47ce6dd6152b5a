import * as z from 'zod'
import { address, flag } from './fields.ts'

/** How webhooks are called; wallets choose where they are. */
const Delivery = z.strictObject({
  proxy: address('127.0.0.1:3128')
    .optional()
    .describe(
      '`host:port` of an HTTP proxy (CONNECT) through which all webhooks are called. It looks names up by itself: ' +
        'sluiced refuses IP addresses and private names, but cannot see where a name leads. Let the proxy refuse your ' +
        'private networks. Left out: sluiced connects by itself, to addresses that it checked.',
    ),
  allow_loopback: flag()
    .default(false)
    .describe('For tests on regtest only: webhooks on this machine may be called. It warns as long as it is on.'),
})

/** Calls that wake a wallet (LSPS5). */
export const Webhooks = z.strictObject({
  delivery: Delivery.prefault({}).describe('How webhooks are called, over HTTPS only; redirects are not followed.'),
})

/** What an operator must not overlook: the switch for tests. Undefined while it is off. */
export function loopbackWarning({
  webhooks,
}: {
  readonly webhooks: z.output<typeof Webhooks>
}): { readonly what: string; readonly fix: string } | undefined {
  if (!webhooks.delivery.allow_loopback) return undefined
  return {
    what: 'any peer can make sluiced connect to services on this machine, by a webhook',
    fix: 'unless this is a test, take "allow_loopback" out of webhooks.delivery',
  }
}
