import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { msat, type Ppm } from '../../../lsps/base/amount.ts'
import { createPromiseKey, PROMISE_KEY_BYTES, verifyPromise } from '../../../lsps/lsps2/promise.ts'
import { menuFor, type PricedOffer } from '../../../src/jit/menu.ts'
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
const NOW = time(1_700_000_000_123)

describe('the menu for a client', () => {
  it('has the offers in the order of the config', () => {
    const dear = { ...OFFER, min_fee_msat: msat(3_000_000n) }
    expect(menuFor(NODE, [OFFER, dear], KEY, NOW).map(({ min_fee_msat }) => min_fee_msat)).toEqual([
      OFFER.min_fee_msat,
      dear.min_fee_msat,
    ])
  })

  it('is empty without offers', () => {
    expect(menuFor(NODE, [], KEY, NOW)).toEqual([])
  })

  it('holds for as long as the offer says', () => {
    expect(menuFor(NODE, [OFFER], KEY, NOW)[0]?.valid_until).toBe(NOW + 3_600_000)
  })

  it('never ends on a whole second: some clients would send another text back', () => {
    fc.assert(
      fc.property(anyTimestamp(), (now) => {
        const [entry] = menuFor(NODE, [OFFER], KEY, now)
        expect((entry?.valid_until ?? 0) % 1000).not.toBe(0)
      }),
    )
  })

  it('carries promises that hold for this client and for no other', () => {
    const [entry] = menuFor(NODE, [OFFER], KEY, NOW)
    if (entry === undefined) throw new Error('no entry')
    expect(verifyPromise([KEY], NODE, entry, entry.promise)).toBe(true)
    expect(verifyPromise([KEY], OTHER_NODE, entry, entry.promise)).toBe(false)
  })

  it('does not show how long offers live, only when they end', () => {
    expect(menuFor(NODE, [OFFER], KEY, NOW)[0]).not.toHaveProperty('valid_for_seconds')
  })
})
