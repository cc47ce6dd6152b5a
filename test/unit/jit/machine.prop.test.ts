import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { deadline, isTerminal, sell, step } from '../../../src/jit/machine.ts'
import { type JitEffect, type JitEvent, type JitMoney, Sale } from '../../../src/jit/states.ts'
import { verdict } from '../../../src/jit/verdict.ts'
import { anyStory, CIRCUITS } from './arbitraries.ts'
import { DEAL } from './samples.ts'

const RUNS = { numRuns: 500 }

type Moment = {
  readonly event?: JitEvent
  readonly before: Sale
  readonly sale: Sale
  readonly effects: readonly JitEffect[]
  readonly money: readonly JitMoney[]
}

/** Every state that a story leads through, the first one included. */
function live(story: readonly JitEvent[]): readonly Moment[] {
  const first = sell(DEAL)
  const moments: Moment[] = [{ before: first.state, sale: first.state, effects: first.effects, money: first.money }]
  for (const event of story) {
    const before = moments.at(-1)?.sale ?? first.state
    const { state, effects, money } = step(before, event)
    moments.push({ event, before, sale: state, effects, money })
  }
  return moments
}

const endOf = (story: readonly JitEvent[]) => live(story).at(-1)?.sale
const heldCircuit = (sale: Sale) => ('part' in sale ? sale.part?.circuit : undefined)

/** Holds for every story of events, in any order. */
const always = (holds: (moments: readonly Moment[], story: readonly JitEvent[]) => void) =>
  fc.assert(
    fc.property(anyStory, (story) => {
      holds(live(story), story)
    }),
    RUNS,
  )

describe('a sale, whatever it hears', () => {
  it('has an answer to every event: its machine never throws', () => {
    always((moments, story) => expect(moments).toHaveLength(story.length + 1))
  })

  it('reaches every state in these stories', () => {
    const seen = new Set<string>()
    always((moments) => {
      for (const { sale } of moments) seen.add(sale.tag)
    })
    expect([...seen].sort()).toEqual(Sale.options.map(({ shape }) => shape.tag.value).sort())
  })

  it('never leaves a terminal state', () => {
    always((moments) => {
      for (const { before, sale, effects, money } of moments) {
        if (!isTerminal(before)) continue
        expect(sale).toBe(before)
        expect([...effects, ...money]).toEqual([])
      }
    })
  })

  it('ends the same when it hears every event twice', () => {
    always((_, story) => expect(endOf(story.flatMap((event) => [event, event]))).toEqual(endOf(story)))
  })

  it('keeps what was agreed', () => {
    always((moments) => {
      for (const { sale } of moments) expect(sale.deal).toBe(DEAL)
    })
  })

  it('survives the disk: what is read back is what was written', () => {
    always((moments) => {
      const sale = moments.at(-1)?.sale
      expect(z.decode(Sale, JSON.parse(JSON.stringify(z.encode(Sale, sale as Sale))))).toEqual(sale)
    })
  })

  it('leaves a due deadline behind: no state is due for ever', () => {
    always((moments) => {
      for (const { sale } of moments) {
        const at = deadline(sale)
        if (at === undefined) continue
        const next = deadline(step(sale, { type: 'deadline', at }).state)
        expect(next === undefined || next > at).toBe(true)
      }
    })
  })
})

describe('the money of a sale', () => {
  it('is booked at most once, with the state that made it true', () => {
    always((moments) => {
      const entries = moments.flatMap(({ money }) => money)
      expect(entries.length).toBe(moments.at(-1)?.sale.tag === 'paid' ? 1 : 0)
    })
  })

  it('is what came in less what went out, and nothing when lnd says that more went out', () => {
    always((moments) => {
      for (const { sale, money } of moments) {
        for (const { earned, openingFee } of money) {
          if (sale.tag !== 'paid') throw new Error(`booked as ${sale.tag}`)
          const kept = sale.amountIn - sale.amountOut
          expect([sale.earned, earned]).toEqual(kept > 0n ? [kept, kept] : [0n, 0n])
          expect(openingFee <= earned && openingFee <= DEAL.fee).toBe(true)
        }
      }
    })
  })

  it('is never risked for a part that carries less than it forwards', () => {
    always((moments) => {
      for (const { sale } of moments) {
        if (!('part' in sale) || sale.part === undefined) continue
        expect(sale.part.amountIn).toBeGreaterThanOrEqual(sale.part.amountOut)
        expect(sale.part.expiryIn - sale.part.expiryOut).toBeGreaterThanOrEqual(DEAL.cltvExpiryDelta)
      }
    })
  })
})

describe('the channel of a sale', () => {
  it('is opened only for a held part that pays for it, and again only after a refusal', () => {
    always((moments) => {
      let standing = false
      for (const { event, before, sale, effects } of moments) {
        if (event?.type === 'channel-refused' && before.tag === 'opening') standing = false
        if (!effects.some(({ type }) => type === 'open-channel')) continue
        expect(standing).toBe(false)
        standing = true
        if (sale.tag !== 'opening' || sale.part === undefined) throw new Error(`opened for nothing, as ${sale.tag}`)
        expect(sale.part.amountOut).toBeGreaterThanOrEqual(DEAL.paymentSize)
      }
    })
  })

  it('gets its alias only when the deduction is on record', () => {
    always((moments) => {
      for (const { sale, effects } of moments) {
        if (effects.some(({ type }) => type === 'add-alias')) expect(sale.tag).toBe('forwarding')
      }
    })
  })
})

describe('the answer to a circuit', () => {
  it('stays the same when lnd offers the circuit again', () => {
    always((moments) => {
      for (const { event, sale } of moments) {
        if (event?.type !== 'part-held' || isTerminal(sale)) continue
        const { circuit } = event.part
        const again = step(sale, event).state
        expect(verdict(again, circuit)).toEqual(verdict(sale, circuit))
        expect(verdict(sale, circuit)).not.toEqual({ type: 'judge' })
      }
    })
  })

  it('is decided for whatever was held: nothing held is forgotten', () => {
    always((moments) => {
      for (const { event, before, sale } of moments) {
        const ended = event !== undefined && 'circuit' in event ? event.circuit : undefined
        for (const circuit of CIRCUITS) {
          if (circuit === ended || verdict(before, circuit).type !== 'hold') continue
          expect(verdict(sale, circuit).type).not.toBe('judge')
        }
      }
    })
  })

  it('is FAIL never for a circuit that was forwarded and whose end is not known', () => {
    always((moments) => {
      const inFlight = new Set<string>()
      for (const { event, sale } of moments) {
        if (event?.type === 'failed') inFlight.delete(event.circuit)
        for (const circuit of CIRCUITS) {
          const { type } = verdict(sale, circuit)
          if (type === 'resume-modified') inFlight.add(circuit)
          if (inFlight.has(circuit)) expect(type).not.toBe('fail')
        }
      }
    })
  })

  it('is a forward only to the one part that the sale counts on, less the whole fee', () => {
    always((moments) => {
      for (const { sale } of moments) {
        for (const circuit of CIRCUITS) {
          const answer = verdict(sale, circuit)
          if (answer.type !== 'resume-modified') continue
          if (sale.tag !== 'forwarding') throw new Error(`forwarded as ${sale.tag}`)
          expect(circuit).toBe(heldCircuit(sale))
          expect(answer.amountOut + answer.extraFee).toBe(sale.part.amountOut)
          expect(answer.extraFee).toBe(DEAL.fee)
        }
      }
    })
  })
})
