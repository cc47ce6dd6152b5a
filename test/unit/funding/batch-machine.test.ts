import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { gather, isTerminal, MAX_ROUNDS, step } from '../../../src/funding/batch-machine.ts'
import { Batch, type BatchEffect, type BatchEvent, type RefusedMember } from '../../../src/funding/batch-states.ts'
import type { ChannelOrder } from '../../../src/funding/states.ts'
import { ORDERED } from './samples.ts'

const IDS = ['01', '02', '03'].map((byte) => byte.repeat(32))
const MEMBERS: readonly ChannelOrder[] = IDS.map((pendingChannelId) => ({
  ...ORDERED,
  pendingChannelId,
  batch: 'batch',
}))
const placed = (ids: readonly string[], psbt: string) =>
  MEMBERS.filter(({ pendingChannelId }) => ids.includes(pendingChannelId)).map((order, index) => ({
    order,
    outpoint: `${psbt}:${index}`,
  }))
const refused = (ids: readonly string[]): readonly RefusedMember[] =>
  ids.map((pendingChannelId) => ({ pendingChannelId, reason: 'client-gone', detail: 'gone' }))

const someIds = fc.subarray(IDS)
const anyEvent: fc.Arbitrary<BatchEvent> = fc.oneof(
  fc.tuple(someIds, fc.constantFrom('a', 'b', 'c')).map(
    ([ids, psbt]): BatchEvent => ({
      type: 'gathered',
      placed: placed(ids, psbt),
      psbt,
      refused: refused(IDS.filter((id) => !ids.includes(id))),
    }),
  ),
  fc
    .tuple(someIds, someIds)
    .map(([standing, gone]): BatchEvent => ({ type: 'broken', standing, refused: refused(gone) })),
  someIds.map((ids): BatchEvent => ({ type: 'thinned', refused: refused(ids) })),
  fc.constantFrom<BatchEvent>({ type: 'whole' }, { type: 'handed-out' }, { type: 'discarded' }),
  fc.constantFrom<BatchEvent>({ type: 'burnt' }, { type: 'burn-failed' }, { type: 'discarded' }),
)

type Moment = { readonly before: Batch; readonly after: Batch; readonly effects: readonly BatchEffect[] }

/** What is told of a batch speaks of its own members, of each of them once. */
function toldOf(batch: Batch, event: BatchEvent): BatchEvent {
  if (batch.tag === 'gathering' && event.type === 'gathered') {
    const members = batch.members.map(({ pendingChannelId }) => pendingChannelId)
    const answered = event.placed.filter(({ order }) => members.includes(order.pendingChannelId))
    const ids = answered.map(({ order }) => order.pendingChannelId)
    return { ...event, placed: answered, refused: refused(members.filter((id) => !ids.includes(id))) }
  }
  if (batch.tag === 'funded' && (event.type === 'thinned' || event.type === 'broken')) {
    const members = batch.members.map(({ order }) => order.pendingChannelId)
    return { ...event, refused: event.refused.filter(({ pendingChannelId }) => members.includes(pendingChannelId)) }
  }
  return event
}

function live(story: readonly BatchEvent[]): readonly Moment[] {
  const first = gather('batch', MEMBERS)
  const moments: Moment[] = [{ before: first.state, after: first.state, effects: first.effects }]
  for (const event of story) {
    const before = moments.at(-1)?.after ?? first.state
    const { state, effects } = step(before, toldOf(before, event))
    moments.push({ before, after: state, effects })
  }
  return moments
}

const always = (holds: (moments: readonly Moment[], story: readonly BatchEvent[]) => void) =>
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 25 }), (story) => holds(live(story), story)),
    { numRuns: 500 },
  )
const has = (effects: readonly BatchEffect[], type: BatchEffect['type']) =>
  effects.some((effect) => effect.type === type)

describe('a batch, whatever it hears', () => {
  it('hands its transaction out only when every channel in it stands, and only one transaction ever', () => {
    always((moments, story) => {
      const out = moments.flatMap(({ effects }, index) => (has(effects, 'hand-out') ? [index] : []))
      expect(out.length).toBeLessThanOrEqual(1)
      for (const index of out) expect(story[index - 1]?.type).toBe('whole')
    })
  })

  it('makes another transaction only after one that peers may have signed for was burnt, or nobody had signed', () => {
    always((moments, story) => {
      for (const [index, { before, effects }] of moments.entries()) {
        if (index === 0 || !has(effects, 'gather')) continue
        if (before.tag === 'burning') expect(story[index - 1]?.type).toBe('burnt')
        else expect(before.tag).toBe('funded')
        const event = story[index - 1]
        if (event?.type === 'broken' && before.tag === 'funded') {
          const stands = before.members.some(({ order }) => event.standing.includes(order.pendingChannelId))
          expect(stands).toBe(false)
        }
      }
    })
  })

  it('ends with every order refused or handed out, and none of them both or twice', () => {
    always((moments) => {
      if (moments.at(-1)?.after.tag !== 'done') return
      const told = moments.flatMap(({ effects }) =>
        effects.flatMap((effect) => (effect.type === 'refuse' ? [effect.pendingChannelId] : [])),
      )
      const complete = moments.find(({ after }) => after.tag === 'complete')?.after
      const given = complete?.tag === 'complete' ? complete.members.map(({ order }) => order.pendingChannelId) : []
      expect([...told, ...given].sort()).toEqual(IDS)
    })
  })

  it('burns so many transactions at most', () => {
    always((moments) => {
      const burnt = moments.filter(({ before, after }) => before.tag === 'burning' && after.tag !== 'burning')
      expect(burnt.length).toBeLessThanOrEqual(MAX_ROUNDS)
    })
  })

  it('survives the disk, and never leaves its end', () => {
    always((moments) => {
      for (const { before, after, effects } of moments)
        if (isTerminal(before)) expect([after, effects]).toEqual([before, []])
      const batch = moments.at(-1)?.after
      expect(z.decode(Batch, JSON.parse(JSON.stringify(z.encode(Batch, batch as Batch))))).toEqual(batch)
    })
  })
})
