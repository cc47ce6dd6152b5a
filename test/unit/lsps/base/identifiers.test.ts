import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { parseConnectionString } from '../../../../lsps/base/connection-string.ts'
import { SatPerKw, satPerKwFromVbyte } from '../../../../lsps/base/fee-rate.ts'
import { NodeId, parseNodeId } from '../../../../lsps/base/node-id.ts'
import { formatOutpoint, Outpoint, parseOutpoint, parseTxid } from '../../../../lsps/base/outpoint.ts'
import { parseScid, Scid, scidFromNumber, scidToNumber } from '../../../../lsps/base/scid.ts'
import { NODE } from '../arbitraries.ts'

const SCIDS = [
  ['539268x845x1', 592931436542885889n],
  ['29451x4815x1', 32381717265186817n],
  ['16000000x0x0', 17592186044416000000n],
  ['16777215x16777215x65535', 18446744073709551615n],
  ['16250000x16777215x65535', 17867065050871627775n],
  ['0x0x0', 0n],
] as const

const NOT_SCIDS = [
  '',
  '1x2',
  '1X2X3',
  '1:2:3',
  '01x2x3',
  '16777216x0x0',
  '0x16777216x0',
  '0x0x65536',
  ' 1x2x3',
  '1x2x3x4',
  '-1x0x0',
]

describe('a short channel id', () => {
  it.each(SCIDS)('[L0-73] %s is the number %d', (text, number) => {
    expect(scidFromNumber(number)).toBe(text)
    expect(scidToNumber(z.decode(Scid, text as Scid))).toBe(number)
  })

  it.each([...NOT_SCIDS, 5])('[L0-73] refuses %j', (value) => {
    expect(z.safeDecode(Scid, value as never).success).toBe(false)
  })

  it('[L0-73] survives both forms', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (number) => {
        const scid = parseScid(scidFromNumber(number))
        expect(scid).toBeDefined()
        expect(scidToNumber(scid as Scid)).toBe(number)
      }),
    )
  })
})

describe('a public key', () => {
  it('[L0-74] is read in either case and kept in lower case', () => {
    expect(parseNodeId(NODE.toUpperCase())).toBe(NODE)
  })

  it.each(['', NODE.slice(2), `04${NODE.slice(2)}`, `${NODE}00`, `0x${NODE.slice(2)}`])(
    '[L0-74] refuses "%s"',
    (text) => {
      expect(parseNodeId(text)).toBeUndefined()
      expect(z.safeDecode(NodeId, text as NodeId).success).toBe(false)
    },
  )
})

describe('a connection string', () => {
  it('[L0-75] splits at the first @ and the last colon', () => {
    expect(parseConnectionString(`${NODE}@::1:9735`)).toEqual({ nodeId: NODE, host: '::1', port: 9735 })
    expect(parseConnectionString(`${NODE}@node.example:9735`)).toEqual({
      nodeId: NODE,
      host: 'node.example',
      port: 9735,
    })
  })

  it.each([
    NODE,
    `${NODE}@host`,
    `${NODE}@:9735`,
    `${NODE}@host:0`,
    `${NODE}@host:65536`,
    `${NODE}@host:09735`,
    'ab@host:1',
  ])('[L0-75] refuses "%s"', (text) => {
    expect(parseConnectionString(text)).toBeUndefined()
  })
})

describe('an outpoint', () => {
  const txid = 'f27c97f46ed7281a3efa7287410082eba0cd1424d72703a217e435ea840957b0'

  it('[L0-80] [L0-82] is a transaction id in lower case and an index', () => {
    const outpoint = z.decode(Outpoint, `${txid.toUpperCase()}:1`)
    expect(outpoint).toEqual({ txid, index: 1 })
    expect(formatOutpoint(outpoint)).toBe(`${txid}:1`)
    expect(parseTxid(txid.slice(1))).toBeUndefined()
  })

  it('[L0-81] has an index of 16 bits', () => {
    expect(parseOutpoint(`${txid}:65535`)?.index).toBe(65_535)
    for (const index of ['65536', '-1', '01', '1.0', '']) expect(parseOutpoint(`${txid}:${index}`)).toBeUndefined()
    expect(z.safeDecode(Outpoint, txid).success).toBe(false)
  })
})

describe('a fee rate', () => {
  it('[L0-71] has a floor of 253 and rounds up', () => {
    expect([satPerKwFromVbyte(1), satPerKwFromVbyte(2), satPerKwFromVbyte(1.013)]).toEqual([253, 500, 254])
    expect(z.safeDecode(SatPerKw, 253 as SatPerKw).success).toBe(true)
    for (const value of [252, 253.5, '253', -1]) expect(z.safeDecode(SatPerKw, value as never).success).toBe(false)
  })
})
