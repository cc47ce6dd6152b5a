import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import {
  checkPart,
  MAX_OUTGOING_BLOCKS,
  MIN_BLOCKS_BEFORE_AUTO_FAIL,
  MIN_OUTGOING_BLOCKS,
  MOST_OVERPAID,
  type PartFacts,
} from '../../../src/jit/part-checks.ts'
import type { Part } from '../../../src/jit/states.ts'
import { ANY_AMOUNT, DEAL, FEE, HEIGHT, NOW, PART, SIZE, SMALL_PART, time, VALID_UNTIL } from './samples.ts'

const check = (part: Partial<Part>, facts: Partial<PartFacts> = {}) =>
  checkPart(DEAL, { ...PART, ...part }, { height: HEIGHT, at: NOW, bound: false, ...facts })

describe('a part of a sale', () => {
  it('counts when nothing is wrong with it', () => {
    expect(check({})).toBeUndefined()
  })

  it('counts when it is too small: others may follow', () => {
    expect(check(SMALL_PART)).toBeUndefined()
  })

  it('counts until the last moment of the offer', () => {
    expect(check({}, { at: time(VALID_UNTIL - 1) })).toBeUndefined()
    expect(check({}, { at: VALID_UNTIL })).toMatchObject({ code: 'unknown_next_peer' })
  })

  it('does not count when the onion asks to forward more than came in', () => {
    expect(check({ amountIn: msat(SIZE - 1n) })).toMatchObject({ code: 'unknown_next_peer' })
  })

  it('does not count when the onion leaves less blocks than were sold', () => {
    const expiryIn = PART.expiryOut + DEAL.cltvExpiryDelta
    expect(check({ expiryIn })).toBeUndefined()
    expect(check({ expiryIn: expiryIn - 1 })).toMatchObject({ code: 'unknown_next_peer' })
  })

  it('does not count when lnd fails it before a channel can be opened', () => {
    const autoFailHeight = HEIGHT + MIN_BLOCKS_BEFORE_AUTO_FAIL
    expect(check({ autoFailHeight })).toBeUndefined()
    expect(check({ autoFailHeight: autoFailHeight - 1 })).toMatchObject({ code: 'temporary_channel_failure' })
  })

  it('does not count when the client could not claim in time', () => {
    const expiryOut = HEIGHT + MIN_OUTGOING_BLOCKS
    expect(check({ expiryOut })).toBeUndefined()
    expect(check({ expiryOut: expiryOut - 1 })).toMatchObject({ code: 'temporary_channel_failure' })
  })

  it('does not count when lnd would not forward it for so long', () => {
    const expiryOut = HEIGHT + MAX_OUTGOING_BLOCKS
    expect(check({ expiryOut, expiryIn: expiryOut + 200 })).toBeUndefined()
    expect(check({ expiryOut: expiryOut + 1, expiryIn: expiryOut + 200 })?.code).toBe('unknown_next_peer')
  })

  it('does not count when it is more than twice what was sold: the fee is for that, and so is the channel', () => {
    const most = msat(SIZE * MOST_OVERPAID)
    expect(check({ amountIn: most, amountOut: most })).toBeUndefined()
    const more = msat(most + 1n)
    expect(check({ amountIn: more, amountOut: more })?.code).toBe('unknown_next_peer')
  })

  it('does not count when the fee leaves less than the smallest HTLC', () => {
    const tiny = { ...ANY_AMOUNT, minPayment: msat(1n), htlcMinimum: msat(1000n) }
    const least = msat(FEE + 1000n)
    const facts = { height: HEIGHT, at: NOW, bound: false }
    expect(checkPart(tiny, { ...PART, amountOut: least }, facts)).toBeUndefined()
    expect(checkPart(tiny, { ...PART, amountOut: msat(least - 1n) }, facts)?.code).toBe('unknown_next_peer')
  })

  it('fails with temporary_channel_failure where the scid leads to the client: the other code cannot be said', () => {
    expect(check({}, { at: VALID_UNTIL, bound: true })).toMatchObject({ code: 'temporary_channel_failure' })
  })
})
