import { EarlyOutcomes } from '../kernel/early-outcomes.ts'
import { type EffectDeps, type OpenChannel, orderChannel } from './effects.ts'
import type { JitEffect, JitEvent, Sale } from './states.ts'

type Outcome = JitEvent | undefined

/**
 * A held payment waits for its channel: the order is written beside the commit that decides it, never before it, and so
 * one synced write earlier than its effect would. The effect then takes the outcome; after a crash, or when this failed,
 * it orders by itself.
 */
export class EarlyOrders {
  readonly #deps: Pick<EffectDeps, 'openChannel' | 'capacity' | 'clock'>
  /** By pending_chan_id. */
  readonly #begun = new EarlyOutcomes<Outcome>()

  constructor(deps: Pick<EffectDeps, 'openChannel' | 'capacity' | 'clock'>) {
    this.#deps = deps
  }

  /** To be called while the commit of the sale and its effects is on its way. */
  begin({ deal }: Sale, effects: readonly JitEffect[]): void {
    for (const effect of effects) {
      if (effect.type !== 'open-channel') continue
      this.#begun.begin(effect.pendingChannelId, orderChannel(this.#deps, deal, effect, true))
    }
  }

  /** What came of it, once. */
  take({ pendingChannelId }: OpenChannel): Promise<Outcome> | undefined {
    return this.#begun.take(pendingChannelId)
  }
}
