import { describe, expect, it } from 'vitest'
import { Batcher } from '../../../src/orders/batcher.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'

const WAIT_MS = 30_000
const MOST = 3

function setUp(openBatch?: (id: string, channels: readonly string[]) => Promise<void>) {
  const clock = new ManualClock()
  const opened: (readonly string[])[] = []
  const ids = new Set<string>()
  let drawn = 0
  const batcher = new Batcher<string>(
    {
      clock,
      entropy: (length) => new Uint8Array(length).fill(++drawn),
      openBatch:
        openBatch ??
        (async (id, channels) => {
          ids.add(id)
          opened.push([...channels])
        }),
    },
    { waitMs: WAIT_MS, most: MOST },
  )
  const stopping = new AbortController()
  const open = (channel: string) => {
    const placed = batcher.open(channel, stopping.signal)
    placed.catch(() => undefined)
    return placed
  }
  return { batcher, clock, opened, ids, open, stop: () => stopping.abort(new Error('stopping')) }
}

describe('channels that are batched [L1-96]', () => {
  it('wait for each other as long as the first may wait, and are told when they are on disk', async () => {
    const { clock, opened, open } = setUp()
    const first = open('a')
    await clock.advance(WAIT_MS - 1)
    const second = open('b')
    await clock.settle()
    expect(opened).toEqual([])
    await clock.advance(1)
    await Promise.all([first, second])
    expect(opened).toEqual([['a', 'b']])
  })

  it('wait no longer when there are enough of them; the next one begins another batch', async () => {
    const { clock, opened, ids, open } = setUp()
    const placed = ['a', 'b', 'c', 'd'].map(open)
    await Promise.all(placed.slice(0, MOST))
    expect(opened).toEqual([['a', 'b', 'c']])
    await clock.advance(WAIT_MS)
    await placed[3]
    expect(opened).toEqual([['a', 'b', 'c'], ['d']])
    expect(ids.size).toBe(2)
  })

  it('hear of it when they could not be written down: their effects try again, in a new batch', async () => {
    const failing = setUp(async () => {
      throw new Error('the disk is full')
    })
    const both = [failing.open('a'), failing.open('b')]
    await failing.clock.advance(WAIT_MS)
    for (const placed of both) await expect(placed).rejects.toThrow('the disk is full')
    const again = failing.open('a')
    await failing.clock.advance(WAIT_MS)
    await expect(again).rejects.toThrow('the disk is full')
  })

  it('are not opened when the daemon stops meanwhile', async () => {
    const { clock, opened, open, stop } = setUp()
    const placed = open('a')
    stop()
    await clock.settle()
    await expect(placed).rejects.toThrow('stopping')
    expect(opened).toEqual([])
  })

  it('are not batched at all where nobody shall wait', () => {
    const { clock } = setUp()
    const deps = { clock, entropy: () => new Uint8Array(32), openBatch: async () => undefined }
    expect(new Batcher(deps, { waitMs: 0, most: MOST }).isOn).toBe(false)
    expect(new Batcher(deps, { waitMs: 1, most: MOST }).isOn).toBe(true)
  })
})
