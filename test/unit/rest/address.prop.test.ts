import { isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { network, senderOf } from '../../../src/rest/address.ts'

const PROXY = '10.0.0.1'
const sender = (over: Partial<Parameters<typeof senderOf>[0]>) =>
  senderOf({ remote: '203.0.113.9', forwardedFor: undefined, trustedProxy: PROXY, encrypted: 'no', ...over })

/** What an attacker may write into a header: addresses, lists of them, and anything else. */
const header = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.string(),
  fc.constantFrom('', ',', ' ', PROXY, '127.0.0.1', '::1', 'unknown'),
)
const headers = fc.oneof(header, fc.array(header, { maxLength: 4 }))

describe('who sent a request, whatever its header says', () => {
  it('is never who the caller says: without the proxy the header changes nothing', () => {
    fc.assert(
      fc.property(headers, fc.ipV4(), (forwardedFor, remote) => {
        fc.pre(remote !== PROXY)
        expect(sender({ remote, forwardedFor })).toEqual({ refused: 'only over TLS' })
        expect(sender({ remote, forwardedFor, encrypted: 'yes' })).toEqual({ address: remote })
        expect(sender({ remote, forwardedFor, encrypted: 'yes', trustedProxy: undefined })).toEqual({ address: remote })
      }),
    )
  })

  it('is what the proxy appended, whatever stands before it', () => {
    fc.assert(
      fc.property(headers, fc.oneof(fc.ipV4(), fc.ipV6()), (before, real) => {
        const lines = [before].flat()
        const direct = sender({ remote: real, encrypted: 'yes', trustedProxy: undefined })
        expect(sender({ remote: PROXY, forwardedFor: [...lines, real] })).toEqual(direct)
        expect(sender({ remote: PROXY, forwardedFor: [...lines, real].join(', ') })).toEqual(direct)
      }),
    )
  })

  it('is an address, or nobody', () => {
    fc.assert(
      fc.property(headers, (forwardedFor) => {
        const found = sender({ remote: PROXY, forwardedFor })
        if ('address' in found) expect(isIP(found.address.replace(/\/64$/, '').replace(/::$/, '::'))).toBeGreaterThan(0)
        else expect(found.refused).toBe('the proxy does not tell an address')
      }),
    )
  })
})

describe('the network that counts as one caller', () => {
  it('is the same for every address of an IPv6 customer, however it is written, and another for its neighbour', () => {
    const group = fc.integer({ min: 0, max: 0xffff })
    fc.assert(
      fc.property(fc.tuple(group, group, group, group), fc.tuple(group, group, group, group), (prefix, rest) => {
        const hex = (groups: readonly number[]) => groups.map((each) => each.toString(16)).join(':')
        const one = network(`${hex(prefix)}:${hex(rest)}`)
        expect(network(`${hex(prefix).toUpperCase()}::`)).toBe(one)
        expect(network(`${prefix.map((each) => each.toString(16).padStart(4, '0')).join(':')}:0:0:0:1`)).toBe(one)
        const [first, second, third, last] = prefix
        expect(network(`${hex([first, second, third, (last + 1) % 0x10000])}::1`)).not.toBe(one)
      }),
    )
  })
})
