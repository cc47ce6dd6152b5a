import { describe, expect, it } from 'vitest'
import { bakeCommand, enabledFeatures } from '../../../src/cli/features.ts'
import { checkTerms } from '../../../src/cli/inspect.ts'
import { parseConfig } from '../../../src/config/load.ts'

const OFFERS = [{ min_fee_msat: '1', proportional: 0, min_payment_size_msat: '2', max_payment_size_msat: '3' }]

function config(lsps2: object, network = 'regtest') {
  return parseConfig({ network, data_dir: '/data', lsps2: { offers: OFFERS, ...lsps2 } }, '/etc/sluice.json')
}

describe('the macaroon command', () => {
  it('has the rights of what is enabled, and no others', () => {
    const selling = bakeCommand(config({ enabled: true }))
    const idle = bakeCommand(config({ enabled: false }, 'mainnet'))

    expect(selling).toMatch(/^lncli --network=regtest bakemacaroon --save_to \/data\/lnd\.macaroon \\\n {2}uri:\//)
    expect(selling).toContain('uri:/walletrpc.WalletKit/FundPsbt')
    expect(idle).toMatch(/^lncli bakemacaroon --save_to/)
    expect(idle).toContain('uri:/lnrpc.Lightning/GetInfo')
    expect(idle).not.toMatch(/FundPsbt|OpenChannel|HtlcInterceptor/)
    expect(`${selling}${idle}`).not.toMatch(/Invoice/)
    expect(`${selling}${idle}`).not.toMatch(/SendCoins|SendPayment|BakeMacaroon/)
  })
})

describe('what is enabled', () => {
  it('is what the macaroon is for', () => {
    const { lsps2 } = config({ enabled: false })

    expect(enabledFeatures({ lsps2 })).toEqual(['node'])
    expect(enabledFeatures({ lsps2, orders: { enabled: true } })).toEqual(['node', 'orders'])
    expect(enabledFeatures({ lsps2: { ...lsps2, enabled: true }, orders: { enabled: true } })).toEqual([
      'node',
      'lsps2',
      'orders',
    ])
  })
})

describe('the doctor about the config', () => {
  it('warns of a hold that is shorter than bLIP-52 asks for', () => {
    expect(checkTerms(config({ enabled: true, part_hold_seconds: 89 }))).toMatchObject([{ severity: 'warning' }])
    expect(checkTerms(config({ enabled: true, part_hold_seconds: 90 }))).toEqual([])
    expect(checkTerms(config({ enabled: false, part_hold_seconds: 1 }))).toEqual([])
  })

  it('warns while webhooks on this machine may be called', () => {
    const tests = { network: 'regtest', data_dir: '/data', webhooks: { delivery: { allow_loopback: true } } }
    expect(checkTerms(parseConfig(tests, '/etc/sluice.json'))).toMatchObject([
      { severity: 'warning', what: expect.stringContaining('connect to services on this machine') },
    ])
  })

  it('says what the network has to allow so that webhooks can be called', () => {
    const check = (delivery: object) =>
      checkTerms(parseConfig({ network: 'regtest', webhooks: { enabled: true, delivery } }, '/etc/sluice.json'))
    expect(check({})).toMatchObject([{ severity: 'ok', what: expect.stringContaining('from this machine') }])
    expect(check({ proxy: '127.0.0.1:3128' })).toMatchObject([
      { severity: 'ok', what: expect.stringContaining('the proxy 127.0.0.1:3128, which looks names up') },
    ])
  })

  it('warns of offers of which one cannot be sold when the chain is dear', () => {
    const dear = { min_fee_msat: '2', proportional: 0, min_payment_size_msat: '3', max_payment_size_msat: '3' }
    const offers = [...OFFERS, dear]
    expect(checkTerms(config({ enabled: true, offers }))).toMatchObject([{ severity: 'warning' }])
    expect(checkTerms(config({ enabled: true, offers, pricing: { mode: 'fixed' } }))).toEqual([])
  })
})
