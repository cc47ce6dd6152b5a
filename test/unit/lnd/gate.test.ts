import { describe, expect, it } from 'vitest'
import type { NodeId } from '../../../lsps/base/node-id.ts'
import { checkNode, type GateOptions, parseVersion } from '../../../src/lnd/gate.ts'
import type { NodeInfo } from '../../../src/lnd/port.ts'

const fit: NodeInfo = {
  nodeId: `02${'ab'.repeat(32)}` as NodeId,
  alias: 'lsp',
  version: '0.21.3-beta',
  network: 'mainnet',
  blockHeight: 1_000_000,
  syncedToChain: true,
  requireInterceptor: true,
  features: [47, 51, 729],
  uris: [],
}
const options: GateOptions = {
  network: 'mainnet',
  lsps2: true,
  acceptFundingDeadlock: false,
  withoutRequireInterceptor: false,
}
const check = (info: Partial<NodeInfo>, more: Partial<GateOptions> = {}) =>
  checkNode({ ...fit, ...info }, { ...options, ...more }).map(({ severity, id }) => `${severity} ${id}`)
const fixes = (info: Partial<NodeInfo>, more: Partial<GateOptions> = {}) =>
  checkNode({ ...fit, ...info }, { ...options, ...more }).map(({ fix }) => fix)

describe('a version of lnd', () => {
  it.each([
    ['0.21.3-beta', { major: 0, minor: 21, patch: 3, rc: false }],
    ['v0.20.4-beta', { major: 0, minor: 20, patch: 4, rc: false }],
    ['0.21.3-beta.rc1', { major: 0, minor: 21, patch: 3, rc: true }],
    ['0.22.0', { major: 0, minor: 22, patch: 0, rc: false }],
    ['daemon', undefined],
    ['', undefined],
  ])('%s is read', (text, expected) => {
    expect(parseVersion(text)).toEqual(expected)
  })

  it.each([
    ['0.21.3-beta', []],
    ['0.21.9-beta', []],
    ['0.22.0-beta', ['warning version']],
    ['1.0.0-beta', ['warning version']],
    ['0.21.3-beta.rc2', ['error funding-deadlock']],
    ['0.21.2-beta', ['error funding-deadlock']],
    ['0.21.1-beta', ['error funding-deadlock']],
    ['0.21.0-beta', ['error version']],
    ['0.21.0-beta.rc1', ['error version']],
    ['0.20.4-beta', ['error funding-deadlock']],
    ['0.20.2-beta', ['error funding-deadlock']],
    ['0.20.2-beta.rc1', ['error version']],
    ['0.20.1-beta', ['error version']],
    ['0.18.4-beta', ['error version']],
    ['something', ['error version']],
  ])('%s is judged as decisions D3 says', (version, expected) => {
    expect(check({ version })).toEqual(expected)
  })

  it('may be one with the funding deadlock if the operator accepts that, but never one that loses HTLCs', () => {
    const accept = { acceptFundingDeadlock: true }

    expect(check({ version: '0.20.2-beta' }, accept)).toEqual(['warning funding-deadlock'])
    expect(check({ version: '0.21.0-beta' }, accept)).toEqual(['error version'])
    expect(fixes({ version: '0.21.2-beta' })[0]).toContain('"accept_funding_deadlock": true')
  })
})

describe('the node', () => {
  it('has no finding when all is well', () => {
    expect(check({})).toEqual([])
    expect(check({ features: [46, 50, 728] })).toEqual([])
  })

  it('needs its flags for LSPS2, each named as lnd.conf spells it', () => {
    expect(check({ features: [] })).toEqual(['error zero-conf', 'error scid-alias', 'warning lsp-feature'])
    expect(fixes({ features: [] }).join('\n')).toMatch(
      /`protocol\.zero-conf=true`[\s\S]*`protocol\.option-scid-alias=true`[\s\S]*`protocol\.custom-init=729`[\s\S]*`protocol\.custom-nodeann=729`/,
    )
    expect(check({ features: [], requireInterceptor: false }, { lsps2: false })).toEqual([])
  })

  it('[L2-115] needs requireinterceptor unless the operator accepts lost fees (D2)', () => {
    expect(check({ requireInterceptor: false })).toEqual(['error require-interceptor'])
    expect(fixes({ requireInterceptor: false })[0]).toMatch(
      /`requireinterceptor=true`[\s\S]*"without_require_interceptor": "accept_lost_fees"/,
    )
    expect(check({ requireInterceptor: false }, { withoutRequireInterceptor: true })).toEqual([
      'warning require-interceptor',
    ])
  })

  it('has to be on the network of the config and synced', () => {
    expect(check({ network: 'testnet' })).toEqual(['error network'])
    expect(check({ syncedToChain: false })).toEqual(['error not-synced'])
  })
})
