import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import { CHANNEL } from '../funding/samples.ts'
import { closed, closing, FROM, ledger, NEW, OUTPOINT } from './samples.ts'

type Happening =
  | { readonly type: 'block'; readonly blocks: number; readonly confirmations: number }
  | { readonly type: 'extend'; readonly order: number; readonly blocks: number }
  | { readonly type: 'again' }
  | { readonly type: 'restart' }
  | { readonly type: 'channel'; readonly is: 'open' | 'closing' | 'hidden' }

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({
    type: fc.constant('block' as const),
    blocks: fc.integer({ min: 0, max: 2000 }),
    confirmations: fc.integer({ min: 0, max: 8 }),
  }),
  fc.record({
    type: fc.constant('extend' as const),
    order: fc.integer({ min: 0, max: 3 }),
    blocks: fc.integer({ min: 1, max: 1000 }),
  }),
  fc.constant({ type: 'again' as const }),
  fc.constant({ type: 'restart' as const }),
  fc.record({ type: fc.constant('channel' as const), is: fc.constantFrom('open', 'closing', 'hidden') }),
)

/** What happened, as somebody with pen and paper would keep it. */
type Notes = { from: number | undefined; blocks: number; readonly orders: Set<number> }

describe('whatever happens to a promised channel', () => {
  it('is never let go before its time, and its promise never becomes shorter', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 25 }), async (happenings) => {
        let { promises, shown, store, block, bytes } = ledger()
        const notes: Notes = { from: undefined, blocks: NEW.blocks, orders: new Set() }
        let height = FROM
        await store.commit(promises.entry(NEW))
        for (const event of happenings) {
          const before = promises.live.get(OUTPOINT)
          if (event.type === 'block') {
            height += event.blocks
            shown.confirmations = event.confirmations
            await block(height)
            if (event.confirmations > 0 && before?.deep === undefined)
              notes.from = Math.max(notes.from ?? 0, height - event.confirmations + 1)
          } else if (event.type === 'extend') {
            const until = (notes.from ?? height) + notes.blocks + event.blocks
            const extension = { outpoint: OUTPOINT, order: `${event.order}`, blocks: event.blocks, untilHeight: until }
            await store.commit(promises.extend(extension))
            if (!notes.orders.has(event.order)) notes.blocks += event.blocks
            notes.orders.add(event.order)
          } else if (event.type === 'again') {
            await store.commit(promises.entry({ ...NEW, blocks: 1, notBefore: 0 as Timestamp }))
          } else if (event.type === 'restart') {
            const { open, pending, confirmations } = shown
            const next = ledger(bytes)
            ;({ promises, shown, store, block, bytes } = next)
            Object.assign(shown, { open, pending, confirmations })
            await promises.load()
            promises.setHeight(height)
          } else {
            shown.open = event.is === 'open' ? [CHANNEL] : []
            shown.pending = event.is === 'closing' ? [closing()] : []
          }
          const after = promises.live.get(OUTPOINT)
          expect(after?.blocks).toBeGreaterThanOrEqual(before?.blocks ?? 0)
          expect(after?.fromHeight ?? 0).toBeGreaterThanOrEqual(before?.fromHeight ?? 0)
          const over = notes.from !== undefined && height >= notes.from + notes.blocks
          expect(promises.keeps(OUTPOINT) === undefined).toBe(over)
        }
        shown.open = []
        shown.pending = []
        shown.closed = [closed()]
        await block(height)
        expect([promises.live.size, bytes.get('promises-live')?.size]).toEqual([0, 0])
      }),
      { numRuns: 200 },
    )
  })
})
