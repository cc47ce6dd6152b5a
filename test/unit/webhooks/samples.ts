import type { Timestamp } from '../../../lsps/base/datetime.ts'
import { deadline, newcomer, step } from '../../../src/webhooks/machine.ts'
import type {
  AttemptOutcome,
  Registered,
  Subscriber,
  SubscriberEffect,
  SubscriberEvent,
} from '../../../src/webhooks/states.ts'
import { NODE } from '../lsps/arbitraries.ts'

export const START = 1_767_225_600_000
export const COOLDOWN_MS = 60_000
export const DAY_MS = 86_400_000
export const RETENTION_MS = 7 * DAY_MS
/** As long as a payment is held. */
export const USEFUL_MS = 90_000
export const URL = 'https://push.example/?token=abc'

/** So many milliseconds after the start. */
export const time = (ms = 0) => (START + ms) as Timestamp

type Of<Type extends SubscriberEvent['type']> = Extract<SubscriberEvent, { readonly type: Type }>

export const set = (change: Partial<Of<'set'>> = {}): Of<'set'> => ({
  type: 'set',
  appName: 'wallet',
  url: URL,
  most: 10,
  retentionMs: RETENTION_MS,
  hasChannel: true,
  at: time(),
  ...change,
})

export const notify = (ms: number, change: Partial<Of<'notify'>> = {}): Of<'notify'> => ({
  type: 'notify',
  notification: { method: 'lsps5.payment_incoming', params: {} },
  usefulUntil: time(ms + USEFUL_MS),
  cooldownMs: COOLDOWN_MS,
  clientOnline: false,
  at: time(ms),
  ...change,
})

export const expirySoon = (ms: number, timeout: number) =>
  notify(ms, { notification: { method: 'lsps5.expiry_soon', params: { timeout } } })

export const clientOnline = (ms: number): SubscriberEvent => ({ type: 'client-online', at: time(ms) })
export const due = (ms: number): SubscriberEvent => ({ type: 'deadline', at: time(ms) })

export const ANSWERED: AttemptOutcome = { type: 'answered', status: 200 }
export const SILENT: AttemptOutcome = { type: 'silent', why: 'timeout' }
export const UNSENT: AttemptOutcome = { type: 'unsent', why: 'unreachable' }
export const FORBIDDEN: AttemptOutcome = { type: 'forbidden', why: 'a private address' }

export const attempted = (notice: number, outcome: AttemptOutcome, ms: number, random = 0): SubscriberEvent => ({
  type: 'attempted',
  notice,
  outcome,
  random,
  at: time(ms),
})

/** What one client lives through, told step by step. */
export class Story {
  state: Subscriber = newcomer(NODE, time())
  /** All attempts that were asked for. */
  readonly sent: SubscriberEffect[] = []
  ignored: string | undefined

  hear(...events: readonly SubscriberEvent[]): this {
    for (const event of events) {
      const { state, effects, ignored } = step(this.state, event)
      this.state = state
      this.sent.push(...effects)
      this.ignored = ignored
    }
    return this
  }

  /** The attempts that are under way end like this. */
  answer(outcome: AttemptOutcome, ms: number, random = 0): this {
    const underWay = this.registered.notices.filter(({ phase }) => phase.tag === 'sending')
    return this.hear(...underWay.map(({ id }) => attempted(id, outcome, ms, random)))
  }

  get registered(): Registered {
    if (this.state.tag !== 'registered') throw new Error('it has no webhook')
    return this.state
  }

  /** In ms after the start. */
  get due(): number | undefined {
    const at = deadline(this.state)
    return at === undefined ? undefined : at - START
  }

  methods(): readonly string[] {
    return this.sent.map(({ method }) => method.replace('lsps5.', ''))
  }
}

/** A client whose webhooks have been told, and which has gone. */
export function woken(...appNames: readonly string[]): Story {
  const story = new Story()
  const names = appNames.length === 0 ? ['wallet'] : appNames
  for (const appName of names) story.hear(set({ appName })).answer(ANSWERED, 0)
  story.sent.length = 0
  return story
}
