import type { Clock } from '../../lsps/base/clock.ts'
import type { Entropy } from '../kernel/entropy.ts'
import { withDeadline } from '../kernel/wait.ts'

const ID_BYTES = 32

export type BatcherDeps<Channel> = {
  readonly clock: Clock
  readonly entropy: Entropy
  /** Has them on disk when it resolves; each member is told of by itself. */
  readonly openBatch: (id: string, channels: readonly Channel[]) => Promise<void>
}

export type BatcherConfig = {
  /** How long the first of a batch waits for others; 0: nothing is batched. */
  readonly waitMs: number
  /** With so many it waits no longer. */
  readonly most: number
}

type Gathering<Channel> = {
  readonly channels: Channel[]
  /** Resolved when all of them are on disk. */
  readonly placed: Promise<void>
  readonly close: () => void
}

/**
 * Gathers channels that may share one funding transaction (L1-96). Nothing of it is stored: what waits is an effect in
 * the outbox of its order, and a restart gathers anew.
 */
export class Batcher<Channel> {
  readonly #deps: BatcherDeps<Channel>
  readonly #config: BatcherConfig
  #gathering: Gathering<Channel> | undefined

  constructor(deps: BatcherDeps<Channel>, config: BatcherConfig) {
    this.#deps = deps
    this.#config = config
  }

  get isOn(): boolean {
    return this.#config.waitMs > 0
  }

  /** Resolved when the channel is on disk, alone or with others. */
  open(channel: Channel, signal: AbortSignal): Promise<void> {
    const gathering = this.#gathering ?? this.#begin(signal)
    gathering.channels.push(channel)
    if (gathering.channels.length >= this.#config.most) gathering.close()
    return gathering.placed
  }

  #begin(signal: AbortSignal): Gathering<Channel> {
    const { clock, entropy, openBatch } = this.#deps
    const channels: Channel[] = []
    let close: () => void = () => undefined
    const full = new Promise<void>((resolve) => {
      close = resolve
    })
    const waited = withDeadline({ promise: full, ms: this.#config.waitMs, what: 'others to join', clock, signal })
    const placed = waited
      .catch(() => signal.throwIfAborted()) // enough waited
      .then(() => {
        if (this.#gathering?.channels === channels) this.#gathering = undefined
        return openBatch(Buffer.from(entropy(ID_BYTES)).toString('hex'), channels)
      })
    placed.catch(() => undefined)
    this.#gathering = { channels, placed, close: () => this.#close(channels, close) }
    return this.#gathering
  }

  #close(channels: readonly Channel[], close: () => void): void {
    if (this.#gathering?.channels === channels) this.#gathering = undefined
    close()
  }
}
