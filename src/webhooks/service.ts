import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { lsps5Faults } from '../../lsps/lsps5/methods.ts'
import { placeWebhook } from '../../lsps/lsps5/rules.ts'
import type { ListWebhooksResult, SetWebhookParams, SetWebhookResult } from '../../lsps/lsps5/schema.ts'
import type { TimestampStyle } from '../../lsps/lsps5/signed-text.ts'
import { clientRejected, type RpcFault } from '../../lsps/rpc/fault.ts'
import type { Entropy } from '../kernel/entropy.ts'
import { KeyedLock } from '../kernel/keyed-lock.ts'
import type { Log } from '../kernel/log.ts'
import { Presence } from '../kernel/presence.ts'
import { Recent } from '../kernel/recent.ts'
import { type EffectContext, Runner } from '../kernel/runner.ts'
import { childOf } from '../kernel/wait.ts'
import type { LndPort } from '../lnd/port.ts'
import type { Store } from '../store/port.ts'
import { ChannelWatch } from './channels.ts'
import type { Delivery } from './delivery/delivery.ts'
import { deadline, isTerminal, newcomer, step } from './machine.ts'
import type { Pace } from './pace.ts'
import { forgottenSubscribers, liveSubscribers, webhookOutbox } from './records.ts'
import { nameOfUrl, type TestedWebhook } from './report.ts'
import { notificationOf, type Sending, send } from './sending.ts'
import type {
  AttemptOutcome,
  Ended,
  Reason,
  Registered,
  Subscriber,
  SubscriberEffect,
  SubscriberEvent,
  Webhook,
} from './states.ts'

const FIRST_NOTICE_BYTES = 6
const RANDOM_BYTES = 4
const RANDOM_STEPS = 2 ** (8 * RANDOM_BYTES)
/** Clients without webhooks of which it is remembered how fast they set some; a restart forgets them all. */
const MAX_PACES = 10_000
const FULL = 'no more webhooks of nodes without a channel can be kept at the moment: try again later, or buy a channel'

export type WebhooksDeps = {
  readonly lnd: Pick<LndPort, 'signMessage' | 'listChannels' | 'pendingChannels'>
  readonly store: Store
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  readonly delivery: Pick<Delivery, 'deliver'>
  /** How the client's library reads times, where that is known by now to differ from bLIP-55 (D9). */
  readonly timestampStyle?: (client: NodeId) => TimestampStyle | undefined
  /** After the commit in which a notification was answered or given up. Must not throw. */
  readonly onEnded?: (client: NodeId, ended: Ended) => void
  readonly onFatal: (error: unknown) => void
}

export type WebhooksConfig = {
  readonly mostPerClient: number
  /** Clients without a channel that may have webhooks: node ids cost nothing. */
  readonly mostWithoutChannel: number
  readonly cooldownMs: number
  readonly retentionMs: number
}

type Registration = { readonly result: SetWebhookResult } | { readonly fault: RpcFault }

/** Where clients want to be woken, and the calls that wake them (bLIP-55). */
export class WebhooksService {
  readonly #deps: WebhooksDeps
  readonly #config: WebhooksConfig
  readonly #runner: Runner<Subscriber, SubscriberEvent, SubscriberEffect>
  /** What a client says of its webhooks is done one after the other, so that what it is answered is what it has. */
  readonly #turns = new KeyedLock()
  readonly #presence = new Presence<NodeId>((client) => this.#onOnline(client))
  readonly #channels: ChannelWatch
  readonly #withoutChannel = new Set<NodeId>()
  readonly #paces = new Recent<NodeId, Pace>(MAX_PACES)
  /** Calls under way, by client and notice. */
  readonly #calls = new Map<string, AbortController>()
  #signal = AbortSignal.abort()

