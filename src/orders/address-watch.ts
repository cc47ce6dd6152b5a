import type { Sat } from '../../lsps/base/amount.ts'
import type { Clock } from '../../lsps/base/clock.ts'
import type { Log } from '../kernel/log.ts'
import { Bell } from '../kernel/wait.ts'
import type { LndPort, Receipt as LndReceipt } from '../lnd/port.ts'
import { MAX_DEPOSITS, type Receipt } from './onchain.ts'

/** Between looks when nothing is told of: a payment in the mempool is a hint that may get lost. */
export const LOOK_MS = 60_000
/**
 * After a hint: lnd tells of a transaction before its wallet has committed it, so that the first look may come too early
 * (btcwallet 0.16.19).
 */
export const LOOK_AGAIN_MS = 1_000
/** After a look that failed. */
export const RETRY_MS = 5_000
/** A reorganisation may move what was seen by so many blocks. */
export const REORG_MARGIN = 12
/** Addresses of the wallet that are no order's and are not asked about again; forgotten all at once when there are more. */
export const MAX_FOREIGN = 20_000
/** Orders whose address got too many outputs and that were told of in the log; forgotten all at once when there are more. */
export const MAX_CROWDED = 1_000

/** What can be read from a transaction itself. */
export type ReadTransaction = (raw: string) => {
  readonly inputs: readonly string[]
  /** It says that it may be replaced (BIP 125). */
  readonly signalsReplacement: boolean
}

export type AddressWatchDeps = {
  readonly lnd: Pick<LndPort, 'receipts'>
  readonly clock: Clock
  readonly log: Log
  readonly readTransaction: ReadTransaction
  /** The order that an address was made for, also one that has ended. */
  readonly orderAt: (address: string) => Promise<string | undefined>
  /** From which block on to look. */
  readonly since: () => number
  /** Everything that stands at the addresses of orders now; looked at from these heights on. */
  readonly onLooked: (found: Looked) => Promise<void>
}

export type Looked = { readonly since: number; readonly byOrder: ReadonlyMap<string, readonly Receipt[]> }

/** Looks at what comes to the addresses of orders: at every block, at every hint, and from time to time. */
export class AddressWatch {
  readonly #deps: AddressWatchDeps
  readonly #bell = new Bell()
  readonly #foreign = new Set<string>()
  readonly #crowded = new Set<string>()
  #isHinted = false

  constructor(deps: AddressWatchDeps) {
    this.#deps = deps
  }

  /** Something may have come, or comes in a moment: look now and a little later. */
  ask(): void {
    this.#isHinted = true
    this.#bell.ring()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps
    while (!signal.aborted) {
      const pauseMs = this.#isHinted ? LOOK_AGAIN_MS : LOOK_MS
      this.#isHinted = false
      const waited = this.#bell.next(pauseMs, clock, signal) // before the look: nothing is missed between
      waited.catch(() => undefined)
      try {
        await this.look(signal)
        await waited.catch(() => undefined)
      } catch (error) {
        if (!signal.aborted) log.warn({ err: error }, 'addresses of orders not looked at, will be tried again')
        await this.#bell.next(RETRY_MS, clock, signal).catch(() => undefined)
      }
    }
  }

  async look(signal: AbortSignal): Promise<void> {
    const { lnd, onLooked, since: from } = this.#deps
    const since = Math.max(0, from() - REORG_MARGIN)
    // Also what is no order's: it may spend the coins of what seems to pay for one.
    const found = await lnd.receipts({ sinceHeight: since, wanted: () => true }, signal)
    const byOrder = new Map<string, LndReceipt[]>()
    for (const receipt of found) {
      const order = await this.#orderAt(receipt.address)
      if (order === undefined) continue
      const all = byOrder.get(order)
      if (all === undefined) byOrder.set(order, [receipt])
      else all.push(receipt)
    }
    for (const [order, all] of byOrder) if (all.length > MAX_DEPOSITS) this.#tellCrowded(order, all.length)
    const contested = this.#contested(found.filter(({ confirmations }) => confirmations === 0))
    const read = (receipt: LndReceipt) => this.#read(receipt, contested)
    await onLooked({ since, byOrder: new Map([...byOrder].map(([order, all]) => [order, all.map(read)])) })
  }

  async #orderAt(address: string): Promise<string | undefined> {
    if (this.#foreign.has(address)) return undefined
    const order = await this.#deps.orderAt(address)
    if (order !== undefined) return order
    if (this.#foreign.size >= MAX_FOREIGN) this.#foreign.clear()
    this.#foreign.add(address)
    return undefined
  }

  /** What an order does not know of is sent back by nobody: a person has to. Once for each run of the daemon. */
  #tellCrowded(order: string, outputs: number): void {
    if (this.#crowded.has(order)) return
    if (this.#crowded.size >= MAX_CROWDED) this.#crowded.clear()
    this.#crowded.add(order)
    const fields = { order, outputs, known: MAX_DEPOSITS }
    this.#deps.log.error(fields, 'the address of an order got more outputs than are dealt with: send the others back')
  }

  /** Coins that more than one unconfirmed transaction to us spends: one of these will never be. */
  #contested(unconfirmed: readonly LndReceipt[]): ReadonlySet<string> {
    const spent = new Map<string, string>()
    const contested = new Set<string>()
    for (const { rawTx, outpoint } of unconfirmed) {
      const [txid = ''] = outpoint.split(':')
      for (const input of this.#deps.readTransaction(rawTx).inputs) {
        if ((spent.get(input) ?? txid) !== txid) contested.add(input)
        spent.set(input, txid)
      }
    }
    return contested
  }

  #read({ outpoint, amount, confirmations, rawTx }: LndReceipt, contested: ReadonlySet<string>): Receipt {
    const base: { outpoint: string; amount: Sat; confirmations: number } = { outpoint, amount, confirmations }
    if (confirmations > 0) return { ...base, replaceable: false }
    const { inputs, signalsReplacement } = this.#deps.readTransaction(rawTx)
    return { ...base, replaceable: signalsReplacement || inputs.some((input) => contested.has(input)) }
  }
}
