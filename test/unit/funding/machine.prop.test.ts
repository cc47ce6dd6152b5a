import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { isTerminal, place, step } from '../../../src/funding/machine.ts'
import { type ChannelOrder, Funding, type FundingEffect, type FundingEvent } from '../../../src/funding/states.ts'
import {
  batchComplete,
  bumped,
  channelActive,
  channelClosed,
  channelClosing,
  channelFound,
  confirmedNow,
  conflictedBy,
  discard,
  discardRefused,
  minedNow,
  ORDER,
  ORDERED,
  OTHER_OUTPOINT,
  OUTPOINT,
  psbtFunded,
  publishDue,
  published,
  refusedWith,
  signed,
  stuck,
  unconfirmed,
  WITHHELD_ORDER,
  withdraw,
} from './samples.ts'

const RUNS = { numRuns: 500 }
const COURSE = [
  psbtFunded(),
  channelFound(),
  channelActive(),
  publishDue(),
  signed(),
  published(),
  minedNow(),
  confirmedNow(),
]

const anyEvent: fc.Arbitrary<FundingEvent> = fc.oneof(
  fc.constantFrom(OUTPOINT, OTHER_OUTPOINT).map((outpoint) => psbtFunded(outpoint)),
  fc.constantFrom(OUTPOINT, OTHER_OUTPOINT).map((outpoint) => channelFound(outpoint)),
  fc.constantFrom(channelActive(), channelClosing(), channelClosed(), signed(), published()),
  fc.constantFrom(minedNow(), unconfirmed(101), confirmedNow(), conflictedBy()),
  fc.constantFrom(stuck(120, 30), stuck(130, 40), bumped()),
  fc.constantFrom(publishDue(), discard(), discardRefused()),
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

function live(story: readonly FundingEvent[], order: ChannelOrder): readonly Moment[] {
  const first = place(order)
  const moments: Moment[] = [{ before: first.state, funding: first.state, effects: first.effects }]
  for (const event of story) {
    const before = moments.at(-1)?.funding ?? first.state
    const { state, effects } = step(before, event)
    moments.push({ before, funding: state, effects })
  }
  return moments
}

const endOf = (story: readonly FundingEvent[], order: ChannelOrder) => live(story, order).at(-1)?.funding
const count = (moments: readonly Moment[], type: FundingEffect['type']) =>
  moments.flatMap(({ effects }) => effects).filter((effect) => effect.type === type).length

const isFoundAt = (outpoint: string) => (event: FundingEvent) =>
  event.type === 'channel-found' && event.outpoint === outpoint

/** Holds for every story of events, in any order. */
const always = (
  holds: (moments: readonly Moment[], story: readonly FundingEvent[], order: ChannelOrder) => void,
  orders: readonly ChannelOrder[] = [ORDER, WITHHELD_ORDER],
  runs: fc.Parameters<unknown> = RUNS,
) =>
  fc.assert(
    fc.property(anyStory, fc.constantFrom(...orders), (story, order) => {
      holds(live(story, order), story, order)
    }),
    runs,
  )

describe('an order, whatever it hears', () => {
  it('has an answer to every event: its machine never throws', () => {
    always((moments, story) => expect(moments).toHaveLength(story.length + 1))
  })

  it('reaches every state in these stories', () => {
    const seen = new Set<string>()
    // Always the same stories: a rare state that random ones happen to miss would be no fault.
    always(
      (moments) => {
        for (const { funding } of moments) seen.add(funding.tag)
      },
      [ORDER, WITHHELD_ORDER],
      { numRuns: 3000, seed: 1 },
    )
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
    always((_, story, order) => {
      expect(
        endOf(
          story.flatMap((event) => [event, event]),
          order,
        ),
      ).toEqual(endOf(story, order))
    })
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
      const seen = heard.some(({ type }) => type === 'channel-closing') || heard.some(isFoundAt(funding.outpoint))
      expect(seen).toBe(true)
      const why = ['channel-active', 'publish-due', 'discard-refused']
      expect(heard.some(({ type }) => why.includes(type))).toBe(true)
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

  it('is not signed while it is withheld and nobody says that money depends on it', () => {
    always(
      (moments, story) => {
        const at = moments.findIndex(({ effects }) => effects.some(({ type }) => type === 'sign'))
        if (at < 0) return
        const said = story.slice(0, at).map(({ type }) => type)
        expect(said.includes('publish-due') || said.includes('discard-refused')).toBe(true)
      },
      [WITHHELD_ORDER],
    )
  })

  it('is signed at the latest with the last word that is still needed, when money depends on a channel that stands', () => {
    const needed = [psbtFunded(), channelFound(), channelActive()]
    fc.assert(
      fc.property(fc.nat({ max: needed.length }), (at) => {
        const story = [...needed.slice(0, at), publishDue(), ...needed.slice(at)]
        expect(count(live(story, WITHHELD_ORDER), 'sign')).toBe(1)
      }),
    )
  })

  it('belongs to a channel that is never discarded: what was once to be signed is closed by the chain alone', () => {
    always((moments) => {
      const at = moments.findIndex(({ effects }) => effects.some(({ type }) => type === 'sign'))
      if (at < 0) return
      for (const { funding, effects } of moments.slice(at + 1)) {
        expect(effects.map(({ type }) => type)).not.toContain('abandon')
        expect(funding.tag).not.toBe('discarding')
      }
    })
  })

  it('is final only when it is deep in the chain, or can never be', () => {
    always((moments, story) => {
      for (const [index, { before, funding }] of moments.entries()) {
        if (before === funding || before.tag !== 'standing' || !isTerminal(funding)) continue
        if (before.tx.stage === 'unsigned' || before.tx.stage === 'signing') continue
        expect(['confirmed', 'conflicted']).toContain(story[index - 1]?.type)
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

const BATCHED: ChannelOrder = { ...ORDERED, batch: 'batch' }
const anyWord = fc.oneof(anyEvent, fc.constantFrom(withdraw(), batchComplete(), batchComplete(OTHER_OUTPOINT)))

/** Holds for every story of an ordered channel. */
const alwaysOrdered = (
  holds: (moments: readonly Moment[], story: readonly FundingEvent[], order: ChannelOrder) => void,
  orders: readonly ChannelOrder[] = [ORDERED, BATCHED],
) =>
  fc.assert(
    fc.property(
      fc
        .array(fc.array(anyWord, { maxLength: 1 }), { minLength: COURSE.length, maxLength: COURSE.length })
        .map((between) => COURSE.flatMap((event, index) => [...(between[index] ?? []), event])),
      fc.constantFrom(...orders),
      (story, order) => holds(live(story, order), story, order),
    ),
    RUNS,
  )

describe('an ordered channel, whatever it hears', () => {
  it('[D28] is signed for as soon as the peer has signed, and not before', () => {
    alwaysOrdered((moments, story, order) => {
      for (const [index, { before, funding, effects }] of moments.entries()) {
        const event = story[index - 1]
        const signs = effects.some(({ type }) => type === 'sign')
        const isSeen = event?.type === 'channel-found' && before.tag === 'funded' && event.outpoint === before.outpoint
        if (order.batch === undefined && isSeen && before.order.withdrawn !== true) expect(signs).toBe(true)
        if (!signs) continue
        if (funding.tag !== 'standing') throw new Error('signed for a channel that does not stand')
        const heard = story.slice(0, index)
        const seen = heard.some(isFoundAt(funding.outpoint)) || heard.some(({ type }) => type === 'channel-closing')
        expect(order.batch === undefined ? seen : event?.type === 'batch-complete').toBe(true)
      }
    })
  })

  it('[D28] is given up only when it was withdrawn, or closed or refused by others, and never once it is signed', () => {
    alwaysOrdered((moments, story) => {
      for (const [index, { before, funding, effects }] of moments.entries()) {
        if (!effects.some(({ type }) => type === 'abandon')) continue
        const heard = story.slice(0, index).map(({ type }) => type)
        expect(heard.includes('withdraw') || heard.includes('channel-closing') || heard.includes('discard')).toBe(true)
        expect(before.tag === 'standing' ? before.tx.stage : 'unsigned').not.toBe('signed')
        expect(funding.tag).toBe('discarding')
      }
    })
  })

  it('has one transaction only from the moment it is signed for', () => {
    alwaysOrdered((moments) => {
      const outpoints = moments.flatMap(({ funding }) =>
        funding.tag === 'standing' || funding.tag === 'confirmed' ? [funding.outpoint] : [],
      )
      expect(new Set(outpoints).size).toBeLessThanOrEqual(1)
    })
  })

  it('that was withdrawn in time is never signed for, unless something is in it all the same', () => {
    alwaysOrdered(
      (_, story) => {
        const early = [withdraw(), ...story.filter(({ type }) => type !== 'discard-refused')]
        const isClosing = story.some(({ type }) => type === 'channel-closing')
        if (!isClosing) expect(count(live(early, ORDERED), 'sign')).toBe(0)
      },
      [ORDERED],
    )
  })

  it('is not done with before it became active or closed, also when its peer closed it too early to be given up', () => {
    const early = [psbtFunded(), channelClosing(), discardRefused(), signed(), published(), minedNow(), confirmedNow()]
    expect(endOf(early, ORDERED)?.tag).toBe('standing')
    alwaysOrdered((moments) => {
      const last = moments.at(-1)?.funding
      if (last?.tag !== 'confirmed') return
      const heard = moments.some(({ effects }) =>
        effects.some(
          (effect) => effect.type === 'notify' && ['channel-active', 'channel-closed'].includes(effect.news.type),
        ),
      )
      expect(heard).toBe(true)
    })
  })

  it('has an answer to every event, and an end that it does not leave', () => {
    alwaysOrdered((moments) => {
      for (const { before, funding, effects } of moments)
        if (isTerminal(before)) expect([funding, effects]).toEqual([before, []])
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
      const end = { confirmed: 'confirmed', refused: 'refused', lost: 'channel-closed', conflicted: 'conflicted' }
      const last = moments.at(-1)?.funding
      if (last !== undefined && last.tag in end) expect(news).toContain(end[last.tag as keyof typeof end])
    })
  })
})
