import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { msat, type Ppm } from '../../../lsps/base/amount.ts'
import { createPromiseKey, PROMISE_KEY_BYTES, readPromise, verifyPromise } from '../../../lsps/lsps2/promise.ts'
import { menuFor, readNote } from '../../../src/jit/menu.ts'
import type { ListInForce } from '../../../src/jit/price-book.ts'
import type { PricedOffer } from '../../../src/jit/pricing.ts'
import { anyTimestamp, NODE, OTHER_NODE } from '../lsps/arbitraries.ts'
import { time } from './samples.ts'

const OFFER: PricedOffer = {
  min_fee_msat: msat(2_000_000n),
  proportional: 4000 as Ppm,
  min_lifetime: 4320,
  max_client_to_self_delay: 2016,
  min_payment_size_msat: msat(10_000_000n),
  max_payment_size_msat: msat(1_000_000_000n),
  valid_for_seconds: 3600,
}
const KEY = createPromiseKey(new Uint8Array(PROMISE_KEY_BYTES).fill(1))
const ID = '0le2ab3c4'
const inForce = (offers: readonly PricedOffer[], token?: string): ListInForce => ({
  id: ID,
  list: {
    offers: offers.map((offer) => ({ ...offer, floor: offer.min_fee_msat })),
    ...(token === undefined ? {} : { token }),
  },
})
const NOW = time(1_700_000_000_123)

describe('the menu for a client', () => {
  it('has the offers in the order of the config', () => {
    const dear = { ...OFFER, min_fee_msat: msat(3_000_000n) }
    expect(menuFor(NODE, inForce([OFFER, dear]), KEY, NOW).map(({ min_fee_msat }) => min_fee_msat)).toEqual([
      OFFER.min_fee_msat,
      dear.min_fee_msat,
    ])
  })

  it('is empty without offers', () => {
    expect(menuFor(NODE, inForce([]), KEY, NOW)).toEqual([])
  })

  it('holds for as long as the offer says', () => {
    expect(menuFor(NODE, inForce([OFFER]), KEY, NOW)[0]?.valid_until).toBe(NOW + 3_600_000)
  })

  it('never ends on a whole second: some clients would send another text back', () => {
    fc.assert(
      fc.property(anyTimestamp(), (now) => {
        const [entry] = menuFor(NODE, inForce([OFFER]), KEY, now)
        expect((entry?.valid_until ?? 0) % 1000).not.toBe(0)
      }),
    )
  })

  it('carries promises that hold for this client and for no other', () => {
    const [entry] = menuFor(NODE, inForce([OFFER]), KEY, NOW)
    if (entry === undefined) throw new Error('no entry')
    expect(verifyPromise([KEY], NODE, entry, entry.promise)).toBe(true)
    expect(verifyPromise([KEY], OTHER_NODE, entry, entry.promise)).toBe(false)
  })

  it.each([undefined, 'summer-2026'])('notes in its promises where it is from, with token %s', (token) => {
    const [entry] = menuFor(NODE, inForce([OFFER], token), KEY, NOW)
    if (entry === undefined) throw new Error('no entry')
    const note = readPromise([KEY], NODE, entry, entry.promise)
    expect(readNote(note ?? '')).toEqual(token === undefined ? { priceList: ID } : { priceList: ID, token })
  })

  it('has nothing to note in promises of releases that had no price lists', () => {
    expect(readNote('')).toBeUndefined()
  })

  it('shows neither the floor of a price nor offers live, only when they end', () => {
    const [entry] = menuFor(NODE, inForce([OFFER]), KEY, NOW)
    expect(Object.keys(entry ?? {})).toHaveLength(8)
    expect(entry).not.toHaveProperty('valid_for_seconds')
    expect(entry).not.toHaveProperty('floor')
  })
})
