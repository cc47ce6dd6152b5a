import * as z from 'zod'
import { address, count, flag, ipAddress, path } from './fields.ts'

/** Addresses that the bridge names to wallets. */
const MAX_ADDRESSES = 8

/** LSPS1 over HTTP. */
export const Rest = z
  .strictObject({
    enabled: flag()
      .default(false)
      .describe('Serve `/api/v1/get_info`, `/api/v1/create_order` and `/api/v1/get_order` over HTTP.'),
    listen: address('0.0.0.0:8443')
      .default('127.0.0.1:8443')
      .describe('`host:port` to listen on. The default is for a proxy on the same machine.'),
    tls_cert_path: path('~/.sluice/mainnet/fullchain.pem')
      .optional()
      .describe('Certificate chain, PEM, to serve over TLS. A renewed file is used within ten minutes.'),
    tls_key_path: path('~/.sluice/mainnet/privkey.pem')
      .optional()
      .describe('The private key of that certificate, PEM.'),
    trusted_proxy: ipAddress('127.0.0.1')
      .optional()
      .describe(
        'The address of the one proxy whose `X-Forwarded-For` is believed (its last entry). Without a certificate ' +
          'nobody but it is served.',
      ),
    node_addresses: z
      .array(address('203.0.113.5:9735'), { error: 'write a list of addresses like ["203.0.113.5:9735"]' })
      .max(MAX_ADDRESSES, { error: `keep at most ${MAX_ADDRESSES} addresses` })
      .optional()
      .describe(
        'Where wallets reach your node, `host:port`, an IPv4 address first: Alby Hub knows no other. Left out: what ' +
          'lnd announces.',
      ),
    requests_per_second: count(1, 100_000)
      .default(2)
      .describe('Requests that one address may send per second, sustained. An IPv6 customer (/64) is one address.'),
    burst: count(1, 100_000).default(20).describe('Requests that one address may send at once after a pause.'),
    max_requests_per_second: count(1, 1_000_000)
      .default(500)
      .describe('Requests of all addresses together per second, sustained; twice as many at once.'),
    max_pending: count(1, 1_000_000)
      .default(200)
      .describe('Requests of all addresses together that may wait for their answer; more are refused.'),
    max_unpaid_orders_per_address: count(1, 10_000)
      .default(5)
      .describe('Orders made from one address that may wait for their payment; more are refused.'),
    max_unpaid_orders_per_public_key: count(1, 10_000)
      .default(5)
      .describe(
        'Orders for one `public_key` that may wait for their payment. Anybody can say any key over HTTP: this bounds ' +
          'what is ordered in the name of a node; its own orders over its connection are not counted.',
      ),
  })
  .check(({ value, issues }) => {
    const { enabled, tls_cert_path: cert, tls_key_path: key, trusted_proxy: proxy } = value
    const place = cert === undefined ? 'tls_cert_path' : 'tls_key_path'
    const fix =
      (cert === undefined) === (key === undefined)
        ? 'set rest.tls_cert_path and rest.tls_key_path, or rest.trusted_proxy: without either nobody could be served'
        : 'set both rest.tls_cert_path and rest.tls_key_path, or none'
    const isWhole = (cert === undefined) === (key === undefined)
    if (isWhole && !(enabled && cert === undefined && proxy === undefined)) return
    issues.push({ code: 'custom', path: [place], input: value[place], message: fix, continue: true })
  })
