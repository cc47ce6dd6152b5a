import { writeFileSync } from 'node:fs'
import type { FactStep, OrderFacts } from './order-facts.ts'

/** What `--json FILE` writes. Amounts are decimal strings, as everywhere in sluice; times are milliseconds. */
export type Facts = OrderFacts & {
  readonly simulated: boolean
  /** All books agree to the millisatoshi. */
  readonly agreed: boolean
  readonly differences: readonly string[]
  readonly lnd_version: string
  readonly sluice_version: string
  readonly wallet_software: string
  /** The wallet's node id. */
  readonly client: string
  readonly scid: string
  readonly payment_hash: string
  readonly payment_msat: string
  /** The opening fee that was agreed. */
  readonly fee_msat: string
  /** What the wallet owned after the first payment, and not before. */
  readonly received_msat: string
  /** By lnd's forwarding history, over both payments that came in. */
  readonly earned_by_lnd_msat: string
  /** By sluiced's journal, of sales. */
  readonly earned_by_journal_msat: string
  readonly funding_txid: string
  readonly capacity_sat: string
  /** From sending the payment to the payer's receipt. */
  readonly sale_ms: number
  readonly second_payment_msat: string
  readonly second_received_msat: string
  readonly second_fee_msat: string
  readonly second_ms: number
  /** After both payments. */
  readonly wallet_owns_msat: string
  /** Milliseconds since the payment was sent. */
  readonly steps: readonly FactStep[]
  readonly wallet_owns_at_the_end_msat: string
  /** What stayed with the operator in all, the order and the extension too: as agreed, and by each of three books. */
  readonly all_earned_as_agreed_msat: string
  readonly all_earned_by_wallet_msat: string
  readonly all_earned_by_lnd_msat: string
  readonly all_earned_by_journal_msat: string
  /** The wallet's channels at the end, by both sides. */
  readonly channels: readonly {
    readonly outpoint: string
    readonly funded_by: 'sale' | 'order'
    readonly capacity_sat: string
    readonly wallet_msat: string
    readonly wallet_by_lnd_sat: string
  }[]
}

export function writeFacts(file: string, facts: Facts): void {
  writeFileSync(file, `${JSON.stringify(facts, undefined, 2)}\n`)
}
