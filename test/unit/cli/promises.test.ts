import { describe, expect, it } from 'vitest'
import { plain } from '../../../src/cli/format.ts'
import { renderClosable, renderPromises } from '../../../src/cli/render-promises.ts'
import { CLOSABLE, KEPT, PROMISES, TXID } from '../admin/samples.ts'

const NOW = 1_767_398_400_000
const wide = (text: string) => text.split('\n').filter((line) => line.length > 80)

describe('the list of promises', () => {
  it('says until when each channel stays, and what it was sold by', () => {
    const text = renderPromises(PROMISES, NOW, plain)
    expect(text).toBe(
      [
        'channel           state   until block  left  more  sale or order',
        'efefefef..efef:1  kept        900,000   1 d     1  16123456x7x8',
        'efefefef..efef:1  broken      900,000     -     1  3f9d7c9e..4d5e',
        '',
        'and 3 more: --limit, --state or --json',
      ].join('\n'),
    )
    expect(wide(text)).toEqual([])
  })

  it('counts the time that was told when it is longer than the blocks', () => {
    const promise = { ...KEPT, not_before: '2026-03-03T00:00:00.000Z' }
    expect(renderPromises({ ...PROMISES, promises: [promise] }, NOW, plain)).toMatch(/900,000 +59 d/)
  })

  it('says which channels are not confirmed, and which close before their time', () => {
    const { until_height: _, from_height: __, ...open } = KEPT
    const closing = { ...KEPT, state: 'closing', closing: { at: KEPT.made_at, height: 1, early: true } } as const
    const text = renderPromises({ ...PROMISES, promises: [open, closing] }, NOW, plain)
    expect(text).toContain('unconfirmed')
    expect(text).toMatch(/^efefefef..efef:1 {2}early /m)
    expect(wide(text)).toEqual([])
  })

  it('fits a terminal with the longest of everything', () => {
    const sold_by = { type: 'jit', id: '16249999x16777215x65535' } as const
    const longest = { ...KEPT, state: 'closing', until_height: 1_900_000, sold_by, outpoint: `${TXID}:99` } as const
    expect(wide(renderPromises({ ...PROMISES, promises: [longest], height: 1_899_995 }, NOW, plain))).toEqual([])
  })

  it('may be empty', () => {
    expect(renderPromises({ promises: [], more: 0, height: 1 }, NOW, plain)).toBe('no promises')
  })
})

describe('what may be closed', () => {
  it('is named with what speaks for it and the command, and nothing is closed', () => {
    const text = renderClosable(CLOSABLE, NOW, plain)
    expect(text).toContain('promises  1,234, of which 34 are over\nclosable  1 channel\n')
    expect(text).toContain('idle          nothing settled in it for 45 days')
    expect(text).toContain('stranded      its customer is away for 45 days, 16,700,000 sat are ours')
    expect(text).toContain('unprofitable  1,234.567 sat earned in 90 days: 298 ppm a year')
    expect(text).toContain(`  --funding_txid ${TXID} \\\n  --output_index 1 --conf_target 144`)
    expect(text).toMatch(/Nothing was closed: these are the commands that would\.$/)
    expect(wide(text).filter((line) => !line.includes(TXID))).toEqual([])
  })

  it('may be nothing', () => {
    const text = renderClosable({ ...CLOSABLE, channels: [] }, NOW, plain)
    expect(text).toBe('promises  1,234, of which 34 are over\nclosable  none')
  })
})