  constructor(deps: WebhooksDeps, config: WebhooksConfig) {
    this.#deps = deps
    this.#config = config
    const { lnd, clock, log } = deps
    this.#channels = new ChannelWatch({
      lnd,
      clock,
      log,
      isNeeded: () => this.live.size > 0,
      onLooked: () => this.#compareChannels(),
    })
    this.#runner = new Runner<Subscriber, SubscriberEvent, SubscriberEffect>({
      machine: {
        name: 'webhooks',
        step,
        isTerminal,
        time: { dueAt: deadline, event: (at) => ({ type: 'deadline', at }) },
      },
      live: liveSubscribers,
      done: forgottenSubscribers,
      outbox: webhookOutbox,
      store: deps.store,
      clock,
      log,
      execute: (effect, context) => this.#execute(effect, context),
      onCommitted: (id, before, state) => this.#onCommitted(id as NodeId, before, state),
      onFatal: deps.onFatal,
    })
  }

  /** Clients that have webhooks. */
  get live(): ReadonlyMap<string, Subscriber> {
    return this.#runner.live
  }

  get outboxDepth(): number {
    return this.#runner.outboxDepth
  }

  get(client: NodeId): Promise<Subscriber | undefined> {
    return this.#runner.get(client)
  }

  isOnline(client: NodeId): boolean {
    return this.#presence.has(client)
  }

  async load(): Promise<void> {
    await this.#runner.load()
    this.#withoutChannel.clear()
    for (const state of this.live.values()) this.#count(state)
  }

  /** Nothing is sent or forgotten before lnd has said who has a channel: one may have been opened meanwhile. */
  async start(signal: AbortSignal): Promise<void> {
    this.#signal = signal
    await this.#channels.first(signal)
    await Promise.all([this.#runner.start(signal), this.#channels.run(signal)])
  }

  /** Everybody who is connected: what a stream of events missed while it was down. What it tells meanwhile is newer. */
  loadPeers(list: () => Promise<readonly NodeId[]>): Promise<void> {
    return this.#presence.load(list)
  }

  onPeer(client: NodeId, online: boolean): void {
    this.#presence.tell(client, online)
  }

  /** A hint that a channel came or went. */
  onChannelEvent(): void {
    if (this.live.size > 0) this.#channels.ring()
  }

  /** Whether the client has a webhook now. In memory, does not wait. */
  reaches(client: NodeId): boolean {
    return this.live.has(client)
  }

  /**
   * Something waits for the client until then. Nothing happens if it is here, or has no webhook. Said again within the
   * cooldown, the client is told again only when that is over, if somebody still waits (L5-47). Never throws or waits.
   */
  notify(client: NodeId, notification: Reason, usefulUntil: Timestamp): void {
    if (!this.reaches(client) || this.#presence.has(client)) return
    const { cooldownMs } = this.#config
    const at = this.#deps.clock.now()
    this.#dispatch(client, { type: 'notify', notification, usefulUntil, cooldownMs, clientOnline: false, at })
  }

  /** On disk when it resolves: only then may the client hear of it (L5-08). */
  set(client: NodeId, wanted: SetWebhookParams, style: TimestampStyle | undefined): Promise<Registration> {
    return this.#turns.run(client, () => this.#set(client, wanted, style))
  }

  list(client: NodeId): ListWebhooksResult {
    const app_names = this.#webhooksOf(client).map(({ appName }) => appName)
    return { app_names, max_webhooks: this.#config.mostPerClient }
  }

  /** False when it has none of this name. On disk when it resolves. */
  remove(client: NodeId, appName: string): Promise<boolean> {
    return this.#turns.run(client, async () => {
      if (!this.#webhooksOf(client).some((one) => one.appName === appName)) return false
      await this.#runner.dispatch(client, { type: 'remove', appName, at: this.#deps.clock.now() })
      return true
    })
  }

  /**
   * For the operator: says `lsps5.webhook_registered` once more to one webhook, or to all of the client: one attempt each,
   * beside all else that is said. Empty when there is no such webhook.
   */
  test(client: NodeId, appName: string | undefined, signal: AbortSignal): Promise<readonly TestedWebhook[]> {
    const tested = this.#webhooksOf(client).filter((one) => appName === undefined || one.appName === appName)
    return Promise.all(tested.map((webhook) => this.#test(client, webhook, signal)))
  }

  async #test(client: NodeId, webhook: Webhook, signal: AbortSignal): Promise<TestedWebhook> {
    const { clock } = this.#deps
    const began = clock.now()
    const notification = notificationOf({ method: 'lsps5.webhook_registered' })
    const style = this.#styleOf(client, webhook)
    const sending = { webhook, style, notification, isWanted: () => true, signal }
    const outcome = await send(sending, this.#deps)
    return { appName: webhook.appName, ...nameOfUrl(webhook.url), outcome, tookMs: clock.now() - began }
  }

  async #set(
    client: NodeId,
    wanted: SetWebhookParams,
    recognisedStyle: TimestampStyle | undefined,
  ): Promise<Registration> {
    const { mostPerClient: most, mostWithoutChannel, retentionMs } = this.#config
    const { app_name: appName, webhook: url } = wanted
    const before = this.#registered(client)
    const earlier = before?.webhooks ?? []
    const registered = earlier.map((one) => ({ app_name: one.appName, webhook: one.url }))
    const placed = placeWebhook(wanted, { registered, most })
    if ('fault' in placed) return placed
    let hasChannel = this.#channels.has(client) ?? false
    if (before === undefined && !hasChannel) {
      const isFull = this.#withoutChannel.size >= mostWithoutChannel
      hasChannel = isFull && (await this.#hasNewChannel(client))
      if (isFull && !hasChannel) return { fault: clientRejected(FULL) }
      if (!hasChannel) this.#withoutChannel.add(client) // for those who come meanwhile
    }
    // Recognised once: after a restart of ours it may set its webhook before it sends what it is known by.
    const style = recognisedStyle ?? earlier.find((one) => one.appName === appName)?.style
    const at = this.#deps.clock.now()
    const event = { type: 'set', appName, url, most, retentionMs, hasChannel, at, ...(style && { style }) } as const
    const after = await this.#register(client, event)
    if (after.tag !== 'registered') return { fault: lsps5Faults.tooManyWebhooks(most) }
    // Every change of it is told to it, so a change is what made a new notice.
    const known = new Set(before?.notices.map(({ id }) => id))
    const isTold = after.notices.some(
      (one) => one.appName === appName && one.method === 'lsps5.webhook_registered' && !known.has(one.id),
    )
    return { result: { num_webhooks: after.webhooks.length, max_webhooks: most, no_change: !isTold } }
  }

  /** The list that is remembered may be older than the channel. */
  async #hasNewChannel(client: NodeId): Promise<boolean> {
    try {
      return await this.#channels.ask(client, this.#signal)
    } catch (error) {
      this.#deps.log.warn({ client, err: error }, 'channels of a new webhook client not looked up')
      return false
    }
  }

  async #register(client: NodeId, event: SubscriberEvent): Promise<Subscriber> {
    // Its last webhook may have been forgotten since it was looked at.
    const known = await this.#runner.dispatch(client, event)
    if (known !== undefined && known.tag !== 'forgotten') return known
    const first = { ...newcomer(client, event.at, this.#paces.get(client)), nextNotice: this.#firstNotice() }
    return this.#runner.createNew(client, step(first, event))
  }

  /** Drawn, so that an attempt for a client that was forgotten and came back is never taken for one of its new life. */
  #firstNotice(): number {
    return Buffer.from(this.#deps.entropy(FIRST_NOTICE_BYTES)).readUIntBE(0, FIRST_NOTICE_BYTES)
  }

  #registered(client: NodeId): Registered | undefined {
    const state = this.live.get(client)
    return state?.tag === 'registered' ? state : undefined
  }

  #webhooksOf(client: NodeId): readonly Webhook[] {
    return this.#registered(client)?.webhooks ?? []
  }

  #onOnline(client: NodeId): void {
    if (this.reaches(client)) this.#dispatch(client, { type: 'client-online', at: this.#deps.clock.now() })
  }

  async #compareChannels(): Promise<void> {
    const events = [...this.live.values()].flatMap((state) => {
      const event = this.#channelNews(state)
      return event === undefined ? [] : [this.#runner.dispatch(state.client, event)]
    })
    await Promise.all(events)
  }

  #channelNews(state: Subscriber): SubscriberEvent | undefined {
    const hasChannel = this.#channels.has(state.client)
    if (state.tag !== 'registered' || hasChannel === undefined || hasChannel === state.hasChannel) return undefined
    const at = this.#deps.clock.now()
    if (hasChannel) return { type: 'channel-opened', at }
    return { type: 'last-channel-closed', retentionMs: this.#config.retentionMs, at }
  }

  #onCommitted(client: NodeId, before: Subscriber | undefined, state: Subscriber): void {
    if (before === undefined) this.#channels.ring()
    this.#count(state)
    if (state.tag === 'forgotten' && state.pace !== undefined) this.#paces.set(client, state.pace)
    this.#endReplaced(client, before, state)
    const known = before?.ended ?? []
    for (const ended of state.ended) if (!known.includes(ended)) this.#onEnded(client, ended)
    // It may have come while it was being written down that something waits for it.
    const isNew = state.tag === 'registered' && state.raised.some((one) => !raisedOf(before).includes(one))
    if (isNew && this.#presence.has(client)) this.#onOnline(client)
  }

  /** What was replaced or removed gives its place to others: its host may hang. */
  #endReplaced(client: NodeId, before: Subscriber | undefined, state: Subscriber): void {
    const left = new Set(noticesOf(state).map(({ id }) => id))
    for (const { id } of noticesOf(before)) if (!left.has(id)) this.#calls.get(callKey(client, id))?.abort()
  }

  #count(state: Subscriber): void {
    if (state.tag === 'registered' && !state.hasChannel) this.#withoutChannel.add(state.client)
    else this.#withoutChannel.delete(state.client)
  }

  #onEnded(client: NodeId, ended: Ended): void {
    const { log, onEnded } = this.#deps
    const { appName, method, attempts, end } = ended
    const fields = { client, app: appName, method, attempts }
    if (end.type === 'given-up') log.info({ ...fields, why: end.why }, 'webhook given up')
    else if (end.status === 200) log.debug(fields, 'webhook called')
    else log.info({ ...fields, status: end.status }, 'webhook gave an unusual answer')
    onEnded?.(client, ended)
  }

  /**
   * At least once: after a crash it may be said again, which says no more than once does. What was ended or replaced
   * meanwhile is not said, nor, by another process than the one that decided it, what nobody waits for any more.
   */
  async #execute(
    effect: SubscriberEffect,
    { id, replayed, signal }: EffectContext,
  ): Promise<SubscriberEvent | undefined> {
    const client = id as NodeId
    const isWanted = () => this.#isWanted(client, effect, replayed)
    const webhook = this.#webhooksOf(client).find(({ appName }) => appName === effect.appName)
    const state = this.#registered(client)
    const sending = state?.notices.find((one) => one.id === effect.notice)?.phase.tag === 'sending'
    if (webhook === undefined || !sending) return undefined
    const notification = notificationOf(effect)
    const style = this.#styleOf(client, webhook)
    const outcome = isWanted()
      ? await this.#call(callKey(client, effect.notice), { webhook, style, notification, isWanted, signal })
      : ({ type: 'unsent', why: 'nobody waits for it any more' } as const)
    return { type: 'attempted', notice: effect.notice, outcome, random: this.#random(), at: this.#deps.clock.now() }
  }

  /** @throws the reason of the signal */
  async #call(key: string, sending: Sending): Promise<AttemptOutcome> {
    const own = childOf(sending.signal)
    this.#calls.set(key, own)
    try {
      return await send({ ...sending, signal: own.signal }, this.#deps)
    } catch (error) {
      sending.signal.throwIfAborted()
      if (!own.signal.aborted) throw error
      return { type: 'unsent', why: 'it was replaced' }
    } finally {
      this.#calls.delete(key)
      own.abort()
    }
  }

  /** It may set its webhook before it sends what it is recognised by. */
  #styleOf(client: NodeId, webhook: Webhook): TimestampStyle | undefined {
    return webhook.style ?? this.#deps.timestampStyle?.(client)
  }

  #isWanted(client: NodeId, { notice, method }: SubscriberEffect, replayed: boolean): boolean {
    const now = this.#deps.clock.now()
    const sought = this.#registered(client)?.notices.find(({ id }) => id === notice)
    if (sought === undefined) return false
    if (method === 'lsps5.webhook_registered') return true
    return sought.usefulUntil > now || (!replayed && !this.#presence.has(client))
  }

  #random(): number {
    return Buffer.from(this.#deps.entropy(RANDOM_BYTES)).readUInt32BE() / RANDOM_STEPS
  }

  #dispatch(client: NodeId, event: SubscriberEvent): void {
    this.#runner.dispatch(client, event).catch((error: unknown) => {
      this.#deps.log.error({ client, event: event.type, err: error }, 'event not handled')
    })
  }
}

const callKey = (client: NodeId, notice: number) => `${client}/${notice}`

function noticesOf(state: Subscriber | undefined): Registered['notices'] {
  return state?.tag === 'registered' ? state.notices : []
}

function raisedOf(state: Subscriber | undefined): Registered['raised'] {
  return state?.tag === 'registered' ? state.raised : []
}
