import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import { type Exposure, isTooMuch } from '../../../src/held/limits.ts'
import { givingWay } from '../../../src/wake/giving-way.ts'
import { nodeId } from './samples.ts'

const LIMITS = { htlcs: 4, htlcsPerClient: 2, value: msat(100n), valuePerClient: msat(60n) }
const of = (client: number, amount: bigint): Exposure => ({ client: nodeId(client), amount: msat(amount) })

describe('what gives way to a larger HTLC', () => {
  it('is nothing when there is room', () => {
    expect(givingWay(of(1, 30n), [of(1, 30n)], LIMITS)).toEqual([])
  })

  it('is the smallest of its own client where that has too much, though others have smaller ones', () => {
    const [small, large, other] = [of(1, 2n), of(1, 3n), of(2, 1n)]
    expect(givingWay(of(1, 10n), [large, small, other], LIMITS)).toEqual([small])
  })

  it('is the smallest of all where there is too much in all', () => {
    const waiting = [of(1, 9n), of(2, 1n), of(3, 8n), of(4, 7n)]
    expect(givingWay(of(5, 10n), waiting, LIMITS)).toEqual([of(2, 1n)])
  })

  it('is not enough when the smallest is as large: then it goes on itself', () => {
    expect(givingWay(of(1, 10n), [of(1, 10n), of(1, 20n)], LIMITS)).toBeUndefined()
    expect(givingWay(of(1, 61n), [], LIMITS)).toBeUndefined()
  })

  it('makes it fit, and is never as large as it', () => {
    const exposure = fc.record({
      client: fc.integer({ min: 1, max: 4 }).map(nodeId),
      amount: fc.bigInt(0n, 70n).map(msat),
    })
    fc.assert(
      fc.property(exposure, fc.array(exposure, { maxLength: 12 }), (one, waiting) => {
        const gone = givingWay(one, waiting, LIMITS)
        if (gone === undefined) return
        const left = waiting.filter((other) => !gone.includes(other))
        expect(isTooMuch(one, left, LIMITS)).toBe(false)
        expect(gone.every(({ amount }) => amount < one.amount)).toBe(true)
      }),
    )
  })
})
