import { describe, expect, it } from 'vitest'
import { sat } from '../../../lsps/base/amount.ts'
import { isWhole, mayBegin, mayPublish } from '../../../src/orders/bolt11.ts'
import { HEIGHT, OPEN_BLOCKS, SAFETY, TERMS } from './samples.ts'

const held = (blocksLeft: number | undefined) => ({
  terms: TERMS,
  payment: blocksLeft === undefined ? {} : { heldUntil: HEIGHT + blocksLeft },
})

describe('a payment that is held [L1-70]', () => {
  it.each([
    [SAFETY + OPEN_BLOCKS + 1, 'begun and published', true, true],
    [SAFETY + OPEN_BLOCKS, 'published, not begun', false, true],
    [SAFETY + 1, 'published, not begun', false, true],
    [SAFETY, 'neither', false, false],
    [0, 'neither', false, false],
    [-5, 'neither', false, false],
    [undefined, 'neither', false, false],
  ])('with %s blocks left: a channel may be %s', (blocksLeft, _, begins, publishes) => {
    expect(mayBegin(held(blocksLeft), HEIGHT)).toBe(begins)
    expect(mayPublish(held(blocksLeft), HEIGHT)).toBe(publishes)
  })

  it('is whole when it is what was asked, to the millisatoshi, or more', () => {
    expect(isWhole(999_999n, sat(1_000n))).toBe(false)
    expect(isWhole(1_000_000n, sat(1_000n))).toBe(true)
    expect(isWhole(2_000_000n, sat(1_000n))).toBe(true)
  })
})
