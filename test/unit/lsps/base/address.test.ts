import { address as reference } from 'bitcoinjs-lib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { isAddressOf, OnchainAddress, parseAddress } from '../../../../lsps/base/address.ts'

const P2WPKH = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'
const P2WSH = 'bc1qvmsy0f3yyes6z9jvddk8xqwznndmdwapvrc0xrmhd3vqj5rhdrrq6hz49h'
const P2TR = 'bc1p5uvtaxzkjwvey2tfy49k5vtqfpjmrgm09cvs88ezyy8h2zv7jhas9tu4yr'
const REGTEST = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'
const TESTNET = 'tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7'

describe('an on-chain address', () => {
  it.each([P2WPKH, P2WSH, P2TR, REGTEST, TESTNET])('[L0-76] is read: %s', (address) => {
    expect(parseAddress(address)).toBe(address)
    expect(parseAddress(address.toUpperCase())).toBe(address)
  })

  it.each([
    ['base58, P2PKH', '1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2'],
    ['base58, P2SH', '3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy'],
    ['mixed case', `${P2WPKH.slice(0, 20)}${P2WPKH.slice(20).toUpperCase()}`],
    ['a wrong checksum', P2WPKH.replace(/4$/, '5')],
    ['version 0 with the checksum of version 1', 'tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47'],
    ['version 1 with the checksum of version 0', 'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd'],
    ['another chain', 'ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9'],
    ['a version without rules', 'BC1SW50QGDZ25J'],
    ['a version without rules', 'bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs'],
    ['what anybody may spend (P2A)', 'bc1pfeessrawgf'],
    ['nothing', ''],
    ['a prefix alone', 'bc1'],
    ['no separator', 'bc'],
    ['blanks', ` ${P2WPKH}`],
  ])('[L0-76] is not %s: %s', (_, text) => {
    expect(parseAddress(text)).toBeUndefined()
    expect(z.safeDecode(OnchainAddress, text).success).toBe(false)
  })

  it('[L0-76] is written in lower case', () => {
    expect(z.encode(OnchainAddress, z.decode(OnchainAddress, P2TR.toUpperCase()))).toBe(P2TR)
  })

  it('[L0-76] is read as another implementation writes it: 20 and 32 bytes, version 0, or 32 bytes, version 1', () => {
    const program = fc.oneof(
      ...[2, 20, 32, 33].map((length) => fc.uint8Array({ minLength: length, maxLength: length })),
    )
    const prefix = fc.constantFrom('bc', 'tb', 'bcrt', 'sb')
    fc.assert(
      fc.property(program, fc.integer({ min: 0, max: 16 }), prefix, (bytes, version, network) => {
        const text = reference.toBech32(bytes, version, network)
        const payable =
          version === 0 ? bytes.length === 20 || bytes.length === 32 : version === 1 && bytes.length === 32
        expect(parseAddress(text)).toBe(payable ? text : undefined)
      }),
    )
  })

  it('[L0-76] notices every change of one character', () => {
    const character = fc.constantFrom(...'qpzry9x8gf2tvdw0s3jn54khce6mua7l')
    fc.assert(
      fc.property(fc.constantFrom(P2WPKH, P2WSH, P2TR), fc.nat(), character, (address, at, other) => {
        const position = 3 + (at % (address.length - 3))
        fc.pre(address[position] !== other)
        const changed = address.slice(0, position) + other + address.slice(position + 1)
        expect(parseAddress(changed)).toBeUndefined()
      }),
    )
  })

  it('[L0-76] refuses any text, and never throws', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => parseAddress(text) === undefined))
    fc.assert(fc.property(fc.string(), (text) => parseAddress(`bc1q${text}`) === undefined))
  })

  it('tells on which network it is', () => {
    const networks = ['mainnet', 'testnet', 'testnet4', 'signet', 'regtest', 'simnet'] as const
    const networksOf = (text: string) =>
      networks.filter((network) => isAddressOf(z.decode(OnchainAddress, text), network))
    expect(networksOf(P2WPKH)).toEqual(['mainnet'])
    expect(networksOf(REGTEST)).toEqual(['regtest'])
    expect(networksOf(TESTNET)).toEqual(['testnet', 'testnet4', 'signet'])
  })
})
