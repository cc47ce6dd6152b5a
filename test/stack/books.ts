import { join } from 'node:path'
import { type JitFee, Journal, type MoneyEvent } from '../../src/journal/journal.ts'
import { openLevelStore } from '../../src/store/level.ts'
import type { Network } from './network.ts'
import { forwardingHistory } from './payments.ts'
import type { Sluiced } from './sluiced.ts'
import { waitFor } from './wait.ts'

/** lnd writes its forwarding history every 15 s. */
const WRITTEN_MS = 60_000

/** One forwarded HTLC: its incoming circuit, and what stayed with the node. Millisatoshi. */
export type Kept = { readonly circuit: string; readonly kept: bigint }

/** The money journal on disk, oldest first. sluiced must be stopped: one process at a time has the database. */
export async function readMoney(sluiced: Pick<Sluiced, 'folder'>): Promise<readonly MoneyEvent[]> {
  const store = await openLevelStore(join(sluiced.folder, 'data', 'db'))
  try {
    const entries: MoneyEvent[] = []
    for await (const entry of new Journal(store).entries()) entries.push(entry)
    return entries
  } finally {
    await store.close()
  }
}

/** Of the journal what just-in-time sales earned. */
export async function readJournal(sluiced: Sluiced): Promise<readonly JitFee[]> {
  return (await readMoney(sluiced)).filter((entry) => entry.type === 'jit-fee')
}

/** What lnd wrote down of the HTLCs over the channels, in the order of their circuits, once there are `count`. */
export function waitKept(network: Network, chanIds: readonly string[], count: number): Promise<readonly Kept[]> {
  return waitFor(
    async () => {
      const rows = await forwardingHistory(network.lsp)
      const ours = rows.filter(({ chan_id_out }) => chanIds.includes(chan_id_out))
      if (ours.length < count) return undefined
      return inOrder(
        ours.map((row) => ({ circuit: `${row.chan_id_in}:${row.incoming_htlc_id}`, kept: BigInt(row.fee_msat) })),
      )
    },
    { deadline: WRITTEN_MS, pollMs: 250, what: `lnd to write down ${count} forwards` },
  )
}

/** Our journal in the terms of lnd's history. */
export function keptOf(entries: readonly JitFee[]): readonly Kept[] {
  return inOrder(entries.map(({ circuit = '', earned }) => ({ circuit, kept: earned as bigint })))
}

function inOrder(kept: Kept[]): readonly Kept[] {
  return kept.sort((a, b) => a.circuit.localeCompare(b.circuit, 'en', { numeric: true }))
}
