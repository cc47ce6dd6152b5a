import type { Forward } from '../lnd/port.ts'
import type { Difference } from './differences.ts'
import { type BookedFact, describeAmount, type LndFacts, type StoreFacts } from './facts.ts'

const MSAT_PER_SAT = 1000n

/**
 * The journal against lnd's forwarding history, to the msat: per circuit where the entry has one, else per channel,
 * and in total. Rows that kept nothing are ordinary forwards over a customer's channel.
 */
export function compareMoney(store: StoreFacts, lnd: LndFacts): readonly Difference[] {
  const keeping = lnd.rows.filter(({ amountIn, amountOut }) => amountIn > amountOut)
  const named = store.booked.filter(({ circuit }) => circuit !== undefined && circuit !== '')
  const unnamed = store.booked.filter(({ circuit }) => circuit === undefined || circuit === '')
  const byCircuit = new Map(lnd.rows.map((row) => [row.circuit ?? '', row]))
  const explained = new Set(named.map(({ circuit }) => circuit))
  const rest = keeping.filter(({ circuit }) => circuit === undefined || !explained.has(circuit))
  return [
    ...named.flatMap((entry) => compareEntry(entry, byCircuit.get(entry.circuit ?? ''))),
    ...compareByChannel(unnamed, rest),
    ...compareSent(lnd),
    ...compareTotals(store, keeping),
  ]
}

function compareEntry({ sale, circuit, earned }: BookedFact, row: Forward | undefined): readonly Difference[] {
  const thing = `sale ${sale}, circuit ${circuit}`
  const ours = `booked ${describeAmount(earned)}`
  if (row === undefined) return [withoutRow(thing, ours)]
  const kept = row.amountIn - row.amountOut
  if (kept === earned) return []
  return [{ kind: 'fee-differs', thing, ours, theirs: `kept ${describeAmount(kept)}`, todo: REPORT }]
}

/** Entries without a circuit: a channel has one sale, so its fee is the channel's first row of that amount. */
function compareByChannel(entries: readonly BookedFact[], rows: readonly Forward[]): readonly Difference[] {
  const left = [...rows]
  const found: Difference[] = []
  for (const { sale, chanId, earned } of entries) {
    const index = left.findIndex(
      ({ outgoingChannel, amountIn, amountOut }) => outgoingChannel === chanId && amountIn - amountOut === earned,
    )
    if (index >= 0) left.splice(index, 1)
    else if (earned > 0n) found.push(withoutRow(`sale ${sale}`, `booked ${describeAmount(earned)}`))
  }
  for (const { circuit, outgoingChannel, amountIn, amountOut } of left) {
    found.push({
      kind: 'row-not-booked',
      thing: `channel ${outgoingChannel}, circuit ${circuit ?? 'not told'}`,
      ours: 'not in the journal',
      theirs: `kept ${describeAmount(amountIn - amountOut)}`,
      todo: 'nothing if you raised the fees of this channel: an ordinary forward; else restart sluiced, it looks for fees',
    })
  }
  return found
}

function withoutRow(thing: string, ours: string): Difference {
  const theirs = 'no such row in the forwarding history'
  const todo = 'nothing within 15 s of the payment; later: lnd died before it wrote the row, the channel was asked'
  return { kind: 'entry-without-row', thing, ours, theirs, todo }
}

/** lnd loses up to 15 s of its history when it dies; the channels' own counts show it. */
function compareSent({ rows, sent }: LndFacts): readonly Difference[] {
  const told = new Map<bigint, bigint>()
  for (const { outgoingChannel, amountOut } of rows) {
    told.set(outgoingChannel, (told.get(outgoingChannel) ?? 0n) + amountOut)
  }
  return [...sent].flatMap(([chanId, total]): readonly Difference[] => {
    const missing = total - (told.get(chanId) ?? 0n)
    if (missing < MSAT_PER_SAT) return []
    return [
      {
        kind: 'sent-without-row',
        thing: `channel ${chanId}`,
        ours: `the history tells of ${describeAmount(told.get(chanId) ?? 0n)}`,
        theirs: `the channel sent ${describeAmount(total)}`,
        todo: 'nothing within 15 s of a payment; later: lnd died before it wrote these rows',
      },
    ]
  })
}

function compareTotals({ booked }: StoreFacts, rows: readonly Forward[]): readonly Difference[] {
  const ours = booked.reduce((sum, { earned }) => sum + earned, 0n)
  const theirs = rows.reduce((sum, { amountIn, amountOut }) => sum + amountIn - amountOut, 0n)
  if (ours === theirs) return []
  return [
    {
      kind: 'total-differs',
      thing: 'opening fees in all',
      ours: `booked ${describeAmount(ours)}`,
      theirs: `kept ${describeAmount(theirs)}`,
      todo: 'the differences above explain it',
    },
  ]
}

const REPORT = 'this should not be: please report it with `sluice jit show` of the sale'
