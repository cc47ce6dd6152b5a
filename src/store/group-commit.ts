import { SidecarError } from '../kernel/errors.ts'
import type { Write } from './port.ts'

/** Commits that may wait for the disk at once; more means that callers ignore their own limits. */
export const MAX_WAITING_COMMITS = 100_000
/** Writes that go to disk in one batch. */
export const MAX_GROUP_WRITES = 10_000

type Waiting = {
  readonly writes: readonly Write[]
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

/**
 * Gathers the commits that arrive while the disk is busy into one synced batch. After one failed batch nothing is
 * written any more: what is in memory may then be ahead of the disk, and the process has to stop.
 */
export class GroupCommit {
  readonly #write: (batch: readonly Write[]) => Promise<void>
  #waiting: Waiting[] = []
  #flushing: Promise<void> | undefined
  #failure: SidecarError | undefined

  constructor(write: (batch: readonly Write[]) => Promise<void>) {
    this.#write = write
  }

  commit(writes: readonly Write[]): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#waiting.length >= MAX_WAITING_COMMITS) {
      const limit = { code: 'LIMIT_REACHED', limit: 'MAX_WAITING_COMMITS', value: MAX_WAITING_COMMITS } as const
      return Promise.reject(new SidecarError(limit))
    }
    return new Promise<void>((done, failed) => {
      this.#waiting.push({ writes, done, failed })
      this.#flushing ??= this.#flush()
    })
  }

  /** Resolves when nothing waits for the disk any more. */
  async drained(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing
  }

  async #flush(): Promise<void> {
    await Promise.resolve() // commits of the same tick share the batch
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup()
      try {
        await this.#write(group.flatMap(({ writes }) => writes))
        for (const { done } of group) done()
      } catch (cause) {
        this.#failure = new SidecarError({ code: 'STORE_FAILED', detail: String(cause) }, cause)
        for (const { failed } of [...group, ...this.#waiting.splice(0)]) failed(this.#failure)
      }
    }
    this.#flushing = undefined
  }

  #takeGroup(): Waiting[] {
    let writes = 0
    let count = 0
    for (const waiting of this.#waiting) {
      writes += waiting.writes.length
      if (count > 0 && writes > MAX_GROUP_WRITES) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }
}
