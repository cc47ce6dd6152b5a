import type { ChannelEvent, CustomMessage, HtlcEvent, Invoice, OnEvent, PeerEvent } from '../lnd/port.ts'
import { unavailable } from './failures.ts'
import { Lane } from './lanes.ts'
import { never, type Session, type Stages } from './stages.ts'

/** What each stream carries. */
export type StreamEvents = {
  subscribeHtlcEvents: HtlcEvent
  subscribeChannelEvents: ChannelEvent
  subscribePeerEvents: PeerEvent
  subscribeCustomMessages: CustomMessage
  subscribeBlocks: number
  subscribeInvoice: Invoice
  subscribeTransactions: { readonly txid: string }
}

/** A subscription beside the name of its stream. */
export type Subscribing<T> = {
  readonly onEvent: OnEvent<T>
  readonly signal: AbortSignal
  /** Told before anything else. */
  readonly first?: T | undefined
  /** Events that this subscription is about; all when left out. */
  readonly wanted?: (event: T) => boolean
}

type Subscription = { readonly push: (event: never) => void; readonly end: (reason: unknown) => void }

/** Live fan-out to subscribers: nothing is kept for those who are not there. */
export class Streams {
  readonly #stages: Stages
  readonly #subscriptions: { readonly [K in keyof StreamEvents]: Set<Subscription> } = {
    subscribeHtlcEvents: new Set(),
    subscribeChannelEvents: new Set(),
    subscribePeerEvents: new Set(),
    subscribeCustomMessages: new Set(),
    subscribeBlocks: new Set(),
    subscribeInvoice: new Set(),
    subscribeTransactions: new Set(),
  }

  readonly #dependents = new Set<() => void>()

  constructor(stages: Stages) {
    this.#stages = stages
  }

  /** Resolves when the signal aborts; rejects with LND_UNAVAILABLE when node or client end it, or the handler's error. */
  async subscribe<K extends keyof StreamEvents>(
    name: K,
    session: Session,
    { onEvent, signal, first, wanted = () => true }: Subscribing<StreamEvents[K]>,
  ): Promise<void> {
    if (signal.aborted) return
    if (!session.alive) return await never(signal)
    const subscriptions = this.#subscriptions[name]
    await new Promise<void>((resolve, reject) => {
      const close = () => {
        subscriptions.delete(subscription)
        lane.close()
        session.onEnd.delete(onSessionEnd)
        signal.removeEventListener('abort', onAbort)
      }
      const end = (reason: unknown) => {
        close()
        reject(reason)
      }
      const onAbort = () => {
        close()
        resolve()
      }
      const onSessionEnd = () => end(unavailable(name, 'the client was killed'))
      const lane = new Lane<StreamEvents[K]>({
        name,
        stage: 'answered',
        stages: this.#stages,
        session,
        deliver: onEvent,
        onError: end,
      })
      if (first !== undefined) lane.push(first)
      const push = (event: StreamEvents[K]) => {
        if (wanted(event)) lane.push(event)
      }
      const subscription: Subscription = { push, end }
      subscriptions.add(subscription)
      session.onEnd.add(onSessionEnd)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  emit<K extends keyof StreamEvents>(name: K, event: StreamEvents[K]): void {
    for (const subscription of this.#subscriptions[name]) subscription.push(event as never)
  }

  /** Calls back once when the node goes; returns how to stop that. */
  onNodeGone(callback: () => void): () => void {
    this.#dependents.add(callback)
    return () => this.#dependents.delete(callback)
  }

  /** The node is gone. */
  endAll(): void {
    for (const callback of [...this.#dependents]) callback()
    this.#dependents.clear()
    for (const [name, subscriptions] of Object.entries(this.#subscriptions)) {
      for (const subscription of [...subscriptions]) subscription.end(unavailable(name, 'the stream ended'))
    }
  }
}
