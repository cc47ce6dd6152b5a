import { describe, expect, it } from 'vitest'
import { sat } from '../../../lsps/base/amount.ts'
import { isTerminal, place, REBUMP_BLOCKS, step } from '../../../src/funding/machine.ts'
import {
  BUMPED,
  bumped,
  CHAN_ID,
  channelActive,
  channelClosed,
  channelClosing,
  channelFound,
  confirmed,
  confirmedNow,
  conflicted,
  conflictedBy,
  discard,
  discarding,
  discardRefused,
  funded,
  lost,
  MINED,
  minedNow,
  ORDER,
  OTHER_OUTPOINT,
  OUTPOINT,
  opening,
  PUBLISHED,
  psbtFunded,
  publishDue,
  published,
  refused,
  refusedWith,
  SIGNED,
  SIGNING,
  signed,
  standing,
  stuck,
  UNSIGNED,
  unconfirmed,
  WAITING,
  WITHHELD_ORDER,
  withheld,
} from './samples.ts'

const ACTIVE_NEWS = { type: 'notify', news: { type: 'channel-active', outpoint: OUTPOINT, chanId: CHAN_ID } }
const CONFIRMED_NEWS = { type: 'notify', news: { type: 'confirmed', outpoint: OUTPOINT } }
const DUE_ORDER = { ...WITHHELD_ORDER, broadcast: 'due' as const }
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

  it('tells its owner when the transaction is in a block, and ends when that is deep in the chain', () => {
    const mined = step(standing(PUBLISHED, CHAN_ID), minedNow())
    expect(mined).toMatchObject({ state: standing(MINED, CHAN_ID), effects: [CONFIRMED_NEWS] })
    expect(step(mined.state, confirmedNow())).toMatchObject({ state: confirmed(), effects: [] })
  })

  it('ends as well when nobody looked before the transaction was deep in the chain', () => {
    expect(step(standing(PUBLISHED, CHAN_ID), confirmedNow())).toMatchObject({
      state: confirmed(),
      effects: [CONFIRMED_NEWS],
    })
  })

  it('is published again when a reorganisation takes it out of the chain, and may be mined again', () => {
    const { state, effects } = step(standing(MINED, CHAN_ID), unconfirmed(101))
    expect(state).toEqual(standing(WAITING, CHAN_ID))
    expect(effects).toEqual([{ type: 'notify', news: { type: 'reorganised', outpoint: OUTPOINT } }])
    expect(step(state, minedNow()).state).toEqual(standing(MINED, CHAN_ID))
  })

  it('remembers since when it waits for a block, once', () => {
    const { state } = step(standing(PUBLISHED, CHAN_ID), unconfirmed(101))
    expect(state).toEqual(standing(WAITING, CHAN_ID))
    expect(step(state, unconfirmed(102)).ignored).toBe('already waiting')
  })

  it('is hurried along by one child at a time: on record first, again only later and at a higher rate', () => {
    const { state, effects } = step(standing(WAITING, CHAN_ID), stuck(120, 30))
    expect(state).toEqual(standing(BUMPED, CHAN_ID))
    expect(effects).toEqual([{ type: 'bump' }])
    expect(step(state, stuck(120 + REBUMP_BLOCKS - 1, 40)).ignored).toBe('bumped a moment ago')
    expect(step(state, stuck(120 + REBUMP_BLOCKS, 30)).ignored).toBe('bumped to that rate already')
    expect(step(state, stuck(120 + REBUMP_BLOCKS, 31)).effects).toEqual([{ type: 'bump' }])
  })

  it('tells its owner what hurrying it along may cost, and what it did cost', () => {
    const { budget, satPerVbyte } = stuck()
    expect(step(standing(BUMPED, CHAN_ID), bumped()).effects).toEqual([
      { type: 'notify', news: { type: 'bumped', outpoint: OUTPOINT, satPerVbyte, budget } },
    ])
    const childFee = sat(1_234n)
    expect(step(standing(BUMPED, CHAN_ID), { type: 'mined', childFee }).effects).toEqual([
      { type: 'notify', news: { ...CONFIRMED_NEWS.news, childFee } },
    ])
    const deep = step(standing(MINED, CHAN_ID), { type: 'confirmed', childFee })
    expect(deep.state).toEqual({ ...confirmed(), childFee })
  })

  it.each([UNSIGNED, SIGNING, SIGNED, MINED])('is not hurried along while it is $stage', (tx) => {
    expect(step(standing(tx, CHAN_ID), stuck()).ignored).toBeDefined()
  })

  it.each([SIGNED, PUBLISHED])('ends conflicted when its coins were spent by another transaction: $stage', (tx) => {
    const { state, effects } = step(standing(tx, CHAN_ID), conflictedBy())
    expect(state).toEqual({ ...conflicted(), raw: '0200' })
    expect(effects).toEqual([
      { type: 'release' },
      { type: 'notify', news: { type: 'conflicted', outpoint: OUTPOINT, spentBy: conflicted().spentBy } },
    ])
  })

  it.each([UNSIGNED, SIGNING])('is lost when it closes while its transaction is $stage', (tx) => {
    expect(step(standing(tx, CHAN_ID), channelClosed())).toMatchObject({
      state: lost(),
      effects: [{ type: 'release' }, CLOSED_NEWS],
    })
  })

  it.each([SIGNED, PUBLISHED, MINED])(
    'tells its owner once when it closes after it was signed, and is followed to its confirmation: $stage',
    (tx) => {
      const { state, effects } = step(standing(tx, CHAN_ID), channelClosing())
      expect(state).toEqual({ ...standing(tx, CHAN_ID), closed: true })
      expect(effects).toEqual([CLOSED_NEWS])
      expect(step(state, channelClosed())).toMatchObject({ state, effects: [] })
    },
  )

  it('is signed for while it closes, once that was decided: something may be in it', () => {
    expect(step(standing(SIGNING, CHAN_ID), channelClosing()).ignored).toBeDefined()
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

describe('a withheld channel', () => {
  it('is told of when it is active, and not signed', () => {
    const { state, effects } = step({ ...standing(UNSIGNED), order: WITHHELD_ORDER }, channelActive())
    expect(state).toEqual(withheld())
    expect(effects).toEqual([ACTIVE_NEWS])
  })

  it('is signed when money depends on it', () => {
    const { state, effects } = step(withheld(), publishDue())
    expect(state).toEqual({ ...standing(SIGNING, CHAN_ID), order: DUE_ORDER })
    expect(effects).toEqual([{ type: 'sign' }])
    expect(step(state, publishDue()).ignored).toBe('already signing')
  })

  it.each([
    { ...opening(), order: WITHHELD_ORDER },
    { ...funded(), order: WITHHELD_ORDER },
    { ...standing(UNSIGNED), order: WITHHELD_ORDER },
  ])('remembers that money depends on it until it may be signed: $tag', (funding) => {
    const due = step(funding, publishDue())
    expect(due).toMatchObject({ state: { ...funding, order: DUE_ORDER }, effects: [] })
    expect(step(due.state, publishDue()).ignored).toBe('already due')
    expect(step(due.state, discard()).ignored).toBeDefined()
  })

  it('is signed when it is active, if money depends on it by then', () => {
    const { state, effects } = step({ ...standing(UNSIGNED), order: DUE_ORDER }, channelActive())
    expect(state).toEqual({ ...standing(SIGNING, CHAN_ID), order: DUE_ORDER })
    expect(effects).toEqual([ACTIVE_NEWS, { type: 'sign' }])
  })

  it('is discarded by a close, and forgotten by lnd only when that shows', () => {
    const closing = step(withheld(), discard())
    expect(closing).toMatchObject({ state: discarding('closing'), effects: [{ type: 'close' }] })
    const abandoning = step(closing.state, channelClosing())
    expect(abandoning).toMatchObject({ state: discarding('abandoning'), effects: [{ type: 'abandon' }] })
    expect(step(abandoning.state, channelClosed())).toMatchObject({
      state: { tag: 'lost' },
      effects: [{ type: 'release' }, CLOSED_NEWS],
    })
  })

  it('is forgotten by lnd when others closed it, unless the closing turns out to hold money', () => {
    const { state, effects } = step(withheld(), channelClosing())
    expect(state).toEqual({ ...discarding('abandoning'), by: 'others' })
    expect(effects).toEqual([{ type: 'abandon' }])
  })

  it.each(['closing', 'abandoning'] as const)('is published when money is found in it while it is %s', (stage) => {
    const { state, effects } = step(discarding(stage), discardRefused())
    expect(state).toEqual({ ...standing(SIGNING, CHAN_ID), order: DUE_ORDER })
    expect(effects).toEqual([{ type: 'sign' }])
  })

  it('is published rather than discarded when its owner changes its mind in time', () => {
    expect(step(discarding('closing'), publishDue()).effects).toEqual([{ type: 'sign' }])
    expect(step(discarding('abandoning'), publishDue()).ignored).toBe('nothing is in it')
  })

  it.each([SIGNING, SIGNED, PUBLISHED, MINED])('is never discarded once it is $stage', (tx) => {
    expect(step(standing(tx, CHAN_ID), discard()).ignored).toMatch(/only a close ends the channel/)
  })
})

describe('an order that ended', () => {
  it('stays visible while its channel has no money behind it, until the channel is gone', () => {
    expect(isTerminal(conflicted())).toBe(false)
    expect(step(conflicted(), published()).ignored).toBeDefined()
    const { state } = step(conflicted(), channelClosed())
    expect(state).toEqual({ ...conflicted(), closed: true })
    expect(isTerminal(state)).toBe(true)
  })

  it.each([confirmed(), refused(), lost()])('hears of nothing any more: $tag', (funding) => {
    expect(isTerminal(funding)).toBe(true)
    expect(step(funding, channelActive())).toMatchObject({ state: funding, effects: [] })
  })
})
