import { describe, expect, it } from 'vitest'
import { parseMemo } from '../../../src/operate/memo.ts'

const ID = 'cd'.repeat(32)

describe('the memo of a channel (D29)', () => {
  it('says what the channel was opened for', () => {
    expect(parseMemo(`sluice1:jit:${ID}:16123456x7x8:1000000`)).toEqual({
      kind: 'jit',
      pendingChannelId: ID,
      owner: '16123456x7x8',
      fee: 1_000_000n,
    })
  })

  it('may leave the fee open', () => {
    expect(parseMemo(`sluice1:order:${ID}:abc:`)).toMatchObject({ kind: 'order', owner: 'abc', fee: undefined })
  })

  it.each(['', 'my channel', `sluice2:jit:${ID}:1x2x3:1`, `sluice1:jit:${ID}:1x2x3`, `sluice1:jit:short:1x2x3:1`])(
    'is not ours: %j',
    (memo) => {
      expect(parseMemo(memo)).toBeUndefined()
    },
  )
})
