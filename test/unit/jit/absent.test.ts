import { describe, expect, it } from 'vitest'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import { Absent, waitsUntil } from '../../../src/jit/absent.ts'
import type { Sale } from '../../../src/jit/states.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import {
  awaiting,
  DEAL,
  forwarding,
  HALVES,
  HELD_AT,
  HOLD_MS,
  opening,
  owed,
  PART,
  paid,
  time,
  VALID_UNTIL,
} from './samples.ts'

describe('a client that is away', () => {
  it('is worth a call until the last of its payments was held long enough, and never for an offer that has ended', () => {
    expect(waitsUntil(awaiting())).toBeUndefined()
    expect(waitsUntil(awaiting(PART))).toBe(HELD_AT + HOLD_MS)
    const later = { ...PART, circuit: '9:9', paymentHash: '77'.repeat(32), heldAt: time(HELD_AT + 5_000) }
    expect(waitsUntil({ ...awaiting(), parts: [...HALVES, later] })).toBe(HELD_AT + 5_000 + HOLD_MS)
    const late = { ...PART, heldAt: time(VALID_UNTIL - 1_000) }
    expect(waitsUntil(awaiting(late))).toBe(VALID_UNTIL)
  })

  it('is worth a call also while its channel is opened, and while the payment is on its way to it', () => {
    expect(waitsUntil(opening(PART))).toBe(HELD_AT + HOLD_MS)
    expect(waitsUntil(forwarding(true))).toBe(HELD_AT + HOLD_MS)
    expect(waitsUntil(owed(true))).toBeUndefined()
    expect(waitsUntil(paid())).toBeUndefined()
  })

  it('is called while it is away and somebody waits', () => {
    const clock = new ManualClock()
    const now = clock.now()
    const sale: Sale = { ...awaiting({ ...PART, heldAt: now }), deal: { ...DEAL, validUntil: time(now + 3_600_000) } }
    const calls: [string, Timestamp, string][] = []
    let isOnline = false
    const absent = new Absent({ clock, isOnline: () => isOnline, callClient: (...call) => void calls.push(call) })
    absent.look(sale)
    expect(calls).toEqual([[DEAL.client, now + HOLD_MS, DEAL.scid]])
    isOnline = true
    absent.look(sale)
    isOnline = false
    absent.look(undefined)
    absent.look({ ...sale, parts: [{ ...PART, heldAt: time(now - HOLD_MS) }] } as Sale)
    expect(calls).toHaveLength(1)
    new Absent({ clock, isOnline: () => false }).look(sale)
  })
})
