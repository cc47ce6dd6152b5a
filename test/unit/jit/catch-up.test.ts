import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import { type Ahead, catchUpSale } from '../../../src/jit/catch-up.ts'
import { verdict } from '../../../src/jit/verdict.ts'
import { awaiting, CHANNEL, DEAL, FEE, forwarding, NOW, OTHER, opening, owed, PART, paid, SIZE } from './samples.ts'

const STANDS: Ahead = {
  channel: CHANNEL,
  outpoint: CHANNEL.outpoint,
  bound: true,
  settled: [],
  inFlight: [],
  at: NOW,
}
const HTLC = { circuit: OTHER, amountIn: SIZE, amountOut: msat(SIZE - FEE) }
const FLYING = { ...HTLC, paymentHash: PART.paymentHash, expiryIn: 800_400, expiryOut: 800_200 }

describe('a sale whose record is older than lnd', () => {
  it('owes its fee when its channel stands and carried nothing of it', () => {
    for (const sale of [awaiting(), awaiting(PART), opening()]) {
      const { sale: now, money } = catchUpSale(sale, STANDS) ?? {}
      expect(now).toMatchObject({ tag: 'owed', deal: DEAL, channel: CHANNEL, bound: true })
      expect(money).toEqual([])
    }
  })

  it('is paid when lnd settled a forward that kept the fee, booked as lnd counts', () => {
    for (const sale of [awaiting(), opening(), owed(true), forwarding(true)]) {
      const { sale: now, money } = catchUpSale(sale, { ...STANDS, settled: [HTLC] }) ?? {}
      expect(now).toMatchObject({ tag: 'paid', amountIn: SIZE, earned: FEE })
      expect(money).toMatchObject([{ sale: DEAL.scid, earned: FEE, openingFee: FEE }])
    }
  })

  it('knows the payment hash when the payment was on record before', () => {
    const mine = { ...HTLC, circuit: PART.circuit }
    expect(catchUpSale(opening(), { ...STANDS, settled: [mine] })?.sale).toMatchObject({
      paymentHash: PART.paymentHash,
    })
    expect(catchUpSale(awaiting(), { ...STANDS, settled: [mine] })?.sale).toMatchObject({ paymentHash: '' })
  })

  it('waits for the end of a payment that is in flight, and never fails it', () => {
    for (const sale of [awaiting(), opening(), owed(true)]) {
      const { sale: now, money } = catchUpSale(sale, { ...STANDS, inFlight: [FLYING] }) ?? {}
      expect(now).toMatchObject({ tag: 'forwarding', bound: true })
      expect(money).toEqual([])
      const answer = now === undefined ? undefined : verdict(now, OTHER)
      expect(answer).toEqual({ type: 'resume-modified', amountOut: HTLC.amountOut, extraFee: FEE })
    }
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
      expect(catchUpSale(sale, STANDS)).toBeUndefined()
    }
    expect(
      catchUpSale(forwarding(true), { ...STANDS, inFlight: [{ ...FLYING, circuit: PART.circuit }] }),
    ).toBeUndefined()
    expect(catchUpSale(paid(), { ...STANDS, settled: [HTLC] })).toBeUndefined()
  })
})
