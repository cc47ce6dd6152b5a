import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { Batch } from '../../../src/funding/batch-states.ts'
import { Payout } from '../../../src/funding/payout-states.ts'
import { Reclaim } from '../../../src/funding/reclaim-states.ts'
import { Funding } from '../../../src/funding/states.ts'
import { Sale } from '../../../src/jit/states.ts'
import { Order } from '../../../src/orders/states.ts'
import { begin, end, regenerate, SECTIONS } from './page.ts'
import { BATCHES, FUNDINGS, ORDERS, PAYOUTS, RECLAIMS, SALES } from './samples.ts'

const PAGE = fileURLToPath(new URL('../../../ARCHITECTURE.md', import.meta.url))

const tagsOf = (union: {
  readonly options: readonly { readonly shape: { readonly tag: { readonly value: string } } }[]
}) => union.options.map(({ shape }) => shape.tag.value)

describe('the samples', () => {
  it('show every state that can be on disk', () => {
    expect(Object.keys(SALES)).toEqual(tagsOf(Sale))
    expect(Object.keys(ORDERS)).toEqual(tagsOf(Order))
    expect(Object.keys(FUNDINGS)).toEqual(tagsOf(Funding))
    expect(Object.keys(RECLAIMS)).toEqual(tagsOf(Reclaim))
    expect(Object.keys(BATCHES)).toEqual(tagsOf(Batch))
    expect(Object.keys(PAYOUTS)).toEqual(tagsOf(Payout))
  })
})

describe('the generated sections of ARCHITECTURE.md', () => {
  it('say what the code does; "npx vitest run --project unit test/unit/atlas -u" writes them anew', async () => {
    await expect(regenerate(readFileSync(PAGE, 'utf8'))).toMatchFileSnapshot(PAGE)
  })

  it('are found by their markers, and a page without one is an error', () => {
    const page = Object.keys(SECTIONS)
      .map((section) => `${begin(section)}\nstale text\n${end(section)}`)
      .join('\nkept\n')
    const fresh = regenerate(page)
    expect(fresh).not.toContain('stale text')
    expect(fresh.match(/^kept$/gm)).toHaveLength(Object.keys(SECTIONS).length - 1)
    expect(regenerate(fresh)).toBe(fresh)
    expect(() => regenerate(page.replace(begin('sale machine'), ''))).toThrow('sale machine')
  })
})
