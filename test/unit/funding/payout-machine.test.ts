import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { HURRY_AFTER_MS, isTerminal, MAX_VERSIONS, plan, step } from '../../../src/funding/payout-machine.ts'
import { Payout, type PayoutEffect, type PayoutEvent } from '../../../src/funding/payout-states.ts'
import {
  DEARER_TXID,
  PAYOUT,
  payoutAbandoned,
  payoutConflicted,
  payoutFound,
  payoutFunded,
  payoutReplace,
  payoutSigned,
  payoutStuck,
  planned,
  SIX_HOURS_MS,
  signedPayout,
  TXID,
} from './payout-samples.ts'

const anyEvent: fc.Arbitrary<PayoutEvent> = fc.oneof(
  fc.constantFrom<PayoutEvent>(payoutFunded(), payoutFunded(), payoutAbandoned(), payoutFound()),
  fc.constantFrom<PayoutEvent>(payoutSigned(), payoutSigned(), payoutSigned(DEARER_TXID)),
  fc.constantFrom<PayoutEvent>({ type: 'published' }, { type: 'unconfirmed' }),
  fc.constantFrom(TXID, DEARER_TXID).map((txid): PayoutEvent => ({ type: 'mined', txid })),
  fc.constantFrom(TXID, DEARER_TXID).map((txid): PayoutEvent => ({ type: 'confirmed', txid })),
  fc.nat({ max: 5 * SIX_HOURS_MS }).map((at) => payoutStuck(at)),
  fc.nat({ max: 5 * SIX_HOURS_MS }).map((at) => payoutReplace(at)),
  fc.constantFrom(payoutConflicted(), payoutConflicted(TXID)),
)

type Moment = { readonly before: Payout; readonly after: Payout; readonly effects: readonly PayoutEffect[] }

function live(story: readonly PayoutEvent[]): readonly Moment[] {
  const first = plan(PAYOUT)
  const moments: Moment[] = [{ before: first.state, after: first.state, effects: first.effects }]
  for (const event of story) {
    const before = moments.at(-1)?.after ?? first.state
    const { state, effects } = step(before, event)
    moments.push({ before, after: state, effects })
  }
  return moments
}

const always = (holds: (moments: readonly Moment[], story: readonly PayoutEvent[]) => void) =>
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 30 }), (story) => holds(live(story), story)),
    { numRuns: 500 },
  )

const has = (effects: readonly PayoutEffect[], type: PayoutEffect['type']) =>
  effects.some((effect) => effect.type === type)

describe('a payout, whatever it hears', () => {
  it('gets other coins only when a foreign transaction spent its own for good', () => {
    always((moments, story) => {
      for (const [index, { before, effects }] of moments.entries()) {
        if (index === 0 || !has(effects, 'fund')) continue
        expect(story[index - 1]?.type).toBe('conflicted')
        expect(before.tag === 'signed' && before.mined === undefined).toBe(true)
      }
    })
  })

  it('is signed only for what is on disk', () => {
    always((moments) => {
      for (const { after, effects } of moments) {
        if (has(effects, 'sign')) expect(after.tag).toBe('funded')
        if (has(effects, 'sign-next')) expect(after.tag === 'signed' && after.next !== undefined).toBe(true)
        if (has(effects, 'publish')) expect(after.tag).toBe('signed')
      }
    })
  })

  it('tells its owner once for each set of coins that it is on its way, and the end once', () => {
    always((moments) => {
      const news = moments.flatMap(({ effects }) => effects.flatMap((one) => (one.type === 'notify' ? [one.news] : [])))
      const funded = moments.filter(({ effects }) => has(effects, 'fund')).length
      expect(news.filter(({ type }) => type === 'payout-published').length).toBeLessThanOrEqual(funded)
      const ends = news.filter(({ type }) => type === 'payout-confirmed' || type === 'payout-abandoned')
      const last = moments.at(-1)?.after
      expect(ends).toHaveLength(last !== undefined && isTerminal(last) ? 1 : 0)
      for (const one of news) if ('fee' in one) expect(one.amount + one.fee).toBe(PAYOUT.amount)
    })
  })

  it('never leaves a terminal state', () => {
    always((moments) => {
      for (const { before, after, effects } of moments)
        if (isTerminal(before)) expect([after, effects]).toEqual([before, []])
    })
  })

  it('survives the disk: what is read back is what was written', () => {
    always((moments) => {
      const payout = moments.at(-1)?.after
      expect(z.decode(Payout, JSON.parse(JSON.stringify(z.encode(Payout, payout as Payout))))).toEqual(payout)
    })
  })
})

describe('a payout that waits', () => {
  it('is hurried along after six hours, and not again for as long', () => {
    const early = step(signedPayout(), payoutStuck(HURRY_AFTER_MS - 1))
    expect(early.ignored).toBeDefined()
    const { state, effects } = step(signedPayout(), payoutStuck(HURRY_AFTER_MS))
    expect(effects.map(({ type }) => type)).toEqual(['bump'])
    expect(step(state, { ...payoutStuck(2 * HURRY_AFTER_MS - 1), satPerVbyte: 30 }).ignored).toBeDefined()
    expect(step(state, { ...payoutStuck(2 * HURRY_AFTER_MS), satPerVbyte: 30 }).effects).toHaveLength(1)
  })

  it('is replaced at most so often, one at a time', () => {
    const versions = Array.from({ length: MAX_VERSIONS }, (_, index) => ({
      txid: `${index}`,
      raw: '02',
      fee: PAYOUT.amount,
      satPerVbyte: 2,
    }))
    expect(step(signedPayout({ versions }), payoutReplace()).ignored).toBeDefined()
    const { state } = step(signedPayout(), payoutReplace())
    expect(step(state, payoutReplace(10 * HURRY_AFTER_MS)).ignored).toBeDefined()
  })

  it('goes on waiting when a reorganisation takes it out of its block', () => {
    const mined = step(signedPayout(), { type: 'mined', txid: TXID }).state
    expect(mined).toMatchObject({ mined: TXID })
    expect(step(mined, { type: 'unconfirmed' }).state).not.toHaveProperty('mined')
    expect(step(mined, payoutConflicted()).ignored).toBeDefined()
  })

  it('starts from its order', () => {
    expect(plan(PAYOUT).state).toEqual(planned())
  })
})

describe('a payout that a newer database paid', () => {
  it('is followed as lnd has it, and is neither signed nor paid again', () => {
    const { state, effects } = step(planned(), payoutFound())
    expect(state).toMatchObject({ tag: 'signed', versions: [{ txid: TXID }] })
    expect(effects).toEqual([{ type: 'publish' }])
    const done = step(state, { type: 'confirmed', txid: TXID })
    expect(done.state).toMatchObject({ tag: 'paid', txid: TXID })
    expect(done.effects.map(({ type }) => type)).toEqual(['notify', 'notify'])
  })

  it('is paid anew once somebody else spent its coins for good, and then not looked for again', () => {
    const found = step(planned(), payoutFound()).state
    expect(step(found, payoutConflicted()).state).toEqual({ ...planned(), again: true })
  })
})
