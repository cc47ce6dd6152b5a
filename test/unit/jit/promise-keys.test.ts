import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createPromiseKey, makePromise } from '../../../lsps/lsps2/promise.ts'
import { EPOCH_MS, PromiseKeys } from '../../../src/jit/promise-keys.ts'
import { NODE, SAMPLE_TERMS } from '../lsps/arbitraries.ts'
import { time } from './samples.ts'

const SEED = new Uint8Array(32).fill(3)
const WEEK = 2_800
const at = (week: number, ms = 0) => time(week * EPOCH_MS + ms)

/** What the two keys of this moment promise: keys are compared by their use. */
function promises(keys: PromiseKeys, now = at(WEEK)): readonly string[] {
  return keys.at(now).map((key) => makePromise(key, NODE, SAMPLE_TERMS))
}

describe('the keys of promises', () => {
  it('stay the same within a week', () => {
    const keys = new PromiseKeys(SEED, 'mainnet')
    expect(promises(keys, at(WEEK, EPOCH_MS - 1))).toEqual(promises(keys, at(WEEK)))
  })

  it('change with the week; the one before still counts', () => {
    const keys = new PromiseKeys(SEED, 'mainnet')
    const [before] = promises(keys, at(WEEK))
    const [now, still] = promises(keys, at(WEEK + 1))
    expect(still).toBe(before)
    expect(now).not.toBe(before)
  })

  it('are forgotten after two weeks', () => {
    const keys = new PromiseKeys(SEED, 'mainnet')
    const [before] = promises(keys, at(WEEK))
    expect(promises(keys, at(WEEK + 2))).not.toContain(before)
  })

  it('come from the seed alone: another process makes the same ones', () => {
    expect(promises(new PromiseKeys(SEED, 'mainnet'))).toEqual(promises(new PromiseKeys(SEED.slice(), 'mainnet')))
  })

  it('differ between networks and seeds', () => {
    const all = [
      new PromiseKeys(SEED, 'mainnet'),
      new PromiseKeys(SEED, 'testnet'),
      new PromiseKeys(new Uint8Array(32).fill(4), 'mainnet'),
    ].flatMap((keys) => promises(keys))
    expect(new Set(all).size).toBe(9)
  })

  it('follow a clock that is set back', () => {
    const keys = new PromiseKeys(SEED, 'mainnet')
    const first = promises(keys, at(WEEK))
    promises(keys, at(WEEK + 5))
    expect(promises(keys, at(WEEK))).toEqual(first)
  })

  it('make the promises of the portable HMAC', () => {
    const label = `sluice lsps2 promise mainnet ${WEEK}`
    const portable = createPromiseKey(new Uint8Array(createHmac('sha256', SEED).update(label).digest()))
    const [key] = new PromiseKeys(SEED, 'mainnet').at(at(WEEK))
    expect(makePromise(key, NODE, SAMPLE_TERMS)).toBe(makePromise(portable, NODE, SAMPLE_TERMS))
    for (let length = 0; length < 300; length += 1) {
      const message = Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 0xff)
      expect(key.mac(message)).toBe(portable.mac(message))
    }
  })
})
