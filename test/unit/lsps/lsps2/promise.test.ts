import { bytesToHex } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { msat, type Ppm } from '../../../../lsps/base/amount.ts'
import type { Timestamp } from '../../../../lsps/base/datetime.ts'
import {
  createPromiseKey,
  MAX_NOTE_CHARACTERS,
  makePromise,
  promiseMessage,
  readPromise,
  verifyPromise,
} from '../../../../lsps/lsps2/promise.ts'
import { FeePromise, type FeeTerms } from '../../../../lsps/lsps2/schema.ts'
import { anyTerms, NODE, OTHER_NODE, SAMPLE_TERMS } from '../arbitraries.ts'

const key = (byte: number) => createPromiseKey(new Uint8Array(32).fill(byte))
const KEY = key(0x42)
const PROMISE = '860a5b7f9f4449b3252eac05c1caa00f53e678c4d26e6235a261e55f1a517c65'

const CHANGED: readonly Partial<FeeTerms>[] = [
  { min_fee_msat: msat(546_001n) },
  { proportional: 1201 as Ppm },
  { valid_until: 1_677_142_050_512 as Timestamp },
  { min_lifetime: 1009 },
  { max_client_to_self_delay: 2017 },
  { min_payment_size_msat: msat(1001n) },
  { max_payment_size_msat: msat(1_000_001n) },
]

describe('a promise', () => {
  it('[L2-10] [L2-14] is the HMAC over 94 bytes of fixed width', () => {
    expect(bytesToHex(promiseMessage(NODE, SAMPLE_TERMS))).toBe(
      `6c737073322d70726f6d6973652d763100${NODE}00000000000854d0000004b0000001867d74c6cf000003f0000007e000000000000003e800000000000f4240`,
    )
    expect(makePromise(KEY, NODE, SAMPLE_TERMS)).toBe(PROMISE)
  })

  it('[L2-11] is printable and short', () => {
    expect(z.safeDecode(FeePromise, PROMISE).success).toBe(true)
    expect(JSON.stringify(PROMISE)).toHaveLength(PROMISE.length + 2)
  })

  it.each(CHANGED)('[L2-10] does not cover terms with %o', (change) => {
    expect(verifyPromise([KEY], NODE, { ...SAMPLE_TERMS, ...change }, PROMISE)).toBe(false)
  })

  it('[L2-14] cannot be redeemed by another node', () => {
    expect(verifyPromise([KEY], NODE, SAMPLE_TERMS, PROMISE)).toBe(true)
    expect(verifyPromise([KEY], OTHER_NODE, SAMPLE_TERMS, PROMISE)).toBe(false)
  })

  it('[L2-15] is honoured by a rotated key as long as that is kept', () => {
    expect(verifyPromise([key(1), KEY], NODE, SAMPLE_TERMS, PROMISE)).toBe(true)
    expect(verifyPromise([key(1)], NODE, SAMPLE_TERMS, PROMISE)).toBe(false)
    expect(verifyPromise([], NODE, SAMPLE_TERMS, PROMISE)).toBe(false)
  })

  it('[L2-15] needs a key of 32 bytes', () => {
    expect(() => createPromiseKey(new Uint8Array(31))).toThrow(RangeError)
  })

  it.each([
    '',
    PROMISE.slice(1),
    `${PROMISE}0`,
    PROMISE.toUpperCase(),
    `${PROMISE.slice(0, -1)}4`,
    '\u0000'.repeat(64),
  ])('[L2-15] is not "%s"', (text) => {
    expect(verifyPromise([KEY], NODE, SAMPLE_TERMS, text)).toBe(false)
  })

  it('[L2-10] holds for its own terms only', () => {
    fc.assert(
      fc.property(anyTerms(), anyTerms(), (made, claimed) => {
        const promise = makePromise(KEY, NODE, made)
        expect(verifyPromise([KEY], NODE, made, promise)).toBe(true)
        const same = bytesToHex(promiseMessage(NODE, made)) === bytesToHex(promiseMessage(NODE, claimed))
        expect(verifyPromise([KEY], NODE, claimed, promise)).toBe(same)
      }),
    )
  })

  it('[L2-14] serialises different terms differently', () => {
    fc.assert(
      fc.property(anyTerms(), anyTerms(), (a, b) => {
        const equal = Object.keys(a).every((name) => a[name as keyof FeeTerms] === b[name as keyof FeeTerms])
        expect(bytesToHex(promiseMessage(NODE, a)) === bytesToHex(promiseMessage(NODE, b))).toBe(equal)
      }),
    )
  })
})

const anyNote = () => fc.stringMatching(/^[A-Za-z0-9:_~-]{1,40}$/)

describe('a promise that carries a note', () => {
  it('[L2-12] tells the note to whoever redeems it', () => {
    fc.assert(
      fc.property(anyTerms(), anyNote(), (terms, note) => {
        const promise = makePromise(KEY, NODE, terms, note)
        expect(readPromise([key(1), KEY], NODE, terms, promise)).toBe(note)
        expect(readPromise([KEY], OTHER_NODE, terms, promise)).toBeUndefined()
        expect(z.safeDecode(FeePromise, promise).success).toBe(true)
      }),
    )
  })

  it('[L2-12] holds for its own note only', () => {
    fc.assert(
      fc.property(anyTerms(), anyNote(), anyNote(), (terms, note, other) => {
        const proof = makePromise(KEY, NODE, terms, note).slice(-64)
        expect(readPromise([KEY], NODE, terms, `${other}.${proof}`)).toBe(other === note ? note : undefined)
        expect(readPromise([KEY], NODE, terms, proof)).toBeUndefined()
      }),
    )
  })

  it('[L2-12] cannot be had by putting a note before a promise without one', () => {
    expect(readPromise([KEY], NODE, SAMPLE_TERMS, PROMISE)).toBe('')
    for (const text of [`.${PROMISE}`, `a.${PROMISE}`, `a${PROMISE}`]) {
      expect(readPromise([KEY], NODE, SAMPLE_TERMS, text)).toBeUndefined()
    }
  })

  it('[L2-11] has at most 512 bytes that JSON need not escape', () => {
    const longest = makePromise(KEY, NODE, SAMPLE_TERMS, 'x'.repeat(MAX_NOTE_CHARACTERS))
    expect(JSON.stringify(longest)).toHaveLength(512 + 2)
    expect(readPromise([KEY], NODE, SAMPLE_TERMS, longest)).toHaveLength(MAX_NOTE_CHARACTERS)
    for (const note of ['x'.repeat(MAX_NOTE_CHARACTERS + 1), 'a b', 'a.b', '"', 'é', '\n']) {
      expect(() => makePromise(KEY, NODE, SAMPLE_TERMS, note)).toThrow(RangeError)
      expect(readPromise([KEY], NODE, SAMPLE_TERMS, `${note}.${PROMISE}`)).toBeUndefined()
    }
  })
})
