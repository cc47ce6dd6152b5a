import { describe, expect, it } from 'vitest'
import { MAX_NAMED, reportOpenWork } from '../../../src/operate/open-work.ts'
import { conflicted, discarding, opening as fundingOpening, PUBLISHED, standing } from '../funding/samples.ts'
import { awaiting, forwarding, opening, owed, reclaiming, unwanted } from '../jit/samples.ts'

const NOTHING = { sales: [], fundings: [], heldHtlcs: 0, outboxDepth: 0 }

describe('what is still open', () => {
  it('is nothing when every sale and opening has ended and no effect is owed', () => {
    expect(reportOpenWork(NOTHING)).toMatchObject({ done: true, waits_for: [], more: 0 })
  })

  it.each([
    ['a sale that was not paid', { sales: [awaiting()] }],
    ['a channel that is not confirmed', { fundings: [standing(PUBLISHED)] }],
    ['a held payment', { heldHtlcs: 1 }],
    ['an effect', { outboxDepth: 1 }],
  ])('is %s', (_, open) => {
    expect(reportOpenWork({ ...NOTHING, ...open }).done).toBe(false)
  })

  it('names each thing, its state, and what ends it', () => {
    const report = reportOpenWork({
      ...NOTHING,
      sales: [awaiting(), opening(), forwarding(true), owed(true)],
      fundings: [fundingOpening(), standing(PUBLISHED)],
    })
    expect(report.sales).toEqual({ awaiting: 1, opening: 1, forwarding: 1, owed: 1 })
    expect(report.funding).toEqual({ opening: 1, standing: 1 })
    const offer = 'its payment, or the end of its offer at 1970-01-01T01:00:00.000Z'
    expect(report.waits_for.map(({ thing, state, until }) => [thing, state, until])).toEqual([
      ['sale', 'awaiting', offer],
      ['sale', 'opening', 'the channel, then its payment'],
      ['sale', 'forwarding', 'the end of the payment that was forwarded'],
      ['sale', 'owed', offer],
      ['channel', 'opening', 'the answer of the client'],
      ['channel', 'standing', 'the confirmation of its funding transaction'],
    ])
  })

  it('does not wait for the payment of what is given up', () => {
    const report = reportOpenWork({
      ...NOTHING,
      sales: [unwanted(), reclaiming()],
      fundings: [discarding('closing'), conflicted()],
    })
    expect(report.waits_for.map(({ state, until }) => [state, until])).toEqual([
      ['unwanted', 'its channel, which is given up as soon as it is there'],
      ['reclaiming', 'its channel to be taken back, as nobody paid for it'],
      ['discarding', 'its channel to be given up'],
      ['conflicted', 'somebody to remove it from lnd: its funding can never confirm'],
    ])
  })

  it('names no more than a screen can show, and counts the rest', () => {
    const report = reportOpenWork({ ...NOTHING, sales: Array.from({ length: MAX_NAMED + 3 }, () => awaiting()) })
    expect(report.waits_for).toHaveLength(MAX_NAMED)
    expect(report.more).toBe(3)
    expect(report.sales).toEqual({ awaiting: MAX_NAMED + 3 })
  })
})
