import type { Btcd } from '../btcd.ts'

const POLL_MS = 250

export type Block = { readonly height: number; readonly hash: string; readonly bytes: Uint8Array }

/** Tells all wallets of a process about btcd's blocks with one poll. */
export class ChainFollower {
  static readonly #followers = new WeakMap<Btcd, ChainFollower>()
  readonly #btcd: Btcd
  readonly #listeners = new Set<(tip: number) => void>()
  readonly #blocks = new Map<number, Promise<Block>>()
  #timer: NodeJS.Timeout | undefined

  private constructor(btcd: Btcd) {
    this.#btcd = btcd
  }

  static for(btcd: Btcd): ChainFollower {
    const known = ChainFollower.#followers.get(btcd)
    if (known !== undefined) return known
    const follower = new ChainFollower(btcd)
    ChainFollower.#followers.set(btcd, follower)
    return follower
  }

  /** Calls back with the height of the best block, again and again; returns how to stop that. */
  subscribe(listener: (tip: number) => void): () => void {
    this.#listeners.add(listener)
    this.#timer ??= setInterval(() => void this.poll(), POLL_MS)
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  async poll(): Promise<void> {
    const tip = await this.#btcd.height().catch(() => undefined)
    if (tip === undefined) return
    for (const listener of this.#listeners) listener(tip)
  }

  tip(): Promise<number> {
    return this.#btcd.height()
  }

  block(height: number): Promise<Block> {
    const known = this.#blocks.get(height)
    if (known !== undefined) return known
    const asked = this.#fetch(height)
    this.#blocks.set(height, asked)
    asked.catch(() => this.#blocks.delete(height))
    return asked
  }

  async #fetch(height: number): Promise<Block> {
    const hash = await this.#btcd.call<string>('getblockhash', height)
    const raw = await this.#btcd.call<string>('getblock', hash, 0)
    return { height, hash, bytes: Uint8Array.from(Buffer.from(raw, 'hex')) }
  }

  async broadcast(raw: Uint8Array): Promise<void> {
    await this.#btcd.call('sendrawtransaction', Buffer.from(raw).toString('hex'), true)
  }
}
