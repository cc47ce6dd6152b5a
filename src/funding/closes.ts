import { SidecarError } from '../kernel/errors.ts'
import type { CloseRequest, LndPort, Outpoint } from '../lnd/port.ts'

export type ClosesDeps = {
  readonly lnd: Pick<LndPort, 'closeChannel' | 'abandonChannel'>
  /** Why a channel must stay: its lifetime was promised to whoever paid for it. Undefined: it may be closed. */
  readonly keeps?: ((outpoint: Outpoint) => string | undefined) | undefined
}

/**
 * The one way by which a channel of ours is closed or given up, and nothing goes through it while the channel is promised
 * (L1-94, L2-06, L7-06). A channel whose fee was never earned has no promise yet. Whoever is about to close asks first.
 */
export class Closes {
  readonly #deps: ClosesDeps

  constructor(deps: ClosesDeps) {
    this.#deps = deps
  }

  /** Why the channel must stay; undefined when it may be closed. */
  keeps(outpoint: Outpoint): string | undefined {
    return this.#deps.keeps?.(outpoint)
  }

  /** @throws SidecarError `PROMISED` when the channel must stay */
  async close(request: CloseRequest, signal: AbortSignal): Promise<void> {
    this.#guard(request.outpoint)
    await this.#deps.lnd.closeChannel(request, signal)
  }

  /** @throws SidecarError `PROMISED` when the channel must stay */
  async abandon(outpoint: Outpoint, signal: AbortSignal): Promise<void> {
    this.#guard(outpoint)
    await this.#deps.lnd.abandonChannel(outpoint, signal)
  }

  #guard(outpoint: Outpoint): void {
    const promised = this.keeps(outpoint)
    if (promised !== undefined) throw new SidecarError({ code: 'PROMISED', outpoint, promised })
  }
}
