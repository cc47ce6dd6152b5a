import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import { type Ahead, catchUpSale, circuitsOf, explainedBy } from '../../../src/jit/catch-up.ts'
import type { Sale } from '../../../src/jit/states.ts'
import { verdict } from '../../../src/jit/verdict.ts'
import { awaiting, CHANNEL, DEAL, FEE, forwarding, NOW, OTHER, opening, owed, PART, paid, SIZE } from './samples.ts'

const STANDS: Ahead = {
  channel: CHANNEL,
  outpoint: CHANNEL.outpoint,
  bound: true,
  fee: FEE,
  settled: [],
  inFlight: [],
  at: NOW,
}
const HTLC = { circuit: OTHER, amountIn: SIZE, amountOut: msat(SIZE - FEE) }
const FLYING = { ...HTLC, paymentHash: PART.paymentHash, expiryIn: 800_400, expiryOut: 800_200 }
const tagOf = (sale: Sale | undefined) => sale?.tag

describe('a sale whose record is older than lnd', () => {
  it('owes its fee when its channel stands and carried nothing of it', () => {
    for (const sale of [awaiting(), opening()]) {
      const { sale: now, money } = catchUpSale(sale, STANDS) ?? {}
      expect(now).toMatchObject({ tag: 'owed', deal: DEAL, channel: CHANNEL, bound: true, collected: 0n, parts: [] })
      expect(money).toEqual([])
    }
  })

  it('is paid when lnd settled a forward that kept the fee, booked as lnd counts', () => {
    for (const sale of [awaiting(), opening(), owed(true), forwarding(true)]) {
      const { sale: now, money } = catchUpSale(sale, { ...STANDS, settled: [HTLC] }) ?? {}
      expect(now).toMatchObject({ tag: 'paid', amountIn: SIZE, earned: FEE, fee: FEE })
      expect(money).toMatchObject([{ sale: DEAL.scid, circuit: OTHER, earned: FEE, openingFee: FEE }])
    }
  })

  it('is paid by several parts, with an entry for each; what exceeds the fee is no opening fee', () => {
    const half = { circuit: '1:20', amountIn: msat(SIZE / 2n), amountOut: msat(SIZE / 2n - FEE / 2n) }
    const more = { circuit: '1:21', amountIn: msat(SIZE / 2n), amountOut: msat(SIZE / 2n - FEE) }
    const { sale, money } = catchUpSale(awaiting(), { ...STANDS, settled: [half, more] }) ?? {}
    expect(sale).toMatchObject({ tag: 'paid', amountIn: SIZE, earned: FEE + FEE / 2n })
    expect(money?.map(({ circuit, earned, openingFee }) => [circuit, earned, openingFee])).toEqual([
      ['1:20', FEE / 2n, FEE / 2n],
      ['1:21', FEE, FEE / 2n],
    ])
  })

  it('owes the rest when a part of the fee was kept', () => {
    const part = { circuit: '1:20', amountIn: msat(SIZE / 2n), amountOut: msat(SIZE / 2n - 400_000n) }
    const { sale, money } = catchUpSale(awaiting(), { ...STANDS, settled: [part] }) ?? {}
    expect(sale).toMatchObject({ tag: 'owed', collected: 400_000n, forwarded: ['1:20'] })
    expect(money).toMatchObject([{ earned: 400_000n, openingFee: 400_000n }])
  })

  it('knows the payment hash when the payment was on record before', () => {
    const mine = { ...HTLC, circuit: PART.circuit }
    const hash = (sale: Sale) => catchUpSale(sale, { ...STANDS, settled: [mine] })?.sale
    expect(hash(opening())).toMatchObject({ paymentHash: PART.paymentHash })
    expect(hash(awaiting())).toMatchObject({ paymentHash: '' })
  })

  it('waits for the end of a payment that is in flight, and never fails it', () => {
    for (const sale of [awaiting(), opening(), owed(true)]) {
      const { sale: now, money } = catchUpSale(sale, { ...STANDS, inFlight: [FLYING] }) ?? {}
      expect(now).toMatchObject({ tag: 'forwarding', bound: true, fee: FEE })
      expect(money).toEqual([])
      const answer = now === undefined ? undefined : verdict(now, OTHER)
      expect(answer).toEqual({ type: 'resume-modified', amountOut: HTLC.amountOut, extraFee: FEE })
    }
  })

  it('expects all of the fee of parts in flight that lnd shows in whole satoshi', () => {
    const parts = [0, 1, 2].map((index) => ({
      ...FLYING,
      circuit: `1:3${index}`,
      amountIn: msat(40_000_000n),
      amountOut: msat(40_000_000n - 333_000n),
    }))
    const { sale } = catchUpSale(awaiting(), { ...STANDS, inFlight: parts }) ?? {}
    const sent = sale?.tag === 'forwarding' ? sale.sent : []
    expect(sent.map(({ fee }) => fee)).toEqual([334_000n, 333_000n, 333_000n])
  })

  it('is unearned when its channel came and went', () => {
    const gone = { ...STANDS, channel: undefined }
    expect(catchUpSale(awaiting(), gone)?.sale).toMatchObject({ tag: 'unearned', outpoint: CHANNEL.outpoint })
    expect(catchUpSale(awaiting(), { ...gone, settled: [HTLC] })?.sale).toMatchObject({ tag: 'paid', earned: FEE })
  })
})

describe('a sale whose record is as far as lnd', () => {
  it('stays what it is', () => {
    for (const sale of [owed(true), owed(false), forwarding(true), forwarding(false), paid()]) {
      expect(tagOf(catchUpSale(sale, STANDS)?.sale)).toBeUndefined()
    }
    expect(catchUpSale(forwarding(true), { ...STANDS, inFlight: [FLYING] })).toBeUndefined()
    expect(catchUpSale(paid(), { ...STANDS, settled: [HTLC] })).toBeUndefined()
  })

  it('names the circuits that it counts on, and those that it explains', () => {
    expect(circuitsOf(awaiting())).toEqual([])
    expect(circuitsOf(opening())).toEqual([{ circuit: PART.circuit, state: 'held' }])
    expect(circuitsOf(forwarding(false))).toEqual([{ circuit: PART.circuit, state: 'held' }])
    expect(circuitsOf(forwarding(true))).toEqual([{ circuit: PART.circuit, state: 'forwarded' }])
    expect([...explainedBy(forwarding(true))]).toEqual([PART.circuit])
    expect([...explainedBy({ ...owed(true), forwarded: ['1:1'] })]).toEqual(['1:1'])
  })
})
