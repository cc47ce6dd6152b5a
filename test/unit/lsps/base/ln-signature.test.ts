import { utf8ToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { recoverSigner, signMessage } from '../../../../lsps/base/ln-signature.ts'
import { decodeZbase32, encodeZbase32 } from '../../../../lsps/base/zbase32.ts'
import { NODE } from '../arbitraries.ts'

const KEY = new Uint8Array(32).fill(0, 0, 31).fill(1, 31)
const MESSAGE = utf8ToBytes('test message')
const SIGNATURE =
  'd9tibmnic9t5y41hg7hkakdcra94akas9ku3rmmj4ag9mritc8ok4p5qzefs78c9pqfhpuftqqzhydbdwfg7u6w6wdxcqpqn4sj4e73e'

describe('a Lightning signature', () => {
  it('[L0-77] is 104 characters that name the signer', () => {
    expect(signMessage(MESSAGE, KEY)).toBe(SIGNATURE)
    expect(recoverSigner(MESSAGE, SIGNATURE)).toBe(NODE)
  })

  it('[L0-77] does not name the signer of another message', () => {
    expect(recoverSigner(utf8ToBytes('another message'), SIGNATURE)).not.toBe(NODE)
  })

  it.each(['', 'd9', SIGNATURE.slice(1), `l${SIGNATURE.slice(1)}`, `y${SIGNATURE.slice(1)}`, `d${'9'.repeat(103)}`])(
    '[L0-77] refuses "%s"',
    (text) => {
      expect(recoverSigner(MESSAGE, text)).toBeUndefined()
    },
  )
})

describe('zbase32', () => {
  it('decodes what it encodes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(decodeZbase32(encodeZbase32(bytes))).toEqual(bytes)
      }),
    )
  })

  it('refuses text that no bytes encode to', () => {
    expect(decodeZbase32('b')).toBeUndefined()
    expect(decodeZbase32('yb')).toBeUndefined()
    expect(decodeZbase32('Y')).toBeUndefined()
  })
})
