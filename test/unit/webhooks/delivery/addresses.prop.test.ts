import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AddressRules,
  FORBIDDEN_IPV4,
  FORBIDDEN_IPV6,
  judgeAddress,
} from '../../../../src/webhooks/delivery/addresses.ts'
import { FORBIDDEN, isForbidden } from './forbidden.ts'

const RULES: AddressRules = { loopback: 'refused', own: [] }
const isSafe = (address: string, rules = RULES) => 'safe' in judgeAddress(address, rules)

const WIDTH = { ipv4: 32n, ipv6: 128n } as const
type Family = keyof typeof WIDTH

function write(value: bigint, family: Family): string {
  const [part, count, radix, sign] = family === 'ipv4' ? ([8n, 4n, 10, '.'] as const) : ([16n, 8n, 16, ':'] as const)
  const parts = Array.from({ length: Number(count) }, (_, index) => {
    const shift = (count - 1n - BigInt(index)) * part
    return ((value >> shift) & ((1n << part) - 1n)).toString(radix)
  })
  return parts.join(sign)
}

function read(network: string): { readonly family: Family; readonly value: bigint } {
  if (!network.includes(':')) {
    return { family: 'ipv4', value: network.split('.').reduce((sum, byte) => (sum << 8n) + BigInt(byte), 0n) }
  }
  const [head = '', tail = ''] = network.split('::')
  const [before, after] = [head, tail].map((text) => (text === '' ? [] : text.split(':'))) as [string[], string[]]
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
  return { family: 'ipv6', value: groups.reduce((sum, group) => (sum << 16n) + BigInt(`0x${group}`), 0n) }
}

/** The first and last address of a network. */
function ends(network: string, bits: number) {
  const { family, value } = read(network)
  const size = 1n << (WIDTH[family] - BigInt(bits))
  return { family, first: value, last: value + size - 1n }
}

describe('the address check', () => {
  it.each(FORBIDDEN.map(([network, bits]) => ({ network, bits })))(
    'refuses every address of $network/$bits',
    ({ network, bits }) => {
      const { family, first, last } = ends(network, bits)
      expect([first, last].map((value) => isSafe(write(value, family)))).toEqual([false, false])
      fc.assert(
        fc.property(fc.bigInt(first, last), (value) => !isSafe(write(value, family))),
        { numRuns: 200 },
      )
    },
  )

  it('allows what lies beside a forbidden network, unless another one begins there', () => {
    const beside = FORBIDDEN.flatMap(([network, bits]) => {
      const { family, first, last } = ends(network, bits)
      const neighbours = [first - 1n, last + 1n].filter((value) => value >= 0n && value < 1n << WIDTH[family])
      return neighbours.map((value) => write(value, family))
    })
    const wrong = beside.filter((address) => isSafe(address) === isForbidden(address))
    expect(wrong).toEqual([])
    expect(beside.filter((address) => isSafe(address)).length).toBeGreaterThan(20)
  })

  it('decides as a second reading of the registries does, anywhere in IPv4', () => {
    const anywhere = fc.bigInt(0n, (1n << 32n) - 1n).map((value) => write(value, 'ipv4'))
    fc.assert(
      fc.property(anywhere, (address) => isSafe(address) !== isForbidden(address)),
      { numRuns: 5_000 },
    )
  })

  it('decides so anywhere in IPv6, in its public part above all', () => {
    const all = fc.bigInt(0n, (1n << 128n) - 1n)
    const open = fc.bigInt(0x2n << 124n, (0x4n << 124n) - 1n)
    const anywhere = fc.oneof(all, open, open).map((value) => write(value, 'ipv6'))
    fc.assert(
      fc.property(anywhere, (address) => isSafe(address) !== isForbidden(address)),
      { numRuns: 5_000 },
    )
  })

  it('refuses any IPv4 address within an IPv6 address: mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, (1n << 32n) - 1n), (value) => {
        const [high, low] = [(value >> 16n).toString(16), (value & 0xffffn).toString(16)]
        const dotted = write(value, 'ipv4')
        const forms = [
          `::ffff:${dotted}`,
          `::ffff:${high}:${low}`,
          `::${dotted}`,
          `::ffff:0:${dotted}`,
          `64:ff9b::${dotted}`,
          `64:ff9b:1::${dotted}`,
          `2002:${high}:${low}::1`,
          `2001:0:${high}:${low}::`,
          `2a00:1450:4001:81c:0:5efe:${dotted}`,
          `2a00:1450:4001:81c:200:5efe:${dotted}`,
        ]
        expect(forms.filter((form) => isSafe(form))).toEqual([])
      }),
      { numRuns: 300 },
    )
  })

  it('takes nothing that is not an address in full notation', () => {
    const texts = [
      '',
      '127.1',
      '2130706433',
      '0x7f.0.0.1',
      '010.0.0.1',
      '8.8.8',
      '8.8.8.8.',
      ' 8.8.8.8',
      '8.8.8.8%eth0',
    ]
    const more = ['2606:4700::1%eth0', '[2606:4700::1]', '8.8.8.8/8', '8.8.8.8:443', 'example.com', '８.8.8.8']
    expect([...texts, ...more].filter((text) => isSafe(text))).toEqual([])
  })

  it('writes a safe address in one way', () => {
    const written = ['8.8.8.8', '2606:4700:0:0::1111', '2606:4700::0:1111'].map((text) => judgeAddress(text, RULES))
    expect(written).toEqual([{ safe: '8.8.8.8' }, { safe: '2606:4700::1111' }, { safe: '2606:4700::1111' }])
  })

  it('refuses the addresses of this machine, however they are written', () => {
    const own = ['93.184.215.14', '2606:4700:0:0:0:0:0:1111', 'fe80::1%eth0']
    expect(judgeAddress('93.184.215.14', { ...RULES, own })).toEqual({ refused: 'an address of this machine' })
    expect(judgeAddress('2606:4700::1111', { ...RULES, own })).toEqual({ refused: 'an address of this machine' })
    expect(isSafe('93.184.215.15', { ...RULES, own })).toBe(true)
  })

  it('allows loopback where the switch says so, and nothing else of the machine', () => {
    const rules: AddressRules = { loopback: 'allowed', own: ['127.0.0.1', '192.168.1.2', '93.184.215.14'] }
    expect(['127.0.0.1', '127.8.0.1', '::1'].map((address) => isSafe(address, rules))).toEqual([true, true, true])
    const others = ['192.168.1.2', '93.184.215.14', '10.0.0.1', '169.254.169.254', '::', '0.0.0.0', '::ffff:127.0.0.1']
    expect(others.filter((address) => isSafe(address, rules))).toEqual([])
  })

  it('names the range, and no range twice the same prefix', () => {
    expect(judgeAddress('169.254.169.254', RULES)).toEqual({ refused: 'link-local' })
    expect(judgeAddress('64:ff9b::a00:1', RULES)).toEqual({ refused: 'NAT64' })
    expect(judgeAddress('6000::1', RULES)).toEqual({ refused: 'not a public range' })
    const all = [...FORBIDDEN_IPV4, ...FORBIDDEN_IPV6].map(([prefix]) => prefix)
    expect(new Set(all).size).toBe(all.length)
  })
})
