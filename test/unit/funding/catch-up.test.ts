import { describe, expect, it } from 'vitest'
import { catchUpFunding, orderOf } from '../../../src/funding/catch-up.ts'
import { FINAL_CONFIRMATIONS } from '../../../src/funding/follow.ts'
import { CHAN_ID, ORDER, OUTPOINT } from './samples.ts'

const { pendingChannelId, owner, peer, memo, capacity } = ORDER
const FOUND = { order: orderOf({ pendingChannelId, owner, peer, memo, capacity }), outpoint: OUTPOINT, raw: '0200' }

describe('an order that is not on record', () => {
  it('is followed until its funding is deep in the chain', () => {
    const { funding, effects } = catchUpFunding({ ...FOUND, chanId: CHAN_ID, confirmations: 0 })
    expect(funding).toMatchObject({ tag: 'standing', outpoint: OUTPOINT, tx: { stage: 'published', raw: '0200' } })
    expect(effects).toEqual([])
    expect(catchUpFunding({ ...FOUND, chanId: CHAN_ID, confirmations: 1 }).funding.tag).toBe('standing')
    const deep = catchUpFunding({ ...FOUND, chanId: CHAN_ID, confirmations: FINAL_CONFIRMATIONS })
    expect(deep).toMatchObject({ funding: { tag: 'confirmed', chanId: CHAN_ID }, effects: [] })
  })

  it('waits for a channel that cannot be used yet', () => {
    expect(catchUpFunding({ ...FOUND, chanId: undefined, confirmations: 0 }).effects).toEqual([
      { type: 'watch-active' },
    ])
  })
})
