import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { openingFee } from '../../../src/jit/fees.ts'
import { deadline, isTerminal, sell, step } from '../../../src/jit/machine.ts'
import { isKnown, MAX_PARTS, openParts, total } from '../../../src/jit/parts.ts'
import { type Deal, type JitEffect, type JitEvent, type JitMoney, Sale } from '../../../src/jit/states.ts'
import { verdict } from '../../../src/jit/verdict.ts'
import { anyDeal, anyStory, CIRCUITS } from './arbitraries.ts'

const RUNS = { numRuns: 1000 }

type Moment = {
  readonly event?: JitEvent
  readonly before: Sale
  readonly sale: Sale
  readonly effects: readonly JitEffect[]
  readonly money: readonly JitMoney[]
}

/** Every state that a story leads through, the first one included. */
function live(deal: Deal, story: readonly JitEvent[]): readonly Moment[] {
  const first = sell(deal)
  const moments: Moment[] = [{ before: first.state, sale: first.state, effects: first.effects, money: first.money }]
  for (const event of story) {
    const before = moments.at(-1)?.sale ?? first.state
    const { state, effects, money } = step(before, event)
    moments.push({ event, before, sale: state, effects, money })
  }
  return moments
}

const endOf = (deal: Deal, story: readonly JitEvent[]) => live(deal, story).at(-1)?.sale

/** Holds for every story of events, in any order, of any kind of sale. */
const always = (holds: (moments: readonly Moment[], story: readonly JitEvent[], deal: Deal) => void) =>
  fc.assert(
    fc.property(anyDeal, anyStory, (deal, story) => {
      holds(live(deal, story), story, deal)
    }),
    RUNS,
  )

