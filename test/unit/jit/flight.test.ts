import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import { isOneTooMany } from '../../../src/jit/flight.ts'
import { step } from '../../../src/jit/machine.ts'
import { MAX_FORWARDED, MAX_PARTS, MAX_REFUSALS } from '../../../src/jit/parts.ts'
import type { JitEvent, Sale } from '../../../src/jit/states.ts'
import {
  aliasAdded,
  awaiting,
  channelActive,
  channelClosed,
  due,
  failed,
  PART,
  partHeld,
  VALID_UNTIL,
} from './samples.ts'

/** Events that are put on record while the sale hears all of them, and the sale then. */
function record(first: Sale, events: Iterable<JitEvent>) {
  let sale = first
  const recorded: JitEvent['type'][] = []
  for (const event of events) {
    const { state, ignored } = step(sale, event)
    if (ignored === undefined && !isOneTooMany(sale, state, event)) recorded.push(event.type)
    sale = state
  }
  return { sale, recorded }
}

const ATTEMPTS = 1_000

describe('the record of a sale', () => {
  it('does not grow with payments of which each pushes the smallest out', () => {
    const events = Array.from({ length: ATTEMPTS }, (_, n) => {
      const amount = msat(1_000n + BigInt(n))
      const circuit = `2:${n}`
      return partHeld({ circuit, paymentHash: `${n}`.padStart(64, '0'), amountIn: amount, amountOut: amount })
    })
    const { recorded } = record(awaiting(), events)
    expect(recorded.length).toBeLessThanOrEqual(MAX_REFUSALS + MAX_PARTS)
  })

  it('does not grow with payments that the client fails', () => {
    const attempts = Array.from({ length: ATTEMPTS }, (_, n) => `2:${n}`).flatMap((circuit) => [
      partHeld({ circuit }),
      failed(circuit),
    ])
    const { sale, recorded } = record(awaiting(), [partHeld(), channelActive(), aliasAdded(), failed(), ...attempts])
    expect(sale.tag).toBe('owed')
    expect(recorded.length).toBeLessThanOrEqual(3 * MAX_FORWARDED)
  })

  it('has the end of the sale, whatever came before', () => {
    const lie = Array.from({ length: MAX_REFUSALS }, (_, n) => partHeld({ circuit: `2:${n}`, amountIn: msat(1n) }))
    const opened = [partHeld(), channelActive(), aliasAdded(), failed(PART.circuit), channelClosed()]
    const { recorded } = record(awaiting(), [...lie, ...opened])
    expect(recorded.slice(MAX_REFUSALS)).toEqual(opened.map(({ type }) => type))
    expect(record(awaiting(), [...lie, ...lie, due(VALID_UNTIL)]).recorded.at(-1)).toBe('deadline')
  })
})
