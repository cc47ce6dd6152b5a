import { readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { loadConfig, parseConfig, redact } from '../../../src/config/load.ts'
import { dataPaths } from '../../../src/config/paths.ts'
import { SidecarError } from '../../../src/kernel/errors.ts'
import { withTemporaryFolder } from './folder.ts'

const FILE = '/etc/sluice/sluice.json'
const OFFER = {
  min_fee_msat: '546000',
  proportional: 1200,
  min_payment_size_msat: '1000000',
  max_payment_size_msat: '1000000000',
}

/** The message with which the config is refused. */
function refusal(input: unknown): string {
  try {
    parseConfig(input, FILE)
  } catch (error) {
    if (error instanceof SidecarError && error.failure.code === 'CONFIG_INVALID') return error.message
    throw error
  }
  throw new Error('the config was accepted')
}

function withOffers(...offers: object[]): object {
  return { network: 'regtest', lsps2: { enabled: true, offers } }
}

describe('a config file', () => {
  it('needs nothing but the network', () => {
    const config = parseConfig({ network: 'signet' }, FILE)

    expect(config.data_dir).toBe(`${homedir()}/.sluice/signet`)
    expect(config.lnd.macaroon_path).toBe(`${homedir()}/.sluice/signet/lnd.macaroon`)
    expect(config.lnd.cert_path).toBe(`${homedir()}/.lnd/tls.cert`)
    expect(config.lsps2.enabled).toBe(false)
    expect(config.peer.max_pending_per_peer).toBe(10)
  })

  it('reads amounts into integers of 64 bits', () => {
    const offer = { ...OFFER, min_payment_size_msat: '9007199254740993', max_payment_size_msat: '9007199254740993' }
    const lsps2 = { enabled: true, offers: [offer], max_channel_sat: '9007199254741' }
    const config = parseConfig({ network: 'regtest', lsps2 }, FILE)

    expect(config.lsps2.offers[0]?.min_payment_size_msat).toBe(9_007_199_254_740_993n)
    expect(config.lsps2.htlc_minimum_msat).toBe(1000n)
    expect(config.lsps2.channel_headroom_sat).toBe(50_000n)
  })

  it('finds relative paths beside the file and the home folder under ~', () => {
    const { data_dir, lnd } = parseConfig(
      { network: 'regtest', data_dir: 'data', lnd: { cert_path: '~/tls.cert' } },
      FILE,
    )

    expect(data_dir).toBe('/etc/sluice/data')
    expect(lnd.cert_path).toBe(`${homedir()}/tls.cert`)
    expect(lnd.macaroon_path).toBe('/etc/sluice/data/lnd.macaroon')
    expect(dataPaths({ data_dir })).toEqual({
      folder: '/etc/sluice/data',
      db: '/etc/sluice/data/db',
      seed: '/etc/sluice/data/seed',
      socket: '/etc/sluice/data/admin.sock',
    })
  })

  it('is shown as it works, without the name of the home folder', () => {
    const shown = redact(parseConfig(withOffers(OFFER), FILE))

    expect(shown.data_dir).toBe('~/.sluice/regtest')
    expect(shown.lsps2?.offers?.[0]?.min_fee_msat).toBe('546000')
    expect(shown.lsps2?.htlc_minimum_msat).toBe('1000')
    expect(JSON.stringify(shown)).not.toContain(homedir())
    expect(redact(parseConfig(shown, FILE))).toEqual(shown)
  })
})

describe('config.example.json', () => {
  const path = 'config.example.json'

  it('is accepted', () => {
    expect(loadConfig(path).lsps2.enabled).toBe(true)
  })

  it('is complete but for the risk that an operator must choose to take', () => {
    const written = JSON.parse(readFileSync(path, 'utf8'))

    expect(written).toEqual(redact(loadConfig(path)))
    expect(keysOf(written)).not.toContain('without_require_interceptor')
  })
})

describe('a wrong config', () => {
  it.each<[string, unknown, string]>([
    ['a missing key', {}, 'config network: is missing; write "mainnet" or "testnet" or'],
    ['a name that does not exist', { network: 'main' }, 'config network: is "main"; write "mainnet" or'],
    [
      'money as a number',
      withOffers({ ...OFFER, min_fee_msat: 546000 }),
      'config lsps2.offers[0].min_fee_msat: is 546000; write msat as a decimal string in quotes, like "546000".',
    ],
    [
      'money with a fraction',
      withOffers({ ...OFFER, min_fee_msat: '1.5' }),
      'offers[0].min_fee_msat: is "1.5"; write msat',
    ],
    ['money below zero', withOffers({ ...OFFER, min_fee_msat: '-1' }), 'offers[0].min_fee_msat: is "-1"; write msat'],
    [
      'a number out of bounds',
      { network: 'regtest', funding: { conf_target: 0 } },
      'config funding.conf_target: is 0; write a whole number from 1 to 1008.',
    ],
    [
      'a fraction',
      { network: 'regtest', peer: { burst: 1.5 } },
      'config peer.burst: is 1.5; write a whole number from 1 to 100000.',
    ],
    [
      'a text for a flag',
      { network: 'regtest', admin: { enabled: 'yes' } },
      'config admin.enabled: is "yes"; write true or false.',
    ],
    [
      'an address without port',
      { network: 'regtest', lnd: { socket: 'localhost' } },
      'config lnd.socket: is "localhost"; write host:port like "localhost:10009".',
    ],
    ['something else than an object', { network: 'regtest', lnd: 7 }, 'config lnd: is 7; write an object { ... }.'],
    ['nothing but a list', [], 'config (top level): is []; write an object { ... }.'],
    [
      'an unknown key',
      { network: 'regtest', colour: 'red' },
      'config colour: is not a key of sluice; remove or rename it. Known here: network, data_dir,',
    ],
    [
      'a key with a typing error',
      { network: 'regtest', lnd: { macaroonPath: 'x' } },
      'config lnd.macaroonPath: is not a key of sluice; remove or rename it. Did you mean "macaroon_path"?',
    ],
    [
      'an unknown key in an offer',
      withOffers({ ...OFFER, min_fee: '1' }),
      'config lsps2.offers[0].min_fee: is not a key of sluice; remove or rename it. Known here: min_fee_msat,',
    ],
    [
      'offers that end too soon (bLIP-52)',
      withOffers({ ...OFFER, valid_for_seconds: 599 }),
      'offers[0].valid_for_seconds: is 599; write a whole number from 600',
    ],
    [
      'a sale without offers',
      withOffers(),
      'config lsps2.offers: is []; write at least one offer, or set lsps2.enabled to false.',
    ],
    [
      'a risk with another name',
      { network: 'regtest', lsps2: { without_require_interceptor: true } },
      'without_require_interceptor: is true; write "accept_lost_fees".',
    ],
    [
      'payments above the largest channel',
      withOffers({ ...OFFER, max_payment_size_msat: '16777215000' }),
      'offers[0].max_payment_size_msat: is "16777215000"; write less than 16777215000, or raise max_channel_sat.',
    ],
    [
      'a least channel above the largest',
      { network: 'regtest', lsps2: { min_channel_sat: '30000', max_channel_sat: '20000' } },
      'config lsps2.min_channel_sat: is "30000"; write at most 20000, the value of max_channel_sat.',
    ],
  ])('names place, value and fix of %s', (_, input, message) => {
    expect(refusal(input)).toContain(message)
  })

  it('has all its errors told at once', () => {
    const message = refusal({ network: 'regtest', colour: 'red', peer: { burst: 0 }, log: { level: 'loud' } })

    expect(message.split('\n')[0]).toBe(`config ${FILE}: 3 problems`)
    expect(message).toContain('\n  - peer.burst: is 0;')
    expect(message).toContain('\n  - log.level: is "loud"; write "trace" or')
    expect(message).toContain('\n  - colour: is not a key')
  })

  it('does not fill the screen', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`unknown_key_${index}`, 1]))
    const message = refusal({ network: 'x'.repeat(500), ...many })

    expect(message.split('\n').length).toBeLessThan(25)
    expect(message).toContain('and 81 more')
  })

  it('that is not there or not JSON says so', async () => {
    await withTemporaryFolder(async (folder) => {
      writeFileSync(`${folder}/broken.json`, '{"network": "regtest",\n}')

      expect(() => loadConfig(`${folder}/none.json`)).toThrow(
        `config ${folder}/none.json: does not exist. Copy config.example.json`,
      )
      expect(() => loadConfig(`${folder}/broken.json`)).toThrow(
        /broken\.json: is not JSON: .*\(line 2,? column 1\)\. Look for/,
      )
    })
  })
})

function keysOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [key, ...keysOf(inner)])
}
