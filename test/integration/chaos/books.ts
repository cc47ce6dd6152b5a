import type { World } from '../../../src/sandbox/world.ts'
import type { Simulation } from '../simulation.ts'

const ENDED: readonly (string | undefined)[] = ['paid', 'abandoned', 'unearned']
const MSAT_PER_SAT = 1000n

export type Ending = {
  /** What is wrong, in words; empty when all is well. */
  readonly wrong: readonly string[]
  /** Fees that lnd itself has no record of, since it was killed before it wrote them down, and that we missed too. */
  readonly forgotten: number
  /** Fees taken for paid: the node lost its rows of ordinary forwards to that client, which look the same by their sum. */
  readonly guessed: number
}

/** Everything that must be true when a schedule has come to rest, besides what holds for every simulation. */
export function endingOf(simulation: Simulation, scids: readonly string[]): Ending {
  const { world } = simulation
  // Leftover routing fee of ordinary forwards is lnd's own: only what carried an extra fee is in the journal.
  const found = simulation.violations().filter((violation) => !violation.startsWith('books:'))
  const { wrong, forgotten, guesses } = journalAgainstHistory(simulation)
  const isGuess = (violation: string) => guesses.some((hash) => violation.startsWith(`fee-missing: ${hash}`))
  const unresolved = world.payers.flatMap(({ payments }) =>
    payments.filter(({ outcome }) => outcome === undefined).map(({ circuit }) => `${circuit} was never resolved`),
  )
  const unended = scids
    .map((scid) => ({ scid, state: simulation.state(scid) }))
    .filter(({ state }) => !ENDED.includes(state))
    .map(({ scid, state }) => `sale ${scid} rests as ${state}`)
  const funding = [...(simulation.bytes.get('funding-live')?.values() ?? [])]
    .map((row) => JSON.parse(row).record)
    .map(({ tag, order }) => `funding for ${order.owner} rests as ${tag}`)
  return {
    wrong: [
      ...found.filter((violation) => !isGuess(violation)),
      ...wrong,
      ...conservation(world),
      ...unresolved,
      ...unended,
      ...funding,
    ],
    forgotten,
    guessed: guesses.length,
  }
}

type Books = { readonly wrong: readonly string[]; readonly forgotten: number; readonly guesses: readonly string[] }

/** Each HTLC of which the node kept a fee stands in the journal once and to the millisatoshi, and nothing else does. */
function journalAgainstHistory(simulation: Simulation): Books {
  const { node } = simulation.world
  const { log } = node
  const wrong: string[] = []
  let forgotten = 0
  const journal = simulation.journal()
  const booked = new Map(journal.map(({ circuit, earned }) => [circuit, earned]))
  const rows = new Set(log.list(0).map(({ circuit }) => circuit))
  for (const { circuit, amountIn, amountOut, extraFee } of log.settled) {
    const inBooks = booked.get(circuit)
    booked.delete(circuit)
    const earned = amountIn - amountOut
    // What lnd forgot, when it was killed before it wrote it down, cannot always be found again.
    if (inBooks === undefined && extraFee !== undefined && !rows.has(circuit)) forgotten += 1
    else if (inBooks === undefined ? extraFee !== undefined : inBooks !== earned)
      wrong.push(`books: ${circuit} earned ${earned}, the journal says ${inBooks}`)
  }
  const inJournal = new Set(journal.map(({ circuit }) => circuit))
  const lost = log.settled.filter(({ circuit, extraFee }) => {
    return extraFee === undefined && !rows.has(circuit) && !inJournal.has(circuit)
  })
  const guesses: string[] = []
  for (const { circuit, earned, client, paymentHash } of journal.filter(({ circuit }) => booked.has(circuit))) {
    const isTo = ({ outpoint }: { outpoint: string }) => node.channels.all.get(outpoint)?.peer === client
    if (lost.some(isTo)) guesses.push(paymentHash)
    else wrong.push(`books: ${circuit} never settled, the journal says ${earned}`)
  }
  return { wrong, forgotten, guesses }
}

/** Chain fees apart: what all payers paid is what all wallets got and what the node kept; and so say their channels. */
function conservation({ node, payers, wallets }: World): readonly string[] {
  const wrong: string[] = []
  const must = (what: string, one: bigint, other: bigint) => {
    if (one !== other) wrong.push(`not-conserved: ${what}: ${one} msat, ${other} msat`)
  }
  const sum = (amounts: readonly bigint[]) => amounts.reduce((total, amount) => total + amount, 0n)
  const paid = sum(
    payers.flatMap(({ payments }) =>
      payments.filter(({ outcome }) => outcome?.status === 'settled').map(({ amountIn }) => amountIn),
    ),
  )
  const got = sum(wallets.map((wallet) => wallet.balance()))
  const kept = sum(node.log.settled.map(({ amountIn, amountOut }) => amountIn - amountOut))
  must('what payers paid, and what wallets got and the node kept', paid, got + kept)
  const spent = sum(payers.map(({ channel }) => channel.capacity * MSAT_PER_SAT - channel.remote))
  must('what payers paid, and what left their side of their channels', paid, spent)
  const theirs = new Set(wallets.map(({ nodeId }) => nodeId))
  const held = [...node.channels.all.values()].filter(({ peer }) => theirs.has(peer)).map(({ remote }) => remote)
  must('what wallets got, and what is on their side of their channels', got, sum(held))
  return wrong
}
