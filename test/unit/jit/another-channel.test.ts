import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import { isTerminal, sell, step } from '../../../src/jit/machine.ts'
import type { JitEvent, Part, Sale } from '../../../src/jit/states.ts'
import { verdict } from '../../../src/jit/verdict.ts'
import { anyStory, CIRCUITS } from './arbitraries.ts'
import { ANOTHER, channelActive, channelRefused, failed, HALVES, PART, partHeld, settled } from './samples.ts'

const [LARGER, SMALLER] = HALVES
const held = (part: Part, further: readonly Part[] = []) => partHeld(part, { further })

/** Where a story leads, and all that was wanted on the way. */
function heard(...story: readonly JitEvent[]) {
  const first = sell(ANOTHER)
  return story.reduce(
    ({ sale, effects }, event) => {
      const next = step(sale, event)
      return { sale: next.state, effects: [...effects, ...next.effects] }
    },
    { sale: first.state, effects: [...first.effects] },
  )
}

function feesOf(sale: Sale): readonly bigint[] {
  return sale.tag === 'forwarding' ? sale.sent.map(({ fee }) => fee) : []
}

describe('another channel under a purchase that was paid', () => {
  it('is large enough for all parts that came together, and costs what the offer asks for their sum', () => {
    const { sale, effects } = heard(held(LARGER, [SMALLER]), channelActive())
    expect(effects).toEqual([expect.objectContaining({ type: 'open-channel', amount: 100_000_000n, parts: 2 })])
    expect(sale).toMatchObject({ tag: 'forwarding', fee: 1_000_000n, bound: true })
    expect(feesOf(sale)).toEqual([1_000_000n, 0n])
  })

  it('is used at once: what its payer names leads to the client already', () => {
    const { sale } = heard(held(PART), channelActive())
    expect(verdict(sale, PART.circuit)).toEqual({
      type: 'resume-modified',
      amountOut: PART.amountOut - 1_000_000n,
      extraFee: 1_000_000n,
    })
  })

  it('counts parts that come while it is opened, and takes no second fee of one that comes later', () => {
    const both = heard(held(LARGER), held(SMALLER), channelActive()).sale
    expect(both).toMatchObject({ tag: 'forwarding', fee: 1_000_000n })
    expect(feesOf(both)).toHaveLength(2)
    const late = heard(held(LARGER), channelActive(), held(SMALLER)).sale
    expect(feesOf(late)).toEqual([1_000_000n, 0n])
  })

  it('is not opened for a payment outside of the offer, and that is failed at once, never resumed', () => {
    for (const amount of [9_999_999n, 1_000_000_001n]) {
      const part = { ...PART, amountIn: msat(amount), amountOut: msat(amount) }
      const { sale, effects } = heard(held(part))
      expect(effects).toEqual([])
      expect(verdict(sale, part.circuit)).toEqual({ type: 'fail' })
    }
  })

  it('judges parts by what they are together: each alone would be too small', () => {
    const parts = ['1:1', '1:2', '2:1'].map(
      (circuit): Part => ({ ...PART, circuit, amountIn: msat(4_000_000n), amountOut: msat(4_000_000n) }),
    )
    const [first, ...further] = parts
    const { effects } = heard(held(first as Part, further))
    expect(effects).toEqual([expect.objectContaining({ amount: 12_000_000n, parts: 3 })])
  })

  it('keeps another payment waiting until the first has ended, and then opens nothing more while it is unpaid', () => {
    const other = { ...PART, circuit: '2:2', paymentHash: '77'.repeat(32) }
    const { sale, effects } = heard(held(PART), held(other), channelActive(), failed(PART.circuit))
    expect(effects).toHaveLength(1)
    expect(sale).toMatchObject({ tag: 'forwarding', sent: [{ circuit: '2:2' }] })
  })

  it('is paid by the payment that it carried', () => {
    const { sale } = heard(held(PART), channelActive(), settled())
    expect(sale).toMatchObject({ tag: 'paid', earned: 1_000_000n })
  })

  it('fails what it held when the client cannot be reached, and may be opened for the next payment', () => {
    const { sale } = heard(held(PART), channelRefused('client-gone'))
    expect(sale.tag).toBe('awaiting')
    expect(verdict(sale, PART.circuit)).toEqual({ type: 'fail' })
  })

  it('never binds an alias, and never lets go in full what it holds or has refused', () => {
    fc.assert(
      fc.property(anyStory, (story) => {
        let sale = sell(ANOTHER).state
        for (const event of story) {
          const { state, effects } = step(sale, event)
          sale = state
          expect(effects.map(({ type }) => type)).not.toContain('add-alias')
          if (isTerminal(sale) || !('refused' in sale)) continue
          for (const circuit of CIRCUITS) {
            const isOurs =
              sale.refused.some((refusal) => refusal.circuit === circuit) ||
              ('parts' in sale && sale.parts.some((part) => part.circuit === circuit))
            if (isOurs && !('sent' in sale)) expect(verdict(sale, circuit).type).not.toBe('resume')
          }
        }
      }),
      { numRuns: 1000 },
    )
  })
})
