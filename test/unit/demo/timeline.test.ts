import { describe, expect, it } from 'vitest'
import { plain } from '../../../src/cli/format.ts'
import { type Moment, renderMoment, Timeline } from '../../demo/timeline.ts'

const moment = (at: number, what: string): Moment => ({ at, who: 'operator', what })
const whats = (moments: readonly Moment[]) => moments.map(({ what }) => what)

describe('the timeline of a sale', () => {
  it('tells in the order of time what came in another', () => {
    const timeline = new Timeline()
    for (const [at, what] of [
      [30, 'c'],
      [10, 'a'],
      [20, 'b'],
    ] as const)
      timeline.add(moment(at, what))
    expect(whats(timeline.take())).toEqual(['a', 'b', 'c'])
  })

  it('keeps back what is too young, and tells nothing twice', () => {
    const timeline = new Timeline()
    timeline.add(moment(50, 'late'))
    timeline.add(moment(10, 'early'))
    expect(whats(timeline.take(20))).toEqual(['early'])
    expect(timeline.take(20)).toEqual([])
    expect(whats(timeline.take())).toEqual(['late'])
    expect(whats(timeline.told)).toEqual(['early', 'late'])
  })

  it('leaves what came at the same time as it came', () => {
    const timeline = new Timeline()
    timeline.add(moment(10, 'first'))
    timeline.add(moment(10, 'second'))
    expect(whats(timeline.take())).toEqual(['first', 'second'])
  })
})

describe('a moment on the screen', () => {
  it('has its time since the payment was sent', () => {
    expect(renderMoment(moment(1412, 'forwards'), 1000, plain)).toEqual(['  +412 ms  operator  forwards'])
    expect(renderMoment({ ...moment(3500, 'paid'), who: 'payer' }, 1000, plain)).toEqual([' +2.500 s  payer     paid'])
  })

  it('has no time before, and its details on lines of their own that fit 80 columns with a txid', () => {
    const lines = renderMoment({ ...moment(0, 'open'), details: [`txid ${'ab'.repeat(32)}`] }, undefined, plain)
    expect(lines).toHaveLength(2)
    expect(lines[0]).toBe('           operator  open')
    expect(lines[1]).toBe(`           txid ${'ab'.repeat(32)}`)
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
  })
})
