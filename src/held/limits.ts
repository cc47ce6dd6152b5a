import type { Msat } from '../../lsps/base/amount.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'

/** What may be held at once, in all and for one client. Values in msat. */
export type HeldLimits = {
  readonly htlcs: number
  readonly htlcsPerClient: number
  readonly value: Msat
  readonly valuePerClient: Msat
}

/** An HTLC that is held: for whom, and what its payer's channel has locked for it. */
export type Exposure = { readonly client: NodeId | undefined; readonly amount: Msat }

/** Whether more would be held than the operator wants, with one HTLC more. */
export function isTooMuch(one: Exposure, held: Iterable<Exposure>, limits: HeldLimits): boolean {
  let [htlcs, ofClient] = [1, 1]
  let [value, valueOfClient]: [bigint, bigint] = [one.amount, one.amount]
  for (const { client, amount } of held) {
    htlcs += 1
    value += amount
    if (client !== one.client) continue
    ofClient += 1
    valueOfClient += amount
  }
  return (
    htlcs > limits.htlcs ||
    ofClient > limits.htlcsPerClient ||
    value > limits.value ||
    valueOfClient > limits.valuePerClient
  )
}
