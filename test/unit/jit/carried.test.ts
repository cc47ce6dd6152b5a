import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import { isCarried, isUncounted, lookAt } from '../../../src/jit/carried.ts'
import type { Channel, PendingHtlc } from '../../../src/lnd/port.ts'
import { CHANNEL } from '../funding/samples.ts'

const room = (...sendable: readonly bigint[]) => sendable.map((amount) => ({ sendable: msat(amount) }))
const amounts = (...values: readonly bigint[]) => values.map((value) => msat(value))
const amount = fc.bigInt({ min: 0n, max: 1_000n })

describe('whether a payment fits the channels of a client', () => {
  it('is decided by the largest HTLC that one of them takes: several do not carry one together', () => {
    expect(isCarried(msat(60n), room(50n, 60n), [])).toBe(true)
    expect(isCarried(msat(61n), room(50n, 60n), [])).toBe(false)
    expect(isCarried(msat(1n), [], [])).toBe(false)
  })

  it('counts what was let go before, where it fits tightest', () => {
    expect(isCarried(msat(60n), room(50n, 60n), amounts(50n))).toBe(true)
    expect(isCarried(msat(60n), room(50n, 60n), amounts(51n))).toBe(false)
    expect(isCarried(msat(10n), room(60n), amounts(30n, 20n))).toBe(true)
    expect(isCarried(msat(11n), room(60n), amounts(30n, 20n))).toBe(false)
  })

  it('never says that less would not fit where more does, nor that a further channel takes room away', () => {
    fc.assert(
      fc.property(
        amount,
        amount,
        fc.array(amount, { maxLength: 4 }),
        fc.array(amount, { maxLength: 4 }),
        (a, b, rooms, before) => {
          const [less, more] = a < b ? [a, b] : [b, a]
          const gone = amounts(...before)
          if (isCarried(msat(more), room(...rooms), gone)) {
            expect(isCarried(msat(less), room(...rooms), gone)).toBe(true)
            expect(isCarried(msat(more), room(...rooms), [])).toBe(true)
          }
          const most = rooms.reduce((max, value) => (value > max ? value : max), -1n)
          expect(isCarried(msat(more), room(...rooms), [])).toBe(most >= more)
        },
      ),
    )
  })
})

describe('a forward that was let go', () => {
  const incoming: PendingHtlc = {
    incoming: true,
    htlcIndex: 3n,
    amount: msat(1000n),
    expiryHeight: 1,
    paymentHash: 'ab'.repeat(32),
  }
  const channel = (chanId: bigint, pendingHtlcs: readonly PendingHtlc[]): Channel => ({
    ...CHANNEL,
    chanId,
    pendingHtlcs,
  })
  const forwarded = { ...incoming, forwardedTo: { channel: 9n, htlcIndex: 4n } }

  it('is uncounted until the channel that it goes over shows it, or it has ended', () => {
    const outgoing = { ...incoming, incoming: false, htlcIndex: 4n }
    expect(isUncounted('7:3', lookAt([channel(7n, [incoming])]))).toBe(true)
    expect(isUncounted('7:3', lookAt([channel(7n, [forwarded]), channel(9n, [])]))).toBe(true)
    expect(isUncounted('7:3', lookAt([channel(7n, [forwarded]), channel(9n, [outgoing])]))).toBe(false)
    expect(isUncounted('7:3', lookAt([channel(7n, []), channel(9n, [outgoing])]))).toBe(false)
  })
})
