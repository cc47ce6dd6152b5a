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
  /** Whom or what it is about: it hears of nothing else then. */
  readonly about?: string
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

  /** Those that are about one thing: thousands of invoices are followed, each alone. */
  readonly #about = new Map<string, Set<Subscription>>()
  readonly #dependents = new Set<() => void>()

  constructor(stages: Stages) {
    this.#stages = stages
  }

  /** Resolves when the signal aborts; rejects with LND_UNAVAILABLE when node or client end it, or the handler's error. */
  async subscribe<K extends keyof StreamEvents>(
    name: K,
    session: Session,
    { onEvent, signal, first, about }: Subscribing<StreamEvents[K]>,
  ): Promise<void> {
    if (signal.aborted) return
    if (!session.alive) return await never(signal)
    const subscriptions = about === undefined ? this.#subscriptions[name] : this.#of(name, about)
    await new Promise<void>((resolve, reject) => {
      const close = () => {
        subscriptions.delete(subscription)
        if (about !== undefined) this.#forgetEmpty(name, about)
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
      const push = (event: StreamEvents[K]) => lane.push(event)
      const subscription: Subscription = { push, end }
      subscriptions.add(subscription)
      session.onEnd.add(onSessionEnd)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** `about`: also to those who asked for this alone. */
  emit<K extends keyof StreamEvents>(name: K, event: StreamEvents[K], about?: string): void {
    for (const subscription of this.#subscriptions[name]) subscription.push(event as never)
    if (about === undefined) return
    for (const subscription of this.#about.get(keyOf(name, about)) ?? []) subscription.push(event as never)
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
    for (const [name, subscriptions] of [...Object.entries(this.#subscriptions), ...this.#about]) {
      for (const subscription of [...subscriptions]) subscription.end(unavailable(nameIn(name), 'the stream ended'))
    }
  }

  #of(name: keyof StreamEvents, about: string): Set<Subscription> {
    const key = keyOf(name, about)
    const subscriptions = this.#about.get(key) ?? new Set()
    this.#about.set(key, subscriptions)
    return subscriptions
  }

  #forgetEmpty(name: keyof StreamEvents, about: string): void {
    const key = keyOf(name, about)
    if (this.#about.get(key)?.size === 0) this.#about.delete(key)
  }
}

function keyOf(name: keyof StreamEvents, about: string): string {
  return `${name} ${about}`
}

function nameIn(key: string): string {
  return key.split(' ', 1)[0] ?? key
}
