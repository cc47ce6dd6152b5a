import * as z from 'zod'
import { address, count, flag } from './fields.ts'
import { Hold } from './hold.ts'

const DAY_SECONDS = 86_400
/** bLIP-55: so long after its last channel closed a client may count on its webhooks (L5-12). */
const LEAST_RETENTION_DAYS = 7

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
  enabled: flag()
    .default(false)
    .describe(
      'Take webhooks of peers and call them when something waits for a peer that is not connected. It makes this ' +
        'machine connect to hosts that peers name, on the open internet only; and the macaroon needs the right to sign.',
    ),
  max_per_client: count(1, 100).default(10).describe('Webhooks that one peer may have; one more is refused.'),
  max_clients_without_channel: count(0, 1_000_000)
    .default(1_000)
    .describe(
      'Peers without a channel that may have webhooks: anybody can be one, with any number of node ids. When there are ' +
        'as many, further ones are refused; whoever has a channel is not.',
    ),
  cooldown_seconds: count(1, DAY_SECONDS)
    .default(60)
    .describe(
      'How long a peer that does not come is not told the same again. It is over as soon as the peer has been connected.',
    ),
  retention_days: count(LEAST_RETENTION_DAYS, 3650)
    .default(7)
    .describe(
      'How long webhooks of a peer without a channel are kept, after they were set or its last one was closed.',
    ),
  hold: Hold.prefault({}).describe(
    'Payments to customers with a webhook that are not connected wait until these come, where they lead over a channel ' +
      'that is not announced, and within limits: what waits takes slots and money in the channels of payers. sluiced ' +
      'takes the interceptor of lnd for it.',
  ),
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
