import { describe, expect, it } from 'vitest'
import { isTerminal, place, step } from '../../../src/funding/machine.ts'
import {
  CHAN_ID,
  channelActive,
  channelClosed,
  channelFound,
  confirmed,
  confirmedNow,
  funded,
  lost,
  ORDER,
  OTHER_OUTPOINT,
  OUTPOINT,
  opening,
  PUBLISHED,
  psbtFunded,
  published,
  refused,
  refusedWith,
  SIGNED,
  SIGNING,
  signed,
  standing,
  UNSIGNED,
} from './samples.ts'

const CLOSED_NEWS = { type: 'notify', news: { type: 'channel-closed', outpoint: OUTPOINT } }

describe('a new order', () => {
  it('is on disk before lnd hears of it', () => {
    expect(place(ORDER)).toMatchObject({ state: opening(), effects: [{ type: 'negotiate' }] })
  })
})

describe('an opening', () => {
  it('has its transaction on disk before it is verified', () => {
    expect(step(opening(), psbtFunded())).toMatchObject({ state: funded(), effects: [{ type: 'verify' }] })
  })

  it.each(['client-refused', 'client-gone', 'no-coins', 'failed'] as const)(
    'ends refused, and says why: %s',
    (reason) => {
      const { state, effects } = step(opening(), refusedWith(reason))
      expect(state).toEqual(refused(reason))
      expect(effects).toEqual([{ type: 'notify', news: { type: 'refused', reason, detail: 'its words' } }])
    },
  )
})

describe('a funded order', () => {
  it('stands when the channel of its outpoint is seen', () => {
    expect(step(funded(), channelFound())).toMatchObject({
      state: standing(UNSIGNED),
      effects: [{ type: 'watch-active' }],
    })
  })

  it('does not take the channel of another outpoint for its own', () => {
    expect(step(funded(), channelFound(OTHER_OUTPOINT)).ignored).toBe(`not our outpoint: ${OTHER_OUTPOINT}`)
  })

  it('takes a new transaction when the one before was proven dead', () => {
    const { state, effects } = step(funded(), psbtFunded(OTHER_OUTPOINT))
    expect(state).toEqual({ ...funded(), outpoint: OTHER_OUTPOINT })
    expect(effects).toEqual([{ type: 'verify' }])
  })

  it('is lost when its channel closed meanwhile: nothing of ours was in it', () => {
    expect(step(funded(), channelClosed())).toMatchObject({
      state: lost(),
      effects: [{ type: 'release' }, CLOSED_NEWS],
    })
  })
})

describe('a standing channel', () => {
  it('goes on with the sale and signs from one commit when it is active', () => {
    const { state, effects } = step(standing(UNSIGNED), channelActive())
    expect(state).toEqual(standing(SIGNING, CHAN_ID))
    expect(effects).toEqual([
      { type: 'notify', news: { type: 'channel-active', outpoint: OUTPOINT, chanId: CHAN_ID } },
      { type: 'sign' },
    ])
  })

  it('signs once, however often it becomes active', () => {
    expect(step(standing(SIGNING, CHAN_ID), channelActive()).ignored).toBe('already active')
  })

  it('has the signed transaction on disk before it is published', () => {
    expect(step(standing(SIGNING, CHAN_ID), signed())).toMatchObject({
      state: standing(SIGNED, CHAN_ID),
      effects: [{ type: 'publish' }],
    })
  })

  it('tells its owner when the transaction is published', () => {
    expect(step(standing(SIGNED, CHAN_ID), published())).toMatchObject({
      state: standing(PUBLISHED, CHAN_ID),
      effects: [{ type: 'notify', news: { type: 'published' } }],
    })
  })

  it('ends when the transaction is confirmed', () => {
    expect(step(standing(PUBLISHED, CHAN_ID), confirmedNow())).toMatchObject({
      state: confirmed(),
      effects: [{ type: 'notify', news: { type: 'confirmed' } }],
    })
  })

  it.each([UNSIGNED, SIGNING])('is lost when it closes while its transaction is $stage', (tx) => {
    expect(step(standing(tx, CHAN_ID), channelClosed())).toMatchObject({
      state: lost(),
      effects: [{ type: 'release' }, CLOSED_NEWS],
    })
  })

  it.each([SIGNED, PUBLISHED])('is followed to its confirmation when it closes after it was signed: $stage', (tx) => {
    expect(step(standing(tx, CHAN_ID), channelClosed())).toMatchObject({ state: standing(tx, CHAN_ID), effects: [] })
  })

  it.each([
    ['published', UNSIGNED, published()],
    ['published', SIGNING, published()],
    ['confirmed', SIGNED, confirmedNow()],
    ['signed', UNSIGNED, signed()],
    ['signed', PUBLISHED, signed()],
  ] as const)('is not %s out of turn: %j', (_, tx, event) => {
    expect(step(standing(tx), event).ignored).toBeDefined()
  })
})

describe('an order that ended', () => {
  it.each([confirmed(), refused(), lost()])('hears of nothing any more: $tag', (funding) => {
    expect(isTerminal(funding)).toBe(true)
    expect(step(funding, channelActive())).toMatchObject({ state: funding, effects: [] })
  })
})
