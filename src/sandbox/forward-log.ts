import type { Msat } from '../../lsps/base/amount.ts'
import type { Clock } from '../../lsps/base/clock.ts'
import type { Forward } from '../lnd/port.ts'
import type { OutgoingHtlc } from './htlcs.ts'

/** lnd writes its forwarding log in batches, at ticks that are this far apart. */
export const FLUSH_MS = 15_000
const MAX_ROWS = 2_000_000

/** A settled forward as it really was, whatever became of lnd's row of it. */
export type Settled = {
  readonly hash: string
  readonly circuit: string
  readonly outpoint: string
  readonly amountIn: bigint
  readonly amountOut: bigint
  readonly extraFee: bigint | undefined
}

type Row = { readonly forward: Forward; readonly writtenAt: number }

/** The forwarding history with lnd's delay; what is not written yet dies with the node. */
export class ForwardLog {
  /** The truth, for the audit. */
  readonly settled: Settled[] = []
  #rows: Row[] = []
  readonly #clock: Clock
  #startedAt: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startedAt = clock.now()
  }

  add(htlc: OutgoingHtlc, received: boolean): void {
    const { incoming } = htlc.circuit
    const amountIn = received ? incoming.amount : 0n
    const { hash, extraFee, amount: amountOut } = htlc
    const { outpoint, chanId } = htlc.channel
    if (this.#rows.length >= MAX_ROWS) return
    this.settled.push({ hash, circuit: incoming.key, outpoint, amountIn, amountOut, extraFee })
    const now = this.#clock.now()
    const ticks = Math.floor((now - this.#startedAt) / FLUSH_MS) + 1
    const forward: Forward = {
      circuit: incoming.key,
      incomingChannel: incoming.channel.chanId,
      outgoingChannel: chanId,
      amountIn: incoming.amount as Msat,
      amountOut: amountOut as Msat,
      fee: (incoming.amount - amountOut) as Msat,
      at: now,
    }
    this.#rows.push({ forward, writtenAt: this.#startedAt + ticks * FLUSH_MS })
  }

  /** Rows that are written and not older than `sinceSeconds` (Unix time). */
  list(sinceSeconds: number): readonly Forward[] {
    const now = this.#clock.now()
    const wanted = ({ forward, writtenAt }: Row) => writtenAt <= now && forward.at >= sinceSeconds * 1000
    return this.#rows.filter(wanted).map(({ forward }) => forward)
  }

  nodeKilled(): void {
    const now = this.#clock.now()
    this.#rows = this.#rows.filter(({ writtenAt }) => writtenAt <= now)
  }

  nodeStarted(): void {
    this.#startedAt = this.#clock.now()
  }
}
