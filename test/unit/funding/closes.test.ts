import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Closes } from '../../../src/funding/closes.ts'
import { SidecarError } from '../../../src/kernel/errors.ts'
import { OTHER_OUTPOINT, OUTPOINT } from './samples.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const { signal } = new AbortController()

/** A guard that keeps one channel, and what reached lnd. */
function guarded() {
  const reached: string[] = []
  const closes = new Closes({
    lnd: {
      closeChannel: async ({ outpoint }) => void reached.push(`close ${outpoint}`),
      abandonChannel: async (outpoint) => void reached.push(`abandon ${outpoint}`),
    },
    keeps: (outpoint) => (outpoint === OUTPOINT ? 'promised by sale 1x2x3 until block 9' : undefined),
  })
  return { closes, reached }
}

describe('a close of ours', () => {
  it('does not reach lnd while the channel is promised, by whatever way', async () => {
    const { closes, reached } = guarded()
    const attempts = [
      closes.close({ outpoint: OUTPOINT, how: 'cooperative', satPerVbyte: 1 }, signal),
      closes.close({ outpoint: OUTPOINT, how: 'force' }, signal),
      closes.abandon(OUTPOINT, signal),
    ]
    for (const attempt of attempts) {
      const error = await attempt.catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(SidecarError)
      expect(String(error)).toContain(`channel ${OUTPOINT} is not closed: it is promised by sale 1x2x3 until block 9`)
    }
    expect(reached).toEqual([])
  })

  it('reaches lnd when nothing is promised', async () => {
    const { closes, reached } = guarded()
    await closes.close({ outpoint: OTHER_OUTPOINT, how: 'force' }, signal)
    await closes.abandon(OTHER_OUTPOINT, signal)
    expect(reached).toEqual([`close ${OTHER_OUTPOINT}`, `abandon ${OTHER_OUTPOINT}`])
  })

  it('has no other way to lnd than through the guard', () => {
    const calls = filesUnder('src')
      .filter((file) => !file.startsWith('src/lnd/') && !file.startsWith('src/sandbox/'))
      .filter((file) => /\.(closeChannel|abandonChannel)\(/.test(readFileSync(join(ROOT, file), 'utf8')))
    expect(calls).toEqual(['src/funding/closes.ts'])
  })
})

function filesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder)).flatMap((name) => {
    const path = join(folder, name)
    return statSync(join(ROOT, path)).isDirectory() ? filesUnder(path) : [path]
  })
}
