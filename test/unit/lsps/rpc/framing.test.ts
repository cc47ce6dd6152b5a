import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeFrame,
  decodePayload,
  encodeFrame,
  encodePayload,
  LSPS_MESSAGE_TYPE,
  MAX_PAYLOAD_BYTES,
} from '../../../../lsps/rpc/framing.ts'

const bytes = (...parts: readonly (string | number)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...utf8ToBytes(part)] : [part])))

const BAD: readonly (readonly [string, Uint8Array])[] = [
  ['nothing', bytes()],
  ['only whitespace', bytes(' \n')],
  ['truncated JSON', bytes('{')],
  ['an array', bytes('[]')],
  ['a string', bytes('"x"')],
  ['a number', bytes('1')],
  ['a boolean', bytes('true')],
  ['null', bytes('null')],
  ['two objects', bytes('{}{}')],
  ['an object and garbage', bytes('{}x')],
  ['a zero byte after the object', bytes('{}', 0)],
  ['a zero byte in a string', bytes('{"a":"', 0, '"}')],
  ['a byte that is not UTF-8', bytes('{"a":"', 0xff, '"}')],
  ['a lone continuation byte', bytes('{"a":"', 0x80, '"}')],
  ['an overlong encoding', bytes('{"a":"', 0xc0, 0xaf, '"}')],
  ['an encoded surrogate', bytes('{"a":"', 0xed, 0xa0, 0x80, '"}')],
  ['a byte order mark', bytes(0xef, 0xbb, 0xbf, '{}')],
  ['a no-break space', bytes('\u00a0{}')],
  ['a vertical tab', bytes('\u000b{}')],
  ['a form feed', bytes('{}\u000c')],
  ['more than fits into a message', bytes('{}', ' '.repeat(MAX_PAYLOAD_BYTES - 1))],
]

describe('a payload', () => {
  it.each(BAD)('[L0-04] [L0-05] that is %s is bad', (_name, payload) => {
    expect(decodePayload(payload)).toEqual({ bad: expect.any(String) })
  })

  it('[L0-03] may be surrounded by the four bytes of JSON whitespace', () => {
    expect(decodePayload(bytes(' \t\r\n{"a":1}\n '))).toEqual({ object: { a: 1 } })
  })

  it('[L0-02] may have 65533 bytes and not one more', () => {
    const value = (length: number) => ({ a: 'x'.repeat(length - '{"a":""}'.length) })
    expect(encodePayload(value(MAX_PAYLOAD_BYTES))?.length).toBe(65_533)
    expect(encodePayload(value(MAX_PAYLOAD_BYTES + 1))).toBeUndefined()
    expect(decodePayload(encodePayload(value(MAX_PAYLOAD_BYTES)) ?? bytes())).toHaveProperty('object')
  })

  it('[L0-02] is measured in bytes, not in characters', () => {
    expect(encodePayload({ a: 'é'.repeat(33_000) })).toBeUndefined()
  })

  it('[L0-06] may contain the escape of a zero character', () => {
    expect(decodePayload(bytes('{"a":"\\u0000"}'))).toEqual({ object: { a: '\0' } })
  })

  it('[L0-07] keeps odd names as plain data and the last of two equal names', () => {
    const decoded = decodePayload(bytes('{"__proto__":{"x":1},"constructor":2,"a":1,"a":3}'))
    if ('bad' in decoded) throw new Error(decoded.bad)
    expect(Object.entries(decoded.object)).toEqual([
      ['__proto__', { x: 1 }],
      ['constructor', 2],
      ['a', 3],
    ])
    expect({}).not.toHaveProperty('x')
  })

  it('[L0-07] may be nested as deeply as fits', () => {
    const depth = 20_000
    expect(decodePayload(bytes(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`))).toHaveProperty('object')
  })

  it('[L0-83] is written without needless escapes', () => {
    expect(encodePayload({ a: 'A/é"' })).toEqual(bytes('{"a":"A/é\\""}'))
  })

  it('never makes the reader throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (payload) => {
        expect(['object', 'bad']).toContain(Object.keys(decodePayload(payload))[0])
      }),
    )
  })
})

describe('a frame', () => {
  it('[L0-01] is the type 37913 in two bytes and the payload, nothing else', () => {
    const frame = encodeFrame(bytes('{}'))
    expect(bytesToHex(frame)).toBe('94197b7d')
    expect(decodeFrame(frame)).toEqual({ type: 'payload', payload: bytes('{}') })
    expect(LSPS_MESSAGE_TYPE).toBe(0x9419)
  })

  it('[L0-01] of another type is not ours, and one byte is none', () => {
    expect(decodeFrame(bytes(0, 1, '{}'))).toEqual({ type: 'foreign', messageType: 1 })
    expect(decodeFrame(bytes(0x94))).toEqual({ type: 'too-short', length: 1 })
  })

  it('[L0-02] refuses a payload that does not fit', () => {
    expect(() => encodeFrame(new Uint8Array(MAX_PAYLOAD_BYTES + 1))).toThrow(RangeError)
  })

  it('survives a view into a larger buffer', () => {
    const larger = Uint8Array.from([1, 2, 3, ...encodeFrame(bytes('{"a":1}'))])
    expect(decodeFrame(larger.subarray(3))).toEqual({ type: 'payload', payload: bytes('{"a":1}') })
  })
})