describe('a sale, whatever it hears', () => {
  it('has an answer to every event: its machine never throws', () => {
    always((moments, story) => expect(moments).toHaveLength(story.length + 1))
  })

  it('reaches every state in these stories, and forwards payments in several parts', () => {
    const seen = new Set<string>()
    let most = 0
    always((moments) => {
      for (const { sale } of moments) {
        seen.add(sale.tag)
        if (sale.tag === 'forwarding') most = Math.max(most, sale.sent.length)
      }
    })
    expect([...seen].sort()).toEqual(Sale.options.map(({ shape }) => shape.tag.value).sort())
    expect(most).toBeGreaterThan(2)
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
    always((_, story, deal) => {
      expect(
        endOf(
          deal,
          story.flatMap((event) => [event, event]),
        ),
      ).toEqual(endOf(deal, story))
    })
  })

  it('keeps what was agreed', () => {
    always((moments, _, deal) => {
      for (const { sale } of moments) expect(sale.deal).toBe(deal)
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

  it('holds a bounded number of parts', () => {
    always((moments) => {
      for (const { sale } of moments) expect(openParts(sale).length).toBeLessThanOrEqual(2 * MAX_PARTS)
    })
  })
})

describe('the money of a sale', () => {
  it('is booked once for each part that settles, with the state that made it true', () => {
    always((moments) => {
      const entries = moments.flatMap(({ money }) => money)
      expect(new Set(entries.map(({ circuit }) => circuit)).size).toBe(entries.length)
      for (const { event, before, money } of moments) {
        if (money.length === 0) continue
        if (event?.type !== 'settled' || before.tag !== 'forwarding') throw new Error('booked without a settled part')
        expect(money).toHaveLength(1)
      }
    })
  })

  it('is what came in less what went out, and nothing when lnd says that more went out', () => {
    always((moments) => {
      for (const { event, before, money } of moments) {
        for (const { circuit, earned, openingFee: fee } of money) {
          if (before.tag !== 'forwarding' || event?.type !== 'settled') throw new Error(`booked as ${before.tag}`)
          const part = before.sent.find((sent) => sent.circuit === circuit)
          const kept = (part?.amountIn ?? 0n) - event.amountOut
          expect(earned).toBe(kept > 0n ? kept : 0n)
          expect(fee <= earned && fee <= (part?.fee ?? 0n)).toBe(true)
        }
      }
    })
  })

  it('is paid when all of the fee was deducted of parts that settled, and never more than the fee', () => {
    always((moments) => {
      for (const { before, sale, money } of moments) {
        if (sale.tag !== 'paid' || before.tag !== 'forwarding') continue
        const settled = new Set([
          ...before.sent.filter(({ end }) => end?.type === 'settled').map(({ circuit }) => circuit),
        ])
        for (const { circuit } of money) settled.add(circuit)
        const deducted = before.sent
          .filter(({ circuit }) => settled.has(circuit))
          .reduce((sum, { fee }) => sum + fee, 0n)
        expect(before.collected + deducted).toBe(before.fee)
      }
      for (const { sale } of moments) {
        if (sale.tag !== 'forwarding') continue
        const alive = sale.sent.filter(({ end }) => end?.type !== 'failed').reduce((sum, { fee }) => sum + fee, 0n)
        expect(sale.collected + alive).toBeLessThanOrEqual(sale.fee)
      }
    })
  })

  it('is never risked for a part that carries less than it forwards', () => {
    always((moments, _, deal) => {
      for (const { sale } of moments) {
        for (const part of openParts(sale)) {
          expect(part.amountIn).toBeGreaterThanOrEqual(part.amountOut)
          expect(part.expiryIn - part.expiryOut).toBeGreaterThanOrEqual(deal.cltvExpiryDelta)
        }
      }
    })
  })
})

describe('the channel of a sale', () => {
  it('is opened only for a held payment that pays for it, and again only after a refusal', () => {
    always((moments, _, deal) => {
      let standing = false
      for (const { event, before, sale, effects } of moments) {
        const refused = event?.type === 'channel-refused' && before.tag === 'opening' ? event : undefined
        if (refused !== undefined && 'pendingChannelId' in before)
          standing &&= refused.pendingChannelId !== before.pendingChannelId
        const open = effects.find(({ type }) => type === 'open-channel')
        if (open?.type !== 'open-channel') continue
        expect(standing).toBe(false)
        standing = true
        if (sale.tag !== 'opening') throw new Error(`opened for nothing, as ${sale.tag}`)
        expect(total(sale.parts)).toBeGreaterThanOrEqual(open.amount)
        expect(open.amount).toBeGreaterThanOrEqual(deal.paymentSize ?? deal.minPayment ?? 0n)
      }
    })
  })

  it('gets its alias only when the deductions are on record', () => {
    always((moments) => {
      for (const { sale, effects } of moments) {
        if (effects.some(({ type }) => type === 'add-alias')) expect(sale.tag).toBe('forwarding')
      }
    })
  })

  it('is published for a client that trusts us with the first part that settles, and never otherwise', () => {
    always((moments, _, deal) => {
      let settled = 0
      for (const { effects, money } of moments) {
        const published = effects.filter(({ type }) => type === 'publish-funding').length
        const first = money.length > 0 && deal.trust === 'client-trusts-lsp'
        if (published > 0) expect(money.length).toBe(1)
        if (first && settled === 0) expect(published).toBe(1)
        if (deal.trust === undefined) expect(published).toBe(0)
        settled += money.length
      }
    })
  })

  it('is taken back only when its offer is over and its fee unpaid: never when it was paid for [L2-06]', () => {
    always((moments, _, deal) => {
      for (const { event, effects, before } of moments) {
        if (!effects.some(({ type }) => type === 'reclaim-channel')) continue
        expect(['opening', 'unwanted', 'owed', 'reclaiming']).toContain(before.tag)
        if (before.tag === 'unwanted') continue // its offer is over, and now the channel is there
        if (event?.type !== 'deadline') throw new Error('taken back early')
        expect(event.at).toBeGreaterThanOrEqual(deal.validUntil)
      }
    })
  })
})

describe('the answer to a circuit', () => {
  it('stays the same when lnd offers the circuit again', () => {
    always((moments) => {
      for (const { event, sale } of moments) {
        if (event?.type !== 'part-held' || isTerminal(sale) || sale.tag === 'reclaiming' || sale.tag === 'unwanted')
          continue
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

  it('is FAIL never for a circuit that was ever forwarded', () => {
    always((moments) => {
      const inFlight = new Set<string>()
      for (const { before, sale } of moments) {
        for (const circuit of CIRCUITS) {
          const { type } = verdict(sale, circuit)
          const isSent =
            before.tag === 'forwarding' && before.bound && before.sent.some((part) => part.circuit === circuit)
          if (type === 'resume-modified' || (type === 'resume' && isSent && isKnown(sale, circuit)))
            inFlight.add(circuit)
          if (inFlight.has(circuit)) expect(type).not.toBe('fail')
        }
      }
    })
  })

  it('is a forward only to parts that are decided on disk, and deducts no more than the fee', () => {
    always((moments, _, deal) => {
      for (const { sale } of moments) {
        let deducted = 0n
        for (const circuit of CIRCUITS) {
          const answer = verdict(sale, circuit)
          if (answer.type !== 'resume-modified') continue
          if (sale.tag !== 'forwarding') throw new Error(`forwarded as ${sale.tag}`)
          const part = sale.sent.find((sent) => sent.circuit === circuit)
          expect(answer.amountOut + answer.extraFee).toBe(part?.amountOut)
          expect(answer.amountOut).toBeGreaterThanOrEqual(deal.htlcMinimum)
          if (part?.end === undefined) deducted += answer.extraFee
        }
        if (sale.tag === 'forwarding') {
          const agreed = openingFee(deal, total(sale.sent)) ?? 0n
          expect(deducted <= sale.fee && sale.fee <= agreed).toBe(true)
        }
      }
    })
  })
})
