import * as z from 'zod'
import { Msat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { NodeId } from '../../lsps/base/node-id.ts'
import type { Store } from '../store/port.ts'
import { Table } from '../store/table.ts'

const At = z.custom<Timestamp>((v) => Number.isSafeInteger(v))

/**
 * An HTLC that waits for a client; on disk as long as it does. The record ends before the HTLC goes on: what has one was
 * certainly never handed on, so it may be failed.
 */
export const Waited = z.object({
  client: NodeId,
  /** What its payer's channel has locked for it. */
  amount: Msat,
  since: At,
  /** Then it is failed, unless the client has come. */
  until: At,
  /** It came so soon after a start that a process before may have handed it on: it is resumed instead of failed. */
  mayHaveGoneOn: z.literal(true).optional(),
  /** It ends at the next look, for a larger one. */
  givesWay: z.literal(true).optional(),
})
export type Waited = z.output<typeof Waited>

/** By circuit. */
export const waitedTable = new Table('wake-waiting', Waited)

/** For a process that lets go on whatever lnd offers: a record would say that it never went on. */
export async function forgetWaiting(store: Store): Promise<void> {
  const circuits = await store.keys(waitedTable.name)
  if (circuits.length > 0) await store.commit(circuits.map((circuit) => waitedTable.del(circuit)))
}
