import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Ppm, sat } from '../../../lsps/base/amount.ts'
import { BLOCKS_PER_YEAR, priceOf } from '../../../src/orders/pricing.ts'
import { RULE } from './samples.ts'

const priced = { lspBalance: sat(1_000_000n), clientBalance: sat(50_000n), blocks: 13_140, satPerVbyte: 2 }

describe('the price of an order', () => {
  it('is base, capital for its time, share of the client, and the chain with its margin', () => {
    const price = priceOf(RULE, priced)
    expect(price).toMatchObject({
      base: 1_000n,
      capital: 12_500n,
      client: 5n,
      openCost: 330n,
      closeCost: 470n,
      margin: 80n,
    })
    expect(price.fee).toBe(14_385n)
  })

  it('takes a discount off the whole', () => {
    const price = priceOf(RULE, { ...priced, discountPpm: 100_000 as Ppm })
    expect(price.discount).toBe(1_438n)
    expect(price.fee).toBe(14_385n - 1_438n)
  })

  it('is that of the capital alone for what needs no transaction', () => {
    const price = priceOf(RULE, { ...priced, clientBalance: sat(0n), satPerVbyte: 0 })
    expect(price.fee).toBe(price.base + price.capital)
  })

  it('is one satoshi at least, also with everything taken off: no invoice asks for nothing', () => {
    expect(priceOf(RULE, { ...priced, discountPpm: 1_000_000 as Ppm }).fee).toBe(1n)
    const free = { ...RULE, base: sat(0n), capitalPpmPerYear: 0 as Ppm }
    expect(priceOf(free, { ...priced, clientBalance: sat(0n), satPerVbyte: 0 }).fee).toBe(1n)
  })

  it('never falls when more is ordered', () => {
    const amount = fc.bigInt({ min: 0n, max: 10_000_000_000n }).map(sat)
    const blocks = fc.integer({ min: 1, max: 10 * BLOCKS_PER_YEAR })
    const rate = fc.integer({ min: 1, max: 10_000 })
    fc.assert(
      fc.property(amount, amount, blocks, rate, amount, (lspBalance, clientBalance, time, satPerVbyte, more) => {
        const one = { lspBalance, clientBalance, blocks: time, satPerVbyte }
        const { fee } = priceOf(RULE, one)
        expect(priceOf(RULE, { ...one, lspBalance: sat(lspBalance + more) }).fee).toBeGreaterThanOrEqual(fee)
        expect(priceOf(RULE, { ...one, blocks: time + 1 }).fee).toBeGreaterThanOrEqual(fee)
        expect(priceOf(RULE, { ...one, satPerVbyte: satPerVbyte + 1 }).fee).toBeGreaterThanOrEqual(fee)
      }),
    )
  })
})
