import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import { type Exposure, isTooMuch } from '../../../src/held/limits.ts'
import { nodeId } from '../wake/samples.ts'

const LIMITS = { htlcs: 4, htlcsPerClient: 2, value: msat(100n), valuePerClient: msat(60n) }
const [CLIENT, OTHER] = [nodeId(1), nodeId(2)]
const of = (client: typeof CLIENT, amount: bigint): Exposure => ({ client, amount: msat(amount) })

describe('what may be held', () => {
  it.each([
    ['the last that fits', [of(CLIENT, 30n)], of(CLIENT, 30n), false],
    ['a msat too much for one client', [of(CLIENT, 30n)], of(CLIENT, 31n), true],
    ['one too many for one client', [of(CLIENT, 1n), of(CLIENT, 1n)], of(CLIENT, 1n), true],
    ['the same for another', [of(CLIENT, 1n), of(CLIENT, 1n)], of(OTHER, 1n), false],
    ['a msat too much in all', [of(CLIENT, 50n)], of(OTHER, 51n), true],
    ['one too many in all', [1, 2, 3, 4].map((n) => of(nodeId(n), 1n)), of(nodeId(5), 1n), true],
    ['alone more than one client may have', [], of(CLIENT, 61n), true],
  ] as const)('%s', (_, held, one, expected) => {
    expect(isTooMuch(one, held, LIMITS)).toBe(expected)
  })

  it('is never exceeded when each is asked about before it is held', () => {
    const exposure = fc.record({
      client: fc.integer({ min: 1, max: 4 }).map(nodeId),
      amount: fc.bigInt(0n, 70n).map(msat),
    })
    fc.assert(
      fc.property(fc.array(exposure, { maxLength: 30 }), (all) => {
        const held: Exposure[] = []
        for (const one of all) if (!isTooMuch(one, held, LIMITS)) held.push(one)
        const sum = (some: readonly Exposure[]) => some.reduce((total, { amount }) => total + amount, 0n)
        expect(held.length).toBeLessThanOrEqual(LIMITS.htlcs)
        expect(sum(held)).toBeLessThanOrEqual(LIMITS.value)
        for (const { client } of held) {
          const own = held.filter((one) => one.client === client)
          expect(own.length).toBeLessThanOrEqual(LIMITS.htlcsPerClient)
          expect(sum(own)).toBeLessThanOrEqual(LIMITS.valuePerClient)
        }
      }),
    )
  })
})
