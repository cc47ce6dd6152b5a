import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { MAX_WAITING_TASKS, Turns } from '../../../src/kernel/turns.ts'

function numbered(turns: Turns, count: number): number[] {
  const ran: number[] = []
  for (let task = 0; task < count; task += 1) turns.run(() => ran.push(task))
  return ran
}

describe('sharing the event loop', () => {
  it('runs as many tasks at once as fit into a turn, the others in order, as many in each turn', async () => {
    const ran = numbered(new Turns(2), 5)
    const after = [ran.length]
    for (let turn = 0; turn < 3; turn += 1) {
      await nextTurn()
      after.push(ran.length)
    }
    expect(after).toEqual([2, 4, 5, 5])
    expect(ran).toEqual([0, 1, 2, 3, 4])
  })

  it('runs a task at once again when the burst is over', async () => {
    const turns = new Turns(2)
    numbered(turns, 5)
    for (let turn = 0; turn < 4; turn += 1) await nextTurn()
    expect(numbered(turns, 1)).toEqual([0])
  })

  it('lets tasks of a task wait for their turn too', async () => {
    const turns = new Turns(1)
    const ran: string[] = []
    turns.run(() => {
      ran.push('first')
      turns.run(() => ran.push('second'))
    })
    expect(ran).toEqual(['first'])
    await nextTurn()
    expect(ran).toEqual(['first', 'second'])
  })

  it('loses nothing when more wait than may wait: the oldest run at once', () => {
    const turns = new Turns(1)
    const ran = numbered(turns, MAX_WAITING_TASKS + 4)
    expect(ran).toEqual([0, 1, 2, 3])
    expect(turns.waiting).toBe(MAX_WAITING_TASKS)
  })
})
