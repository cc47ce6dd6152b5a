import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { ask, isTerminal, step } from '../../../src/funding/reclaim-machine.ts'
import { Reclaim, type ReclaimEffect, type ReclaimEvent } from '../../../src/funding/reclaim-states.ts'
import { asked, block, closed, closing, FORCE, justAsked, KEEP, kept, SINCE, waiting } from './reclaim-samples.ts'
import { ORDER, OUTPOINT } from './samples.ts'

const OVER = SINCE + KEEP.withinBlocks

describe('a channel that is to be taken back', () => {
  it('is on disk as such before its peer is asked to close', () => {
    expect(ask(ORDER, OUTPOINT, KEEP)).toMatchObject({ state: justAsked(), effects: [{ type: 'close' }] })
  })

  it('counts its blocks from the first that it sees', () => {
    const { state, effects } = step(justAsked(), block(SINCE, 'away'))
    expect(state).toEqual(asked())
    expect(effects).toEqual([])
  })

  it('waits while its peer is away, and asks again when it is back', () => {
    const { state } = step(asked(), { type: 'not-now' })
    expect(state).toEqual(waiting())
    expect(step(state, block(SINCE + 1, 'away')).ignored).toBe('the peer is away')
    expect(step(state, block(SINCE + 1, 'there'))).toMatchObject({ state: asked(), effects: [{ type: 'close' }] })
  })

  it('is kept when its peer does not come back in time', () => {
    expect(step(waiting(), block(OVER - 1, 'away')).ignored).toBeDefined()
    const { state, effects } = step(waiting(), block(OVER, 'away'))
    expect(state).toEqual(kept())
    expect(effects).toEqual([{ type: 'notify-kept' }])
  })

  it("is closed by force instead, if that was the operator's wish when it was asked for", () => {
    const { state, effects } = step(waiting(FORCE), block(OVER, 'away'))
    expect(state).toEqual({ ...asked('force'), terms: FORCE })
    expect(effects).toEqual([{ type: 'close' }])
  })

  it('is kept when something was earned in it after all', () => {
    expect(step(asked(), { type: 'in-use' })).toMatchObject({
      state: kept('in-use'),
      effects: [{ type: 'notify-kept' }],
    })
  })

  it('is kept when its lifetime is promised', () => {
    expect(step(asked(), { type: 'promised' })).toMatchObject({
      state: kept('promised'),
      effects: [{ type: 'notify-kept' }],
    })
  })

  it('ends when its close is in the chain, whoever closed it', () => {
    expect(step(asked(), { type: 'closing' })).toMatchObject({ state: closing(), effects: [] })
    for (const state of [closing(), asked(), waiting()]) {
      expect(step(state, { type: 'closed' })).toMatchObject({ state: closed(), effects: [{ type: 'notify-closed' }] })
    }
  })
})

const anyEvent: fc.Arbitrary<ReclaimEvent> = fc.oneof(
  fc.constantFrom<ReclaimEvent>(
    { type: 'not-now' },
    { type: 'in-use' },
    { type: 'promised' },
    { type: 'closing' },
    { type: 'closed' },
  ),
  fc
    .tuple(fc.integer({ min: SINCE, max: OVER + 5 }), fc.constantFrom('there', 'away'))
    .map(([height, peer]) => block(height, peer)),
)

describe('whatever it hears', () => {
  const always = (holds: (before: Reclaim, after: Reclaim, effects: readonly ReclaimEffect[]) => void) =>
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 30 }), fc.constantFrom(KEEP, FORCE), (events, terms) => {
        let state = ask(ORDER, OUTPOINT, terms).state
        for (const event of events) {
          const next = step(state, event)
          holds(state, next.state, next.effects)
          state = next.state
        }
        expect(z.decode(Reclaim, JSON.parse(JSON.stringify(z.encode(Reclaim, state))))).toEqual(state)
      }),
      { numRuns: 500 },
    )

  it('never leaves a terminal state', () => {
    always((before, after, effects) => {
      if (isTerminal(before)) expect([after, effects]).toEqual([before, []])
    })
  })

  it('tells its owner of the end, once', () => {
    always((before, after, effects) => {
      const told = effects.some(({ type }) => type !== 'close')
      expect(told).toBe(!isTerminal(before) && isTerminal(after))
    })
  })

  it('is closed by force only if the terms say so', () => {
    always((_, after) => {
      if (after.tag === 'asked' && after.how === 'force') expect(after.terms.afterwards).toBe('force')
    })
  })
})
