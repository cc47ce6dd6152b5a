import { describe, expect, it } from 'vitest'
import { sat } from '../../../lsps/base/amount.ts'
import { describeNews, isTold } from '../../../src/funding/news.ts'
import type { FundingNews } from '../../../src/funding/states.ts'

const OUTPOINT = `${'ab'.repeat(32)}:0`
const STEP = { what: 'payment settled, fee earned', detail: { outpoint: OUTPOINT } }

function told(news: FundingNews) {
  const step = describeNews(news)
  if (step === undefined) throw new Error(`${news.type} is not told`)
  return step
}

const published = told({ type: 'published', outpoint: OUTPOINT })
const confirmed = told({ type: 'confirmed', outpoint: OUTPOINT })
const reorganised = told({ type: 'reorganised', outpoint: OUTPOINT })
const conflicted = told({ type: 'conflicted', outpoint: OUTPOINT, spentBy: 'cd'.repeat(32) })

describe('news of a funding in the record of its sale', () => {
  it('are there once, also when they are told again after a crash', () => {
    expect(isTold([], published)).toBe(false)
    expect(isTold([STEP], published)).toBe(false)
    expect(isTold([published, STEP], published)).toBe(true)
    expect(isTold([published], confirmed)).toBe(false)
  })

  it('are there anew when something else came between', () => {
    expect(isTold([published, confirmed, reorganised], confirmed)).toBe(false)
    expect(isTold([published, confirmed, reorganised, confirmed], reorganised)).toBe(false)
  })

  it('are of one channel each', () => {
    const other = told({ type: 'published', outpoint: `${'ef'.repeat(32)}:1` })
    expect(isTold([published], other)).toBe(false)
    expect(isTold([published, other], published)).toBe(true)
  })

  it('are all known by their titles', () => {
    const kept = told({ type: 'kept', outpoint: OUTPOINT, reason: 'client-away' })
    const bumped = told({ type: 'bumped', outpoint: OUTPOINT, satPerVbyte: 12, budget: sat(1000n) })
    for (const step of [published, confirmed, reorganised, conflicted, kept, bumped])
      expect(isTold([step], step)).toBe(true)
  })
})
