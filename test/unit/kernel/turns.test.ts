import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { MAX_WAITING_TASKS, Turns } from '../../../src/kernel/turns.ts'

function numbered(turns: Turns<string>, count: number, owner = 'one'): number[] {
  const ran: number[] = []
  for (let task = 0; task < count; task += 1) turns.run(owner, () => ran.push(task))
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
    const turns = new Turns<string>(2)
    numbered(turns, 5)
    for (let turn = 0; turn < 4; turn += 1) await nextTurn()
    expect(numbered(turns, 1)).toEqual([0])
  })

  it('lets tasks of a task wait for their turn too', async () => {
    const turns = new Turns<string>(1)
    const ran: string[] = []
    turns.run('one', () => {
      ran.push('first')
      turns.run('one', () => ran.push('second'))
    })
    expect(ran).toEqual(['first'])
    await nextTurn()
    expect(ran).toEqual(['first', 'second'])
  })

  it('lets nobody wait behind all that another one wants', async () => {
    const turns = new Turns<string>(1)
    const ran: string[] = []
    const add = (owner: string, count: number) => {
      for (let task = 0; task < count; task += 1) turns.run(owner, () => ran.push(`${owner}${task}`))
    }
    add('a', 100)
    add('b', 2)
    add('c', 1)
    for (let turn = 0; turn < 7; turn += 1) await nextTurn()
    expect(ran).toEqual(['a0', 'a1', 'b0', 'c0', 'a2', 'b1', 'a3', 'a4'])
  })

  it('loses nothing when more wait than may wait: of whoever adds one the oldest runs at once', () => {
    const turns = new Turns<string>(1)
    const ran = numbered(turns, MAX_WAITING_TASKS + 4)
    expect(ran).toEqual([0, 1, 2, 3])
    expect(turns.waiting).toBe(MAX_WAITING_TASKS)
    expect(numbered(turns, 2, 'other')).toEqual([0, 1])
    expect(turns.waiting).toBe(MAX_WAITING_TASKS)
  })
})
