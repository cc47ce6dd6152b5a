import { describe, expect, it } from 'vitest'
import { parseConfig, redact } from '../../../src/config/load.ts'

const FILE = '/etc/sluice/sluice.json'
const tls = { tls_cert_path: 'tls/cert.pem', tls_key_path: '/keys/key.pem' }
const parse = (rest: object, orders: object = { enabled: true }) =>
  parseConfig({ network: 'regtest', orders, rest }, FILE)

describe('section rest', () => {
  it('finds its files beside the config, as all others', () => {
    const config = parse({ enabled: true, ...tls })
    expect(config.rest).toMatchObject({ tls_cert_path: '/etc/sluice/tls/cert.pem', tls_key_path: '/keys/key.pem' })
    expect(redact(config).rest).toMatchObject({ tls_cert_path: '/etc/sluice/tls/cert.pem' })
  })

  it('is served through a proxy without a certificate', () => {
    expect(parse({ enabled: true, trusted_proxy: '127.0.0.1' }).rest.tls_cert_path).toBeUndefined()
  })

  it.each<[string, object, string]>([
    ['nothing that keeps others from reading along', { enabled: true }, 'or rest.trusted_proxy: without either nobody'],
    ['a certificate without its key', { tls_cert_path: 'cert.pem' }, 'rest.tls_key_path: is missing; set both'],
    ['a key without its certificate', { tls_key_path: 'key.pem' }, 'rest.tls_cert_path: is missing; set both'],
    ['a proxy by its name', { trusted_proxy: 'localhost' }, 'rest.trusted_proxy: is "localhost"; write an IP address'],
    ['a node without a port', { node_addresses: ['203.0.113.5'] }, 'rest.node_addresses[0]: is "203.0.113.5"; write'],
  ])('is refused with %s', (_, rest, message) => {
    expect(() => parse(rest)).toThrow(message)
  })

  it('needs the orders', () => {
    const unsold = () => parse({ enabled: true, ...tls }, { enabled: false })
    expect(unsold).toThrow('rest.enabled: is true; set orders.enabled as well')
  })
})
