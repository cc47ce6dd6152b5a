import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { lsps5Notifications } from '../../../lsps/lsps5/notifications.ts'
import { deadline, isTerminal, newcomer, step } from '../../../src/webhooks/machine.ts'
import { MAX_ENDED } from '../../../src/webhooks/notices.ts'
import { Subscriber, type SubscriberEffect, type SubscriberEvent } from '../../../src/webhooks/states.ts'
import { NODE } from '../lsps/arbitraries.ts'
import {
  ANSWERED,
  attempted,
  COOLDOWN_MS,
  clientOnline,
  DAY_MS,
  due,
  expirySoon,
  FORBIDDEN,
  notify,
  RETENTION_MS,
  SILENT,
  START,
  set,
  time,
  UNSENT,
  URL,
} from './samples.ts'

const MOST = 3
const METHODS = Object.keys(lsps5Notifications).length
/** Waits between two events: within a cooldown, over one, over the time of use, over the retention. */
const wait = fc.constantFrom(0, 1, 500, 10_000, COOLDOWN_MS, 2 * COOLDOWN_MS, DAY_MS, RETENTION_MS)

type Told = (ms: number) => SubscriberEvent
const appName = fc.constantFrom('a', 'b', 'c', 'd')

const anyTold: fc.Arbitrary<Told> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc
      .record({ appName, url: fc.constantFrom(URL, `${URL}2`), hasChannel: fc.boolean() })
      .map((change) => (ms: number) => set({ ...change, most: MOST, at: time(ms) })),
  },
  {
    weight: 1,
    arbitrary: appName.map((name) => (ms: number) => ({ type: 'remove' as const, appName: name, at: time(ms) })),
  },
  { weight: 4, arbitrary: fc.boolean().map((online) => (ms: number) => notify(ms, { clientOnline: online })) },
  { weight: 2, arbitrary: fc.nat(3).map((height) => (ms: number) => expirySoon(ms, 900_000 + height)) },
  { weight: 1, arbitrary: fc.constant(clientOnline) },
  { weight: 1, arbitrary: fc.constant((ms: number) => ({ type: 'channel-opened' as const, at: time(ms) })) },
  {
    weight: 1,
    arbitrary: fc.constant((ms: number) => ({
      type: 'last-channel-closed' as const,
      retentionMs: RETENTION_MS,
      at: time(ms),
    })),
  },
  {
    weight: 6,
    arbitrary: fc
      .record({
        notice: fc.nat(12),
        outcome: fc.constantFrom(ANSWERED, SILENT, UNSENT, FORBIDDEN),
        random: fc.double({ min: 0, max: 1, noNaN: true }),
      })
      .map(
        ({ notice, outcome, random }) =>
          (ms: number) =>
            attempted(notice, outcome, ms, random),
      ),
  },
  { weight: 4, arbitrary: fc.constant(due) },
)

const anyStory: fc.Arbitrary<readonly SubscriberEvent[]> = fc
  .array(fc.tuple(wait, anyTold), { maxLength: 40 })
  .map((steps) => {
    let ms = 0
    const story = steps.map(([more, told]) => {
      ms += more
      return told(ms)
    })
    return [set({ most: MOST }), ...story]
  })

type Moment = {
  readonly event: SubscriberEvent
  readonly before: Subscriber
  readonly after: Subscriber
  readonly effects: readonly SubscriberEffect[]
}

function live(story: readonly SubscriberEvent[]): readonly Moment[] {
  let before: Subscriber = newcomer(NODE, time())
  return story.map((event) => {
    const { state, effects } = step(before, event)
    const moment = { event, before, after: state, effects }
    before = state
    return moment
  })
}

const always = (holds: (moments: readonly Moment[], story: readonly SubscriberEvent[]) => void) =>
  fc.assert(
    fc.property(anyStory, (story) => holds(live(story), story)),
    { numRuns: 1000 },
  )

const noticesOf = (state: Subscriber) => (state.tag === 'registered' ? state.notices : [])

