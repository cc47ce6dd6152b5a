import type { HtlcEvent, HtlcOffer, Interceptor, LndPort } from '../../src/lnd/port.ts'
import type { Store } from '../../src/store/port.ts'
import { coreWaitMs } from './machine.ts'

/** A time during which the sale waited for lnd. */
export type Wait = { readonly what: string; readonly from: number; readonly to: number }

/** One sale: from the offer of its HTLC to the synced write that says it is paid. */
export type SaleTrace = {
  readonly scid: string
  /** When the HTLC was offered, by the system's clock; the other times are this process's own. */
  readonly heldAt: number
  readonly held: number
  /** The answer was given. */
  readonly answered: number
  /** lnd said that the payment is settled. */
  readonly settled: number
  readonly paid: number
  readonly waits: readonly Wait[]
  /** Of all this, how long the sidecar's main thread wanted a core and got none. */
  readonly crowdedMs: number
}

type Open = { coreWait: number; held: number; answered: number; settled: number; waits: Wait[]; circuit: string }

/**
 * Watches one sale at a time from between the sidecar and lnd. What counts as waiting for lnd is only what the sale
 * cannot go on without: signing and publishing run beside it and count as nothing, though they take time too.
 */
export class SaleWatch {
  #sale: Open | undefined
  #waitsForEvent: number | undefined
  #lastEvent = 0
  #bound = false
  #onPaid: ((trace: SaleTrace) => void) | undefined

  /** The next sale that is paid. */
  next(): Promise<SaleTrace> {
    return new Promise((resolve) => {
      this.#onPaid = resolve
    })
  }

  port(lnd: LndPort): LndPort {
    return {
      ...lnd,
      openChannel: (request, signal) => {
        const from = performance.now()
        const attempt = lnd.openChannel(request, signal)
        attempt.template.then(
          () => this.#wait('openChannel', from),
          () => undefined,
        )
        attempt.pending.then(
          () => this.#wait('funding_signed', this.#verifying),
          () => undefined,
        )
        return attempt
      },
      verifyFunding: (request, signal) => {
        this.#verifying = performance.now()
        return this.#timed('verifyFunding', lnd.verifyFunding(request, signal))
      },
      fundPsbt: (request, signal) => this.#timed('fundPsbt', lnd.fundPsbt(request, signal)),
      listChannels: (signal, peer) => this.#look(lnd.listChannels(signal, peer)),
      pendingChannels: (signal) => this.#timed('pendingChannels', lnd.pendingChannels(signal)),
      addAlias: async (request, signal) => {
        this.#bound = true // from here on looks are those of signing
        await this.#timed('addAlias', lnd.addAlias(request, signal), true)
      },
      subscribeChannelEvents: (onEvent, signal) =>
        lnd.subscribeChannelEvents((event) => {
          if (event.type === 'active') this.#onChannelEvent() // what others tell of makes nobody look
          onEvent(event)
        }, signal),
      subscribeHtlcEvents: (onEvent, signal) =>
        lnd.subscribeHtlcEvents((event) => {
          this.#onHtlcEvent(event)
          onEvent(event)
        }, signal),
    }
  }

  /** To be called with each offer of a sale of the sidecar's; returns the stream to hand on. */
  onOffer(offer: HtlcOffer, stream: Interceptor): Interceptor {
    const now = performance.now()
    this.#sale = { coreWait: coreWaitMs(), held: now, answered: 0, settled: 0, waits: [], circuit: offer.circuit }
    this.#waitsForEvent = undefined
    this.#bound = false
    return {
      answer: (circuit, answer) => {
        if (this.#sale?.circuit === circuit) this.#sale.answered = performance.now()
        stream.answer(circuit, answer)
      },
    }
  }

  store(store: Store): Store {
    return {
      ...store,
      commit: async (writes) => {
        await store.commit(writes)
        const paid = writes.find(({ type, table }) => type === 'put' && table === 'jit-done')
        if (paid !== undefined) this.#paid(paid.key)
      },
    }
  }

  #verifying = 0

  async #timed<T>(what: string, call: Promise<T>, always = false): Promise<T> {
    const from = performance.now()
    try {
      return await call
    } finally {
      if (always || !this.#bound) this.#wait(what, from)
    }
  }

  /** A look for the channel: without an active one, the sale waits for lnd to say that it is. */
  async #look<T extends readonly { readonly active: boolean }[]>(call: Promise<T>): Promise<T> {
    const from = performance.now()
    this.#endWaitForEvent(from)
    const channels = await this.#timed('listChannels', call)
    const active = channels.some((channel) => channel.active)
    if (!active && !this.#bound && this.#lastEvent < from) this.#waitsForEvent = performance.now()
    return channels
  }

  #onChannelEvent(): void {
    this.#lastEvent = performance.now()
    this.#endWaitForEvent(this.#lastEvent)
  }

  #endWaitForEvent(now: number): void {
    if (this.#waitsForEvent !== undefined)
      this.#sale?.waits.push({ what: 'channel event', from: this.#waitsForEvent, to: now })
    this.#waitsForEvent = undefined
  }

  #onHtlcEvent({ type, circuit }: HtlcEvent): void {
    if (type !== 'settled' || this.#sale?.circuit !== circuit) return
    this.#sale.settled = performance.now()
    this.#wait('settled', this.#sale.answered)
  }

  #wait(what: string, from: number): void {
    this.#sale?.waits.push({ what, from, to: performance.now() })
  }

  #paid(scid: string): void {
    if (this.#sale === undefined) return
    const { coreWait, held, answered, settled, waits } = this.#sale
    this.#sale = undefined
    const crowdedMs = coreWaitMs() - coreWait
    const heldAt = performance.timeOrigin + held
    this.#onPaid?.({ scid, heldAt, held, answered, settled, paid: performance.now(), waits, crowdedMs })
  }
}

/** The parts of a sale during which it waited for nothing of lnd's: what came before each, and milliseconds. */
export function ownTime({ held, paid, waits }: SaleTrace): readonly { readonly after: string; readonly ms: number }[] {
  const parts: { after: string; ms: number }[] = []
  let covered = held
  let after = 'held'
  for (const { what, from, to } of waits.toSorted((a, b) => a.from - b.from)) {
    if (from > covered) parts.push({ after, ms: from - covered })
    if (to <= covered) continue
    covered = to
    after = what
  }
  if (paid > covered) parts.push({ after, ms: paid - covered })
  return parts
}
