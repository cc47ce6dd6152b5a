import { describe, expect, it } from 'vitest'
import { MAX_DESCENDANTS, spendable } from '../../../src/inventory/unconfirmed.ts'
import { coinOf, idOf } from './samples.ts'

const change = (n: number) => ({ ...coinOf(n, 1_000_000n), confirmations: 0 })
/** A transaction that spends the change of the one before it. */
const txOf = (n: number, parent: number) => ({ txid: idOf(n), inputs: [`${idOf(parent)}:0`] })
const outpoints = (coins: readonly { outpoint: string }[]) => coins.map(({ outpoint }) => outpoint)

describe('coins that are not confirmed', () => {
  it('are not spent unless the operator says so', () => {
    const coins = [change(1), coinOf(2, 1n, 1), coinOf(3, 1n, 6)]
    expect(outpoints(spendable(coins, { minConfs: 1, most: 0 }, [txOf(1, 9)]))).toEqual(outpoints(coins.slice(1)))
    expect(outpoints(spendable(coins, { minConfs: 6, most: 0 }, [txOf(1, 9)]))).toEqual(outpoints(coins.slice(2)))
  })

  it('are never spent when they are of others', () => {
    expect(spendable([change(1)], { minConfs: 1, most: 20 }, [])).toEqual([])
  })

  it('are spent only so deep', () => {
    const chain = [txOf(1, 9), txOf(2, 1), txOf(3, 2)]
    const coins = [change(1), change(2), change(3)]
    expect(outpoints(spendable(coins, { minConfs: 1, most: 2 }, chain))).toEqual(outpoints(coins.slice(0, 2)))
    expect(spendable(coins, { minConfs: 1, most: 3 }, chain)).toHaveLength(3)
  })

  it('share the room that relay leaves to the descendants of one transaction', () => {
    const depth = { minConfs: 1, most: 20 }
    const children = Array.from({ length: MAX_DESCENDANTS }, (_, n) => ({
      txid: idOf(100 + n),
      inputs: [`${idOf(1)}:${n + 1}`],
    }))
    expect(spendable([change(1)], depth, [txOf(1, 9), ...children.slice(1)])).toHaveLength(1)
    expect(spendable([change(1)], depth, [txOf(1, 9), ...children])).toHaveLength(0)
    // Claimed is as good as spent.
    const claimed = children.map(({ inputs }) => inputs)
    expect(spendable([change(1)], depth, [txOf(1, 9)], claimed)).toHaveLength(0)
  })
})
