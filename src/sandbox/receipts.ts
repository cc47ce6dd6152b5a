import type { Sat } from '../../lsps/base/amount.ts'
import type { LabelledTransaction, Outpoint, Receipt } from '../lnd/port.ts'
import type { Chain, ChainTx } from './chain.ts'
import { Refusal } from './failures.ts'
import { addressOf, outpointOf } from './psbt.ts'
import type { WalletCoins } from './wallet-coins.ts'

type Row = {
  readonly outpoint: Outpoint
  readonly address: string
  readonly amount: bigint
  readonly tx: ChainTx
  /** Undefined while the wallet knows no block with it. */
  height: number | undefined
}

export type ReceiptsDeps = {
  readonly chain: Chain
  readonly coins: WalletCoins
  readonly isUp: () => boolean
  readonly emit: (txid: string) => void
  /** How much later than told a transaction is listed, in ms. */
  readonly listed: number
  /** Not if the node goes before. */
  readonly later: (ms: number, run: () => void) => void
}

/**
 * The wallet's own record of transactions that concern it, as btcwallet keeps it: what was in no block stays until a
 * conflicting transaction that concerns the wallet is in one, or the node starts again and nobody takes it any more.
 */
export class Receipts {
  readonly #deps: ReceiptsDeps
  readonly #rows = new Map<Outpoint, Row>()
  readonly #labels = new Map<string, string>()

  /** After the wallet's coins began to watch the chain: they know first what is the wallet's. */
  constructor(deps: ReceiptsDeps) {
    this.#deps = deps
    deps.chain.onTransaction((tx) => {
      if (deps.isUp()) this.#record(tx)
    })
    deps.chain.onBlock((_, confirmed) => {
      if (deps.isUp()) for (const tx of confirmed) this.#record(tx)
    })
    deps.chain.onUndone((tx) => {
      for (const row of this.#of(tx.txid)) row.height = undefined
    })
  }

  list({ sinceHeight, wanted }: { readonly sinceHeight: number; readonly wanted: (address: string) => boolean }) {
    const { chain } = this.#deps
    return [...this.#rows.values()]
      .filter(({ address, height }) => wanted(address) && (height === undefined || height >= sinceHeight))
      .map(
        ({ outpoint, address, amount, tx, height }): Receipt => ({
          outpoint,
          address,
          amount: amount as Sat,
          confirmations: height === undefined ? 0 : chain.height - height + 1,
          rawTx: tx.raw,
        }),
      )
  }

  /** 0 also of what only the wallet still knows. */
  confirmations(txid: string): number | undefined {
    const { chain } = this.#deps
    const depth = chain.confirmations(txid)
    return depth === undefined && this.#of(txid).length > 0 ? 0 : depth
  }

  raw(txid: string): string | undefined {
    return this.#deps.chain.transaction(txid)?.raw ?? this.#of(txid)[0]?.tx.raw
  }

  /** lnd keeps a label with its transaction. */
  label(txid: string, label: string): void {
    this.#labels.set(txid, label)
  }

  labelled(label: string): readonly LabelledTransaction[] {
    return [...this.#labels].flatMap(([txid, its]) => {
      const raw = its === label ? this.raw(txid) : undefined
      const confirmations = this.confirmations(txid)
      return raw === undefined || confirmations === undefined ? [] : [{ txid, raw, confirmations }]
    })
  }

  /** The node starts: it offers the chain what is in no block, and reads the blocks that it missed. */
  load(): void {
    const { chain } = this.#deps
    for (const { tx, height } of [...this.#rows.values()]) {
      if (height === undefined && !this.#isTaken(tx)) this.#forget(tx.txid)
    }
    for (const tx of chain.transactions()) if (tx.height !== undefined) this.#record(tx)
  }

  #isTaken(tx: ChainTx): boolean {
    try {
      this.#deps.chain.publish(tx.raw)
      return true
    } catch (error) {
      if (error instanceof Refusal) return false
      throw error
    }
  }

  /** btcwallet tells of a transaction before the change of its database that lists it is committed. */
  #record(tx: ChainTx): void {
    const { coins, emit, later, listed } = this.#deps
    const ours = tx.outputs.flatMap((output, index) => (coins.owns(output.script) ? [{ ...output, index }] : []))
    if (ours.length === 0 && !tx.inputs.some((outpoint) => coins.had(outpoint))) return
    const list = () => {
      for (const { script, value, index } of ours) {
        const outpoint = outpointOf(tx.txid, index)
        this.#rows.set(outpoint, { outpoint, address: addressOf(script), amount: value, tx, height: tx.height })
      }
      if (tx.height !== undefined) this.#dropRivals(tx)
    }
    if (listed === 0) list()
    else later(listed, list)
    emit(tx.txid)
  }

  #dropRivals(tx: ChainTx): void {
    for (const { tx: other, height } of [...this.#rows.values()]) {
      const rivals = other.txid !== tx.txid && other.inputs.some((outpoint) => tx.inputs.includes(outpoint))
      if (rivals && height === undefined) this.#forget(other.txid)
    }
  }

  #forget(txid: string): void {
    for (const { outpoint } of this.#of(txid)) {
      this.#rows.delete(outpoint)
      this.#deps.coins.forget(outpoint)
    }
  }

  #of(txid: string): readonly Row[] {
    return [...this.#rows.values()].filter(({ tx }) => tx.txid === txid)
  }
}
