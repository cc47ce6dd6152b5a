import { describe, expect, it, vi } from 'vitest'
import { plain } from '../../../src/cli/format.ts'
import { Screen, seconds } from '../../demo/screen.ts'
import { deferred } from '../../stack/wait.ts'

function screenTo(written: string[], { live = false, columns = 80 } = {}) {
  let now = 0
  const screen = new Screen({
    output: { columns, write: (text) => written.push(text) },
    live,
    paint: plain,
    now: () => now,
  })
  const pass = (ms: number) => {
    now += ms
  }
  return { screen, pass }
}

describe('the screen', () => {
  it('says without a terminal what begins and what it came to, line by line', async () => {
    const written: string[] = []
    const { screen, pass } = screenTo(written)
    const work = async () => {
      pass(2340)
      return 7
    }
    const result = await screen.wait('starting nodes', work, (count) => `${count} nodes run`)
    expect(result).toBe(7)
    expect(written.join('')).toBe('  starting nodes ...\n  7 nodes run  2.3 s\n')
  })

  it('replaces the waiting line in a terminal, also when something else is told meanwhile', async () => {
    const written: string[] = []
    const { screen } = screenTo(written, { live: true })
    const work = deferred<void>()
    const waiting = screen.wait('starting', () => work.promise)
    screen.note('progress')
    work.resolve()
    await waiting
    expect(visible(written.join(''))).toEqual(['  progress', '  starting  0.0 s', ''])
  })

  it('never writes a waiting line that would wrap', async () => {
    const written: string[] = []
    const { screen } = screenTo(written, { live: true, columns: 20 })
    await screen.wait(
      'a label that is much longer than the terminal',
      async () => undefined,
      () => 'done',
    )
    expect(written[0]?.length).toBe(19)
  })

  it('leaves no waiting line behind when the work fails', async () => {
    const written: string[] = []
    const { screen } = screenTo(written, { live: true })
    const failing = screen.wait('starting', async () => {
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(visible(written.join(''))).toEqual([''])
  })

  it('reminds without a terminal, but only after silence', async () => {
    vi.useFakeTimers()
    try {
      const written: string[] = []
      const { screen, pass } = screenTo(written)
      const work = deferred<void>()
      const waiting = screen.wait('building', () => work.promise)
      for (let half = 0; half < 120; half += 1) {
        pass(500)
        vi.advanceTimersByTime(500)
        if (half === 10) screen.note('a package more')
      }
      work.resolve()
      await waiting
      expect(written.filter((line) => line.includes('still building'))).toEqual([
        '  still building, 15.5 s\n',
        '  still building, 25.5 s\n',
        '  still building, 35.5 s\n',
        '  still building, 45.5 s\n',
        '  still building, 55.5 s\n',
      ])
    } finally {
      vi.useRealTimers()
    }
  })

  it('writes nothing more once it is closed', () => {
    const written: string[] = []
    const { screen } = screenTo(written)
    screen.line('last')
    screen.close()
    screen.line('too late')
    expect(written).toEqual(['last\n'])
  })

  it('shows tenths of seconds', () => {
    expect(seconds(0)).toBe('0.0 s')
    expect(seconds(83_456)).toBe('83.5 s')
  })
})

/** What a terminal shows in the end: a cleared line starts anew. */
function visible(text: string): string[] {
  return text.split('\n').map((line) => line.split('\r\u001b[2K').at(-1) ?? '')
}
