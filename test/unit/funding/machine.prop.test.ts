import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { isTerminal, place, step } from '../../../src/funding/machine.ts'
import { Funding, type FundingEffect, type FundingEvent } from '../../../src/funding/states.ts'
import {
  channelActive,
  channelClosed,
  channelFound,
  confirmedNow,
  ORDER,
  OTHER_OUTPOINT,
  OUTPOINT,
  psbtFunded,
  published,
  refusedWith,
  signed,
} from './samples.ts'

const RUNS = { numRuns: 500 }
const COURSE = [psbtFunded(), channelFound(), channelActive(), signed(), published(), confirmedNow()]

const anyEvent: fc.Arbitrary<FundingEvent> = fc.oneof(
  fc.constantFrom(OUTPOINT, OTHER_OUTPOINT).map((outpoint) => psbtFunded(outpoint)),
  fc.constantFrom(OUTPOINT, OTHER_OUTPOINT).map((outpoint) => channelFound(outpoint)),
  fc.constantFrom(channelActive(), channelClosed(), signed(), published(), confirmedNow()),
  fc.constantFrom('client-refused', 'client-gone', 'no-coins', 'failed').map((reason) => refusedWith(reason)),
)

/** Arbitrary events, and the usual course of an order with some thrown in. */
const anyStory: fc.Arbitrary<readonly FundingEvent[]> = fc.oneof(
  fc.array(anyEvent, { maxLength: 30 }),
  fc
    .array(fc.array(anyEvent, { maxLength: 1 }), { minLength: COURSE.length, maxLength: COURSE.length })
    .map((between) => COURSE.flatMap((event, index) => [event, ...(between[index] ?? [])])),
)

type Moment = { readonly before: Funding; readonly funding: Funding; readonly effects: readonly FundingEffect[] }

function live(story: readonly FundingEvent[]): readonly Moment[] {
  const first = place(ORDER)
  const moments: Moment[] = [{ before: first.state, funding: first.state, effects: first.effects }]
  for (const event of story) {
    const before = moments.at(-1)?.funding ?? first.state
    const { state, effects } = step(before, event)
    moments.push({ before, funding: state, effects })
  }
  return moments
}

const endOf = (story: readonly FundingEvent[]) => live(story).at(-1)?.funding
const count = (moments: readonly Moment[], type: FundingEffect['type']) =>
  moments.flatMap(({ effects }) => effects).filter((effect) => effect.type === type).length

/** Holds for every story of events, in any order. */
const always = (holds: (moments: readonly Moment[], story: readonly FundingEvent[]) => void) =>
  fc.assert(
    fc.property(anyStory, (story) => {
      holds(live(story), story)
    }),
    RUNS,
  )

describe('an order, whatever it hears', () => {
  it('has an answer to every event: its machine never throws', () => {
    always((moments, story) => expect(moments).toHaveLength(story.length + 1))
  })

  it('reaches every state in these stories', () => {
    const seen = new Set<string>()
    always((moments) => {
      for (const { funding } of moments) seen.add(funding.tag)
    })
    expect([...seen].sort()).toEqual(Funding.options.map(({ shape }) => shape.tag.value).sort())
  })

  it('never leaves a terminal state', () => {
    always((moments) => {
      for (const { before, funding, effects } of moments) {
        if (isTerminal(before)) expect([funding, effects]).toEqual([before, []])
      }
    })
  })

  it('ends the same when it hears every event twice', () => {
    // A second transaction is its own event: hearing of the same one again is only another verify.
    always((_, story) => expect(endOf(story.flatMap((event) => [event, event]))).toEqual(endOf(story)))
  })

  it('survives the disk: what is read back is what was written', () => {
    always((moments) => {
      const funding = moments.at(-1)?.funding
      expect(z.decode(Funding, JSON.parse(JSON.stringify(z.encode(Funding, funding as Funding))))).toEqual(funding)
    })
  })
})

describe('the transaction of an order', () => {
  it('is signed once at most, and only for a channel that was seen at the outpoint on record', () => {
    always((moments, story) => {
      expect(count(moments, 'sign')).toBeLessThanOrEqual(1)
      const at = moments.findIndex(({ effects }) => effects.some(({ type }) => type === 'sign'))
      if (at < 0) return
      const funding = moments[at]?.funding
      if (funding?.tag !== 'standing') throw new Error('signed for a channel that does not stand')
      const heard = story.slice(0, at)
      expect(heard).toContainEqual(channelFound(funding.outpoint))
      expect(heard).toContainEqual(channelActive())
    })
  })

  it('is published only when it is signed and on record', () => {
    always((moments) => {
      for (const { funding, effects } of moments) {
        if (!effects.some(({ type }) => type === 'publish')) continue
        expect(funding).toMatchObject({ tag: 'standing', tx: { stage: 'signed', raw: signed().raw } })
      }
    })
  })

  it('keeps its outpoint from the moment the channel was seen', () => {
    always((moments) => {
      for (const { before, funding } of moments) {
        if (before.tag === 'standing' && 'outpoint' in funding) expect(funding.outpoint).toBe(before.outpoint)
      }
    })
  })

  it('is given up only while it is not signed', () => {
    always((moments) => {
      for (const { before, funding } of moments) {
        if (before === funding || (funding.tag !== 'lost' && funding.tag !== 'refused')) continue
        const stage = before.tag === 'standing' ? before.tx.stage : 'unsigned'
        expect(['unsigned', 'signing']).toContain(stage)
      }
    })
  })
})

describe('the owner of an order', () => {
  it('is told of an active channel once, and of the end', () => {
    always((moments) => {
      const news = moments
        .flatMap(({ effects }) => effects)
        .flatMap((effect) => ('news' in effect ? [effect.news.type] : []))
      expect(news.filter((type) => type === 'channel-active').length).toBeLessThanOrEqual(1)
      const end = { confirmed: 'confirmed', refused: 'refused', lost: 'channel-closed' } as const
      const last = moments.at(-1)?.funding
      if (last !== undefined && last.tag in end) expect(news.at(-1)).toBe(end[last.tag as keyof typeof end])
    })
  })
})
