import { describe, expect, it } from 'vitest'
import type { NodeId } from '../../../lsps/base/node-id.ts'
import { parseConfig } from '../../../src/config/load.ts'
import { loopbackWarning } from '../../../src/config/webhooks.ts'
import { checkConfigured, refuseUnfit } from '../../../src/fitness.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { deliveryOf } from '../../../src/slices.ts'

const NODE = `02${'a'.repeat(64)}` as NodeId
const parse = (delivery: object, network = 'regtest') =>
  parseConfig({ network, webhooks: { delivery } }, '/etc/sluice/sluice.json')

describe('section webhooks.delivery', () => {
  it('calls nothing on this machine unless it says so, and then warns', () => {
    expect(deliveryOf(parse({}))).toEqual({ loopback: 'refused' })
    expect(loopbackWarning(parse({}))).toBeUndefined()
    expect(deliveryOf(parse({ allow_loopback: true }))).toEqual({ loopback: 'allowed' })
    expect(loopbackWarning(parse({ allow_loopback: true }))?.what).toContain('services on this machine')
  })

  it('says so at the start, which goes on', () => {
    const info = { nodeId: NODE, alias: '', version: '0.21.3-beta', network: 'regtest', blockHeight: 1 }
    const node = { ...info, syncedToChain: true, requireInterceptor: true, features: [], uris: [] }
    const warned: string[] = []
    const log = { ...silentLog, warn: (_: object, message: string) => warned.push(message) }
    refuseUnfit(checkConfigured(node, parse({ allow_loopback: true })), log)
    expect(warned).toEqual(['any peer can make sluiced connect to services on this machine, by a webhook'])
    refuseUnfit(checkConfigured(node, parse({})), log)
    expect(warned).toHaveLength(1)
  })

  it.each(['mainnet', 'testnet', 'signet', 'simnet'])('never calls anything on this machine on %s', (network) => {
    expect(() => parse({ allow_loopback: true }, network)).toThrow(
      'webhooks.delivery.allow_loopback: is true; take it out: it is for regtest only',
    )
    expect(deliveryOf(parse({ allow_loopback: false }, network)).loopback).toBe('refused')
  })

  it('names a proxy by address or name, with its port', () => {
    expect(deliveryOf(parse({ proxy: 'proxy.lan:3128' })).proxy).toEqual({ host: 'proxy.lan', port: 3128 })
    expect(deliveryOf(parse({ proxy: '[::1]:3128' })).proxy).toEqual({ host: '::1', port: 3128 })
    expect(() => parse({ proxy: 'http://proxy:3128' })).toThrow(
      'webhooks.delivery.proxy: is "http://proxy:3128"; write',
    )
  })
})
