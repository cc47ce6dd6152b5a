import { describe, expect, it } from 'vitest'
import { network, sameAddress, senderOf } from '../../../src/rest/address.ts'

const PROXY = '127.0.0.1'
const overTls = { trustedProxy: undefined, encrypted: 'yes', forwardedFor: undefined } as const
const behindProxy = { trustedProxy: PROXY, encrypted: 'no' } as const

describe('who sent a request', () => {
  it('is the other end of the connection, over TLS', () => {
    expect(senderOf({ ...overTls, remote: '203.0.113.5' })).toEqual({ address: '203.0.113.5' })
    expect(senderOf({ ...overTls, remote: '::ffff:203.0.113.5' })).toEqual({ address: '203.0.113.5' })
    expect(senderOf({ ...overTls, remote: '2001:db8:1:2:3:4:5:6' })).toEqual({ address: '2001:db8:1:2::/64' })
  })

  it('is what the trusted proxy wrote last, whatever the caller wrote before', () => {
    const from = (forwardedFor: string | readonly string[]) => senderOf({ ...behindProxy, remote: PROXY, forwardedFor })
    expect(from('203.0.113.5')).toEqual({ address: '203.0.113.5' })
    expect(from('198.51.100.1, 10.0.0.1 , 203.0.113.5')).toEqual({ address: '203.0.113.5' })
    expect(from(['198.51.100.1', '203.0.113.5'])).toEqual({ address: '203.0.113.5' })
    expect(from('203.0.113.5:4321')).toEqual({ address: '203.0.113.5' })
    expect(from('[2001:db8::7]:4321')).toEqual({ address: '2001:db8:0:0::/64' })
    expect(from('2001:db8::7')).toEqual({ address: '2001:db8:0:0::/64' })
  })

  it('is the proxy itself when it names nobody', () => {
    expect(senderOf({ ...behindProxy, remote: PROXY, forwardedFor: undefined })).toEqual({ address: PROXY })
  })

  it.each(['unknown', '203.0.113.5, nobody', '203.0.113.500', '203.0.113.5 203.0.113.6', '_hidden', '-'])(
    'is nobody when the proxy writes %s: such callers must not share a limit with others, nor have none',
    (forwardedFor) => {
      expect(senderOf({ ...behindProxy, remote: PROXY, forwardedFor })).toHaveProperty('refused')
    },
  )

  it('is not believed about itself: the header of a stranger means nothing', () => {
    const stranger = { remote: '203.0.113.5', forwardedFor: '198.51.100.1' }
    expect(senderOf({ ...overTls, trustedProxy: PROXY, ...stranger })).toEqual({ address: '203.0.113.5' })
    expect(senderOf({ ...overTls, ...stranger })).toEqual({ address: '203.0.113.5' })
  })

  it('is refused without TLS, unless it is the proxy', () => {
    expect(senderOf({ ...behindProxy, remote: '203.0.113.5', forwardedFor: undefined })).toEqual({
      refused: 'only over TLS',
    })
    expect(senderOf({ ...overTls, remote: undefined })).toHaveProperty('refused')
  })
})

describe('what counts as one caller', () => {
  it.each([
    ['203.0.113.5', '203.0.113.5'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['1:2:3:4:5:6:192.0.2.1', '1:2:3:4::/64'],
  ])('%s belongs to %s', (address, expected) => {
    expect(network(address)).toBe(expected)
  })

  it('knows an address however it is written', () => {
    expect(sameAddress('::ffff:127.0.0.1', '127.0.0.1')).toBe(true)
    expect(sameAddress('0:0:0:0:0:0:0:1', '::1')).toBe(true)
    expect(sameAddress('127.0.0.1', '127.0.0.2')).toBe(false)
    expect(sameAddress('::1', '127.0.0.1')).toBe(false)
  })
})
