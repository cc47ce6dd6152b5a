import type { Outpoint } from '../lnd/port.ts'
import { refuse } from './failures.ts'
import { outpointOf, type ParsedTx, readTx } from './psbt.ts'

export type ChainTx = ParsedTx & { readonly raw: string; height: number | undefined }

/** Blocks and a mempool without mining, reorganisations or fees: what is published next gets into the next block. */
export class Chain {
  height: number
  readonly #txs = new Map<string, ChainTx>()
  readonly #spentBy = new Map<Outpoint, ChainTx>()
  readonly #coinbase = new Set<Outpoint>()
  readonly #mempool = new Set<ChainTx>()
  readonly #watchers = new Set<(height: number, confirmed: readonly ChainTx[]) => void>()
  readonly #mempoolWatchers = new Set<(tx: ChainTx) => void>()

  constructor(height: number) {
    this.height = height
  }

  /** An output that exists without a transaction of ours: the coins that the world starts with. */
  grant(outpoint: Outpoint): void {
    this.#coinbase.add(outpoint)
  }

  onBlock(watcher: (height: number, confirmed: readonly ChainTx[]) => void): void {
    this.#watchers.add(watcher)
  }

  onTransaction(watcher: (tx: ChainTx) => void): void {
    this.#mempoolWatchers.add(watcher)
  }

  get mempool(): readonly ChainTx[] {
    return [...this.#mempool]
  }

  transactions(): Iterable<ChainTx> {
    return this.#txs.values()
  }

  transaction(txid: string): ChainTx | undefined {
    return this.#txs.get(txid)
  }

  /** 0 in the mempool; undefined when the transaction was never accepted. */
  confirmations(txid: string): number | undefined {
    const tx = this.#txs.get(txid)
    if (tx === undefined) return undefined
    return tx.height === undefined ? 0 : this.height - tx.height + 1
  }

  spender(outpoint: Outpoint): ChainTx | undefined {
    return this.#spentBy.get(outpoint)
  }

  exists(outpoint: Outpoint): boolean {
    const [txid = '', index] = outpoint.split(':')
    return this.#coinbase.has(outpoint) || (this.#txs.get(txid)?.outputs.length ?? 0) > Number(index)
  }

  /** Accepts a transaction into the mempool; again is fine. Refuses with the words that lnd over btcd uses. */
  publish(raw: string): ChainTx {
    const read = readTx(raw)
    const known = this.#txs.get(read.txid)
    if (known !== undefined) return known
    for (const outpoint of read.inputs) {
      const rival = this.#spentBy.get(outpoint)
      // btcd says the same of an input that does not exist (an orphan) as of one that is spent.
      if (!this.exists(outpoint) || rival?.height !== undefined) refuse('transaction rejected: output already spent')
      if (rival !== undefined) refuse('insufficient fee')
    }
    const tx: ChainTx = { ...read, raw, height: undefined }
    this.#txs.set(tx.txid, tx)
    this.#mempool.add(tx)
    for (const outpoint of tx.inputs) this.#spentBy.set(outpoint, tx)
    for (const watcher of this.#mempoolWatchers) watcher(tx)
    return tx
  }

  /** One block with everything that is in the mempool. */
  mine(): void {
    this.height += 1
    const confirmed = [...this.#mempool]
    this.#mempool.clear()
    for (const tx of confirmed) tx.height = this.height
    for (const watcher of this.#watchers) watcher(this.height, confirmed)
  }

  outpoints(tx: ParsedTx): readonly Outpoint[] {
    return tx.outputs.map((_, index) => outpointOf(tx.txid, index))
  }
}