describe('a client’s webhooks, whatever they hear', () => {
  it('have an answer to every event, and come to everything that may happen', () => {
    const seen = new Set<string>()
    always((moments) => {
      for (const { after, effects } of moments) {
        seen.add(after.tag)
        for (const { phase } of noticesOf(after)) seen.add(phase.tag)
        for (const { end } of after.ended) seen.add(end.type)
        for (const { method } of effects) seen.add(method)
      }
    })
    expect([...seen].toSorted()).toEqual([
      'answered',
      'due',
      'forgotten',
      'given-up',
      'lsps5.expiry_soon',
      'lsps5.payment_incoming',
      'lsps5.webhook_registered',
      'registered',
      'sending',
      'waiting',
    ])
  })

  it('end the same when they hear every event twice', () => {
    always((moments, story) => {
      const twice = live(story.flatMap((event) => [event, event]))
      expect(twice.at(-1)?.after).toEqual(moments.at(-1)?.after)
    })
  })

  it('survive the disk: what is read back is what was written', () => {
    always((moments) => {
      const after = moments.at(-1)?.after as Subscriber
      expect(z.decode(Subscriber, JSON.parse(JSON.stringify(z.encode(Subscriber, after))))).toEqual(after)
    })
  })

  it('leave a due deadline behind: nothing is due for ever', () => {
    always((moments) => {
      for (const { after } of moments) {
        const at = deadline(after)
        if (at === undefined) continue
        const next = deadline(step(after, { type: 'deadline', at }).state)
        expect(next === undefined || next > at).toBe(true)
      }
    })
  })

  it('are bounded: so many webhooks, two notices of a method for each, a few that ended', () => {
    always((moments) => {
      for (const { before, after } of moments) {
        const over = after.ended.filter((one) => !before.ended.includes(one))
        if (over.length > 0) expect(after.ended.length).toBeLessThanOrEqual(Math.max(MAX_ENDED, over.length))
        expect(over.length).toBeLessThanOrEqual(noticesOf(before).length)
        if (after.tag === 'forgotten') continue
        expect(after.webhooks.length).toBeLessThanOrEqual(MOST)
        expect(after.raised.length).toBeLessThan(METHODS)
        const keys = after.notices.map(({ appName: name, method, phase }) =>
          [name, method, phase.tag === 'sending'].join(),
        )
        expect(new Set(keys).size).toBe(keys.length)
      }
    })
  })

  it('[L5-07] are never two of one name, and none is left when they are forgotten', () => {
    always((moments) => {
      for (const { after } of moments) {
        if (after.tag === 'forgotten') {
          expect(isTerminal(after)).toBe(true)
          continue
        }
        const names = after.webhooks.map((webhook) => webhook.appName)
        expect(new Set(names).size).toBe(names.length)
        expect(names.length).toBeGreaterThan(0)
      }
    })
  })
})

