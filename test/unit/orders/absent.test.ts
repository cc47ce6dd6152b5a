import { describe, expect, it } from 'vitest'
import { Absent, CALL_USEFUL_MS, failsAt } from '../../../src/orders/absent.ts'
import { BLOCK_MS } from '../../../src/orders/opening.ts'
import type { Order } from '../../../src/orders/states.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { HEIGHT, HELD_UNTIL, NOW, OPEN_BLOCKS, OPEN_WITHIN_MS, SAFETY, TERMS } from './samples.ts'

type Paid = Extract<Order, { tag: 'paid' }>
const paid = (by: Paid['by'], over: Partial<Paid> = {}): Paid => ({
  tag: 'paid',
  terms: { ...TERMS, limits: { safetyBlocks: SAFETY, openBlocks: OPEN_BLOCKS, openWithinMs: OPEN_WITHIN_MS } },
  payment: { invoice: by === 'bolt11' ? 'held' : 'cancelled', heldUntil: HELD_UNTIL, deposits: [] },
  by,
  paidAt: NOW,
  failures: [],
  attempts: 0,
  refusals: 0,
  ...over,
})
const moment = { height: HEIGHT, now: NOW }

describe('an order that waits for its client', () => {
  it('fails when the client was waited for long enough, or before the payment goes back', () => {
    expect(failsAt(paid('onchain'), moment)).toBe(HEIGHT + OPEN_WITHIN_MS / BLOCK_MS)
    const patient = paid('bolt11')
    const limits = { ...patient.terms.limits, openWithinMs: 1_000 * BLOCK_MS }
    expect(failsAt({ ...patient, terms: { ...patient.terms, limits } }, moment)).toBe(HELD_UNTIL - SAFETY - OPEN_BLOCKS)
  })

  it('is one of a channel that is paid for', () => {
    const purpose = { type: 'extension', outpoint: 'a:0', scid: '1x1x1', blocks: 1, newExpiryHeight: 1 } as never
    expect(failsAt(paid('onchain', { terms: { ...TERMS, purpose } }), moment)).toBeUndefined()
    expect(failsAt({ tag: 'created', terms: TERMS, payment: paid('onchain').payment }, moment)).toBeUndefined()
  })

  it('has its client called while it is away and there is time', () => {
    const clock = new ManualClock()
    const now = clock.now()
    const calls: unknown[] = []
    let isOnline = false
    const absent = new Absent({ clock, isOnline: () => isOnline, callClient: (...call) => void calls.push(call) })
    const order = paid('onchain', { paidAt: now })
    absent.look(order, HEIGHT)
    const timeout = HEIGHT + OPEN_WITHIN_MS / BLOCK_MS
    expect(calls).toEqual([[TERMS.client, { order: TERMS.id, timeout, usefulUntil: now + CALL_USEFUL_MS }]])
    isOnline = true
    absent.look(order, HEIGHT)
    isOnline = false
    absent.look(undefined, HEIGHT)
    absent.look(paid('bolt11', { paidAt: now, payment: { invoice: 'held', heldUntil: HEIGHT, deposits: [] } }), HEIGHT)
    expect(calls).toHaveLength(1)
  })
})
