import type { Outpoint } from '../lnd/port.ts'
import { refuse } from './failures.ts'
import { outpointOf, type ParsedTx, readTx } from './psbt.ts'

export type ChainTx = ParsedTx & { readonly raw: string; height: number | undefined }

/** Blocks and a mempool without fees: what is published gets into the next block, unless a test holds it back. */
export class Chain {
  height: number
  readonly #txs = new Map<string, ChainTx>()
  readonly #spentBy = new Map<Outpoint, ChainTx>()
  readonly #coinbase = new Set<Outpoint>()
  readonly #mempool = new Set<ChainTx>()
  readonly #watchers = new Set<(height: number, confirmed: readonly ChainTx[]) => void>()
  readonly #mempoolWatchers = new Set<(tx: ChainTx) => void>()
  readonly #undoWatchers = new Set<(undone: ChainTx, known: boolean) => void>()
  /** The mempool lets a later transaction take the place of one that it has, as Bitcoin Core does for a higher fee. */
  takesReplacements = false
  /** Pay too little: in no block before another transaction spends from them. */
  readonly stuck = new Set<string>()

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

  /** A transaction left its block for the mempool (`known`), or is known to nobody any more. */
  onUndone(watcher: (undone: ChainTx, known: boolean) => void): void {
    this.#undoWatchers.add(watcher)
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
      if (rival !== undefined && this.takesReplacements) this.#forget(rival)
      else if (rival !== undefined) refuse('insufficient fee')
    }
    const tx: ChainTx = { ...read, raw, height: undefined }
    this.#txs.set(tx.txid, tx)
    this.#mempool.add(tx)
    for (const outpoint of tx.inputs) this.#spentBy.set(outpoint, tx)
    for (const watcher of this.#mempoolWatchers) watcher(tx)
    return tx
  }

  /** As `publish`, but what stands against it in the mempool gives way: a replacement, or a miner's choice. */
  replace(raw: string): ChainTx {
    for (const outpoint of readTx(raw).inputs) {
      const rival = this.#spentBy.get(outpoint)
      if (rival !== undefined && rival.height === undefined && rival.raw !== raw) this.#forget(rival)
    }
    return this.publish(raw)
  }

  /** One block with everything that is in the mempool and not stuck. */
  mine(): void {
    this.height += 1
    const confirmed = [...this.#mempool].filter((tx) => this.#isMined(tx))
    for (const tx of confirmed) {
      this.#mempool.delete(tx)
      tx.height = this.height
    }
    for (const watcher of this.#watchers) watcher(this.height, confirmed)
  }

  /**
   * The last blocks are replaced by as many empty ones and one more. What was in them is back in the mempool, or, with
   * `forget`, known to nobody.
   */
  reorganise(depth: number, what: 'keep' | 'forget'): void {
    const undone = [...this.#txs.values()].filter(({ height }) => height !== undefined && height > this.height - depth)
    this.height -= depth
    for (const tx of undone.reverse()) {
      tx.height = undefined
      if (what === 'forget') this.#forget(tx)
      else {
        this.#mempool.add(tx)
        for (const watcher of this.#undoWatchers) watcher(tx, true)
      }
    }
    for (let block = 0; block <= depth; block += 1) {
      this.height += 1
      for (const watcher of this.#watchers) watcher(this.height, [])
    }
  }

  /** With all that spends from it. */
  #forget(tx: ChainTx): void {
    for (const outpoint of this.outpoints(tx)) {
      const child = this.#spentBy.get(outpoint)
      if (child !== undefined) this.#forget(child)
    }
    this.#txs.delete(tx.txid)
    this.#mempool.delete(tx)
    for (const outpoint of tx.inputs) this.#spentBy.delete(outpoint)
    for (const watcher of this.#undoWatchers) watcher(tx, false)
  }

  #isMined(tx: ChainTx): boolean {
    return !this.stuck.has(tx.txid) || this.outpoints(tx).some((outpoint) => this.#spentBy.has(outpoint))
  }

  outpoints(tx: ParsedTx): readonly Outpoint[] {
    return tx.outputs.map((_, index) => outpointOf(tx.txid, index))
  }
}