describe('the notifications of a client, whatever happens', () => {
  it('ask for one attempt for each that comes under way, with a number of its own, and for no other', () => {
    always((moments) => {
      const underWay = (state: Subscriber) => noticesOf(state).filter(({ phase }) => phase.tag === 'sending')
      for (const { before, after, effects, event } of moments) {
        const ended = event.type === 'attempted' ? event.notice : undefined
        const known = new Set(
          underWay(before)
            .filter(({ id }) => id !== ended)
            .map(({ id }) => id),
        )
        const begun = underWay(after).filter(({ id }) => !known.has(id))
        expect(effects.map(({ notice }) => notice).toSorted()).toEqual(begun.map(({ id }) => id).toSorted())
      }
    })
  })

  it('[L5-11] are each attempted at least once, or ended for a reason that is told', () => {
    always((moments) => {
      const attemptedOnce = new Set<number>()
      for (const { before, after, effects, event } of moments) {
        for (const { notice } of effects) attemptedOnce.add(notice)
        const left = new Set(noticesOf(after).map(({ id }) => id))
        const gone = noticesOf(before).filter(
          ({ id, attempts, phase }) => !left.has(id) && attempts === 0 && phase.tag !== 'sending',
        )
        // Its webhook is gone or another one now; otherwise it is told why: its client came, or it waited in vain.
        for (const { id, appName, method, raisedAt, usefulUntil } of gone) {
          if (attemptedOnce.has(id) || event.type === 'set' || event.type === 'remove') continue
          const stands = after.tag === 'registered' && after.webhooks.some((one) => one.appName === appName)
          if (!stands) continue
          const isIt = (ended: Subscriber['ended'][number]) =>
            ended.appName === appName && ended.method === method && ended.raisedAt === raisedAt
          expect(after.ended.some(isIt)).toBe(true)
          if (event.type !== 'client-online') expect(usefulUntil).toBeLessThanOrEqual(event.at)
        }
      }
    })
  })

  it('[L5-10] never go to a webhook before it was sent word of its registration', () => {
    always((moments) => {
      const untold = new Set<string>()
      for (const { before, after, effects, event } of moments) {
        const known = new Set(noticesOf(before).map(({ id }) => id))
        for (const { id, method, appName: name } of noticesOf(after)) {
          if (method === 'lsps5.webhook_registered' && !known.has(id)) untold.add(name)
        }
        if (event.type === 'attempted' && event.outcome.type !== 'unsent') {
          const notice = noticesOf(before).find(({ id }) => id === event.notice)
          if (notice?.method === 'lsps5.webhook_registered' && notice.phase.tag === 'sending')
            untold.delete(notice.appName)
        }
        for (const { notice, method } of effects) {
          const { appName: name = '' } = noticesOf(after).find(({ id }) => id === notice) ?? {}
          const stillTried = noticesOf(after).some(
            (one) => one.appName === name && one.method === 'lsps5.webhook_registered',
          )
          if (method !== 'lsps5.webhook_registered') expect(untold.has(name) && stillTried).toBe(false)
        }
      }
    })
  })

  it('[L5-30] begin only while the client is away: its coming begins none', () => {
    always((moments) => {
      for (const { event, effects, after } of moments) {
        if (event.type !== 'client-online') continue
        expect(effects).toEqual([])
        expect(
          noticesOf(after).filter(
            ({ method, phase }) => method !== 'lsps5.webhook_registered' && phase.tag !== 'sending',
          ),
        ).toEqual([])
      }
    })
  })

  it('[L5-47] are begun anew once in a silence, unless the client came: other attempts follow an attempt', () => {
    always((moments) => {
      const firstAt = new Map<string, number>()
      const seen = new Set<number>()
      for (const { event, effects, after } of moments) {
        if (
          event.type === 'client-online' ||
          after.tag === 'forgotten' ||
          event.type === 'set' ||
          event.type === 'remove'
        )
          firstAt.clear()
        for (const { notice, method } of effects) {
          if (seen.has(notice) || method === 'lsps5.webhook_registered') continue
          seen.add(notice)
          const one = noticesOf(after).find(({ id }) => id === notice)
          const key = `${one?.appName} ${method}`
          const raisedAt = one?.raisedAt ?? START
          const before = firstAt.get(key)
          if (before !== undefined) expect(raisedAt - before).toBeGreaterThanOrEqual(COOLDOWN_MS)
          firstAt.set(key, raisedAt)
        }
      }
    })
  })

  it('[L5-45] are not tried again after an answer, nor after their time', () => {
    always((moments) => {
      const answered = new Set<number>()
      for (const { event, before, effects, after } of moments) {
        for (const { notice } of effects) {
          expect(answered.has(notice)).toBe(false)
          const one = noticesOf(after).find(({ id }) => id === notice)
          if ((one?.attempts ?? 0) > 0) expect(one?.usefulUntil).toBeGreaterThan(event.at)
        }
        if (event.type !== 'attempted' || event.outcome.type !== 'answered') continue
        const ended = noticesOf(before).find(({ id, phase }) => id === event.notice && phase.tag === 'sending')
        if (ended !== undefined) answered.add(ended.id)
      }
    })
  })
})
