import { describe, expect, it } from 'vitest'
import { LEAST_COOLDOWN_MS, LEAST_GAIN_MS } from '../../../src/webhooks/machine.ts'
import { MAX_ENDED, REGISTERED_USEFUL_MS } from '../../../src/webhooks/notices.ts'
import { FREE_REGISTRATIONS, QUIET_MS } from '../../../src/webhooks/pace.ts'
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
  Story,
  set,
  time,
  UNSENT,
  URL,
  USEFUL_MS,
  woken,
} from './samples.ts'

describe('a webhook that is set', () => {
  it('[L5-10] is told so, and it alone', () => {
    const story = new Story().hear(set(), set({ appName: 'other', url: 'https://other.example/' }))
    expect(story.sent.map(({ appName, method }) => [appName, method])).toEqual([
      ['wallet', 'lsps5.webhook_registered'],
      ['other', 'lsps5.webhook_registered'],
    ])
  })

  it('[L5-07] [L5-10] is told again when its URL has changed, and not when nothing has', () => {
    const story = woken().hear(set({ at: time(5) }))
    expect(story.sent).toEqual([])
    story.hear(set({ url: `${URL}2`, at: time(6) }))
    expect(story.sent).toMatchObject([{ appName: 'wallet', method: 'lsps5.webhook_registered' }])
    expect(story.registered.webhooks).toMatchObject([{ url: `${URL}2` }])
  })

  it('[L5-07] is one of so many', () => {
    const story = new Story().hear(set({ most: 1 }), set({ most: 1, appName: 'other' }))
    expect(story.ignored).toBe('it has as many webhooks as it may have')
    expect(story.registered.webhooks).toHaveLength(1)
    expect(new Story().hear(set({ most: 0 })).state.tag).toBe('forgotten')
  })

  it('[L5-44] is on record with the style that it was set with last', () => {
    const story = new Story().hear(set({ style: '+00:00' }))
    expect(story.registered.webhooks).toMatchObject([{ style: '+00:00' }])
    story.hear(set())
    expect(story.registered.webhooks[0]).not.toHaveProperty('style')
  })

  it('[L5-10] hears nothing else before it', () => {
    const story = new Story().hear(set(), notify(1000), expirySoon(1000, 900_144))
    expect(story.methods()).toEqual(['webhook_registered'])
    story.answer(ANSWERED, 2000)
    expect(story.methods()).toEqual(['webhook_registered', 'payment_incoming', 'expiry_soon'])
  })

  it('[L5-10] hears the rest when it was sent and nothing came back: nobody knows whether it was heard', () => {
    const story = new Story().hear(set(), notify(1000)).answer(SILENT, 2000)
    expect(story.methods()).toEqual(['webhook_registered', 'payment_incoming'])
  })

  it('[L5-10] is told at once, and first, when something else is to be said while it could not be reached', () => {
    const story = new Story().hear(set()).answer(UNSENT, 0).answer(UNSENT, 0)
    expect(story.due).toBe(1000)
    story.hear(notify(500))
    expect(story.methods()).toEqual(['webhook_registered', 'webhook_registered'])
    story.answer(ANSWERED, 600)
    expect(story.methods().at(-1)).toBe('payment_incoming')
  })

  it('[L5-10] is given up after minutes, with what waited for it and is of no use any more', () => {
    const story = new Story().hear(set(), notify(0))
    for (let ms = 0; story.registered.notices.length > 0; ms = story.due ?? 0) {
      expect(ms).toBeLessThan(REGISTERED_USEFUL_MS)
      story.hear(due(ms)).answer(UNSENT, ms)
    }
    expect(new Set(story.methods())).toEqual(new Set(['webhook_registered']))
    expect(story.registered.ended.map(({ method, attempts, end }) => [method, attempts > 0, end.type])).toEqual([
      ['lsps5.webhook_registered', true, 'given-up'],
      ['lsps5.payment_incoming', false, 'given-up'],
    ])
  })
})

describe('webhooks that are set again and again', () => {
  const MINUTE_MS = 60_000
  const changed = (ms: number, appName = 'wallet') => set({ appName, url: `${URL}${ms}`, at: time(ms) })

  it('[L5-10] are told so at once a few times, then less and less often, and of the last change in the end', () => {
    const story = new Story()
    const told: number[] = []
    for (let ms = 0; ms < 30 * MINUTE_MS; ms += 200) {
      const before = story.sent.length
      story.hear(due(ms), changed(ms)).answer(ANSWERED, ms)
      if (story.sent.length > before) told.push(ms)
    }
    expect(told.slice(0, 8)).toEqual([0, 200, 400, 1400, 3400, 7400, 15_400, 31_400])
    expect(told.length).toBeLessThanOrEqual(8 + 30)
    expect(story.registered.notices).toHaveLength(1)
    story.hear(due(story.due ?? 0))
    expect(story.methods().filter((method) => method !== 'webhook_registered')).toEqual([])
    expect(story.registered.notices).toMatchObject([{ phase: { tag: 'sending' } }])
  })

  it('are told so at most once a minute each, when many are set in turns', () => {
    const story = new Story()
    const names = Array.from({ length: 10 }, (_, number) => `${number}`)
    for (let ms = 0; ms < 30 * MINUTE_MS; ms += 200) {
      story.hear(due(ms), changed(ms, names[(ms / 200) % names.length])).answer(ANSWERED, ms)
    }
    expect(story.sent.length).toBeLessThanOrEqual(8 + 30 * names.length)
  })

  it('keep their pace when all are removed in between', () => {
    const story = new Story()
    for (let ms = 0; ms < 10 * MINUTE_MS; ms += 200) {
      story.hear(due(ms), changed(ms)).hear({ type: 'remove', appName: 'wallet', at: time(ms + 100) })
    }
    expect(story.sent).toHaveLength(FREE_REGISTRATIONS)
    const ms = 10 * MINUTE_MS + QUIET_MS + MINUTE_MS
    expect(story.hear(changed(ms)).sent).toHaveLength(FREE_REGISTRATIONS + 1)
  })

  it('[L5-10] are told so at once, and first, when something waits for the client', () => {
    const story = new Story()
    for (const ms of [0, 1, 2, 3, 4]) story.hear(changed(ms)).answer(ANSWERED, ms)
    expect(story.sent).toHaveLength(FREE_REGISTRATIONS)
    story.hear(notify(10))
    expect(story.methods().slice(FREE_REGISTRATIONS)).toEqual(['webhook_registered'])
    story.answer(ANSWERED, 20)
    expect(story.methods().slice(FREE_REGISTRATIONS)).toEqual(['webhook_registered', 'payment_incoming'])
  })

  it('delay nothing that is said to other webhooks of the client', () => {
    const story = woken('other')
    for (const ms of [0, 1, 2, 3, 4]) story.hear(changed(ms)).answer(SILENT, ms)
    story.hear(notify(10))
    expect(story.sent.filter(({ appName }) => appName === 'other').map(({ method }) => method)).toEqual([
      'lsps5.payment_incoming',
    ])
  })
})

describe('a client that is away', () => {
  it('[L5-11] [L5-30] is told at all its webhooks', () => {
    const story = woken('a', 'b', 'c').hear(notify(1000))
    expect(story.methods()).toEqual(['payment_incoming', 'payment_incoming', 'payment_incoming'])
    expect(story.registered.notices.map(({ appName }) => appName)).toEqual(['a', 'b', 'c'])
  })

  it('[L5-30] is told nothing while it is here, without a webhook, or when nobody waits any more', () => {
    expect(woken().hear(notify(1000, { clientOnline: true })).sent).toEqual([])
    expect(woken().hear(notify(1000, { usefulUntil: time(1000) })).sent).toEqual([])
    expect(new Story().hear(notify(1000)).ignored).toBe('no webhook: notify')
  })

  it('[L5-47] P55: is not told the same twice within the silence; again after it came and went', () => {
    const story = woken().hear(notify(1000), notify(2000)).answer(ANSWERED, 2500).hear(notify(3000))
    expect(story.methods()).toEqual(['payment_incoming'])
    story.hear(clientOnline(4000), notify(5000))
    expect(story.methods()).toEqual(['payment_incoming', 'payment_incoming'])
  })

  it('[L5-47] is told of another kind at once: the silence is for each method', () => {
    const story = woken().hear(notify(1000), expirySoon(1001, 900_144))
    expect(story.methods()).toEqual(['payment_incoming', 'expiry_soon'])
    expect(story.sent[1]).toHaveProperty('timeout', 900_144)
  })

  it('[L5-47] is told once more after the silence, as long as somebody waits, and then no more', () => {
    const story = woken().hear(notify(0)).answer(ANSWERED, 10).hear(notify(50_000))
    expect(story.methods()).toHaveLength(1)
    expect(story.due).toBe(COOLDOWN_MS + 10)
    story.hear(due(COOLDOWN_MS + 10)).answer(ANSWERED, COOLDOWN_MS + 20)
    expect(story.methods()).toHaveLength(2)
    // The second payment is held until 140 s: after one more silence it is of use still.
    story.hear(due(2 * COOLDOWN_MS + 20)).answer(ANSWERED, 2 * COOLDOWN_MS + 30)
    expect(story.methods()).toHaveLength(3)
    expect(story.due).toBeUndefined()
  })

  it('[L5-47] is told nothing for as long after an attempt that was heard late', () => {
    const story = woken()
      .hear(notify(0, { usefulUntil: time(5 * COOLDOWN_MS) }))
      .answer(SILENT, 10)
    story.hear(due(1010)).answer(ANSWERED, 40_000)
    expect(story.due).toBe(40_000 + COOLDOWN_MS)
  })

  it('[L5-47] is not told again after the silence by an attempt that is still under way', () => {
    const story = woken().hear(notify(0)).hear(due(COOLDOWN_MS))
    expect(story.methods()).toHaveLength(1)
    expect(story.answer(ANSWERED, COOLDOWN_MS + 1).methods()).toHaveLength(1)
    expect(story.registered.notices).toEqual([])
  })

  it('[L5-47] is not told once more what lost its reason before the silence was over', () => {
    const story = woken()
      .hear(notify(0, { usefulUntil: time(COOLDOWN_MS) }))
      .answer(ANSWERED, 10)
    expect(story.due).toBeUndefined()
    const late = woken()
      .hear(notify(0))
      .answer(ANSWERED, 10)
      .hear(due(USEFUL_MS + 1))
    expect(late.methods()).toHaveLength(1)
    expect(late.due).toBeUndefined()
  })

  it('[L5-47] has some silence, however it is configured', () => {
    const story = woken().hear(notify(0, { cooldownMs: 0 }), notify(1, { cooldownMs: 0 }))
    expect(story.methods()).toHaveLength(1)
    expect(story.due).toBe(LEAST_COOLDOWN_MS)
  })

  it('[L5-47] is told for as long as the longest of the reasons lasts', () => {
    const story = woken()
      .hear(notify(0, { usefulUntil: time(5 * COOLDOWN_MS) }))
      .answer(ANSWERED, 10)
    story.hear(notify(COOLDOWN_MS + 10)).answer(ANSWERED, COOLDOWN_MS + 20)
    expect(story.registered.raised).toMatchObject([{ at: time(COOLDOWN_MS + 10), usefulUntil: time(5 * COOLDOWN_MS) }])
  })

  it('[L5-47] changes its record for a reason that lasts seconds longer, not for each of many payments', () => {
    const story = woken().hear(notify(0)).answer(ANSWERED, 10)
    let changes = 0
    for (let ms = 100; ms < COOLDOWN_MS; ms += 100) {
      const { state } = story
      if (story.hear(notify(ms)).state !== state) changes += 1
      expect(story.registered.raised[0]?.usefulUntil).toBeGreaterThan(time(ms + USEFUL_MS - LEAST_GAIN_MS))
    }
    expect(changes).toBeLessThan(COOLDOWN_MS / LEAST_GAIN_MS)
    expect(story.due).toBe(COOLDOWN_MS + 10)
  })

  it('is told the earlier of two heights', () => {
    const story = woken().hear(expirySoon(0, 900_144)).answer(UNSENT, 10).hear(expirySoon(20, 900_100))
    story.hear(due(story.due ?? 0))
    expect(story.sent.map(({ timeout }) => timeout)).toEqual([900_144, 900_100])
  })
})

describe('an attempt', () => {
  it('[L5-45] that was answered is the last, whatever the answer says', () => {
    for (const status of [200, 204, 302, 404, 500]) {
      const story = woken().hear(notify(0)).answer({ type: 'answered', status }, 10)
      expect(story.registered.notices).toEqual([])
      expect(story.registered.ended.at(-1)).toMatchObject({ attempts: 1, end: { type: 'answered', status } })
    }
  })

  it.each([SILENT, UNSENT])(
    '[L5-45] without an answer ($type) is followed by others, further and further apart',
    (outcome) => {
      const story = woken().hear(notify(0))
      const dues: number[] = []
      for (let ms = 0; story.registered.notices.length > 0; ms = story.due ?? 0) {
        story.hear(due(ms)).answer(outcome, ms)
        // The reason is repeated after its silence by itself; this is about the attempts.
        if (story.due !== undefined && story.due < COOLDOWN_MS) dues.push(story.due)
        if (ms >= COOLDOWN_MS) break
      }
      expect(dues.slice(0, 5)).toEqual([1000, 3000, 7000, 15_000, 31_000])
    },
  )

  it('[L5-45] comes sooner by chance, so that those that failed together do not return together', () => {
    expect(woken().hear(notify(0)).answer(SILENT, 10, 1).due).toBe(510)
    expect(woken().hear(notify(0)).answer(SILENT, 10, 0).due).toBe(1010)
  })

  it('[L5-45] is not begun after the time in which it is of use', () => {
    const story = woken()
      .hear(notify(0, { usefulUntil: time(1000) }))
      .answer(SILENT, 10)
    expect(story.registered.notices).toEqual([])
    expect(story.registered.ended.at(-1)).toMatchObject({ attempts: 1, end: { type: 'given-up', why: 'timeout' } })
  })

  it('[L5-45] that was due while the process was down is not begun when nobody waits any more', () => {
    const story = woken().hear(notify(0)).answer(SILENT, 10).hear(due(USEFUL_MS))
    expect(story.methods()).toHaveLength(1)
    expect(story.registered.notices).toEqual([])
  })

  it('[L5-14] that is forbidden is the last', () => {
    const story = woken().hear(notify(0)).answer(FORBIDDEN, 10)
    expect(story.registered.ended.at(-1)).toMatchObject({ end: { type: 'given-up', why: 'a private address' } })
  })

  it('[L5-46] delays no other webhook', () => {
    const story = woken('dead', 'alive').hear(notify(0))
    const [, alive] = story.registered.notices
    story.hear(attempted(alive?.id ?? 0, ANSWERED, 10))
    expect(story.registered.notices.map(({ appName }) => appName)).toEqual(['dead'])
  })

  it('[L5-30] is not repeated once the client has come; what is under way is let go', () => {
    const story = woken('a', 'b').hear(notify(0))
    const [a] = story.registered.notices
    story.hear(attempted(a?.id ?? 0, SILENT, 10), clientOnline(20)).answer(SILENT, 30)
    expect(story.registered.notices).toEqual([])
    expect(story.registered.ended.map(({ appName, end }) => [appName, end.type])).toContainEqual(['a', 'given-up'])
    expect(story.due).toBeUndefined()
  })

  it('[L5-47] that was under way when the client came does not stand for what came after it went', () => {
    const story = woken().hear(notify(0), clientOnline(10), notify(20))
    expect(story.methods()).toEqual(['payment_incoming'])
    story.answer(ANSWERED, 30)
    expect(story.methods()).toEqual(['payment_incoming', 'payment_incoming'])
    expect(story.registered.notices).toHaveLength(1)
  })

  it('that was reported twice, or of a webhook that is gone, changes nothing', () => {
    const story = woken().hear(notify(0)).answer(ANSWERED, 10)
    const { state } = story
    expect(story.hear(attempted(1, SILENT, 20)).state).toBe(state)
    const replaced = woken().hear(notify(0), set({ url: `${URL}2`, at: time(5) }))
    expect(replaced.registered.notices.map(({ method }) => method)).toEqual(['lsps5.webhook_registered'])
    expect(replaced.hear(attempted(1, SILENT, 20)).ignored).toBe('it is not under way')
  })

  it('is kept for people, a few of them', () => {
    const story = woken()
    for (let n = 0; n < MAX_ENDED + 5; n += 1) {
      const ms = 1000 * n
      story
        .hear(notify(ms))
        .answer(ANSWERED, ms + 1)
        .hear(clientOnline(ms + 2))
    }
    expect(story.registered.ended).toHaveLength(MAX_ENDED)
  })

  it('is kept as long as nothing else ends when more than a few end at once: each is reported', () => {
    const names = Array.from({ length: MAX_ENDED }, (_, number) => `${number}`)
    const story = woken(...names)
      .hear(notify(0), expirySoon(0, 900_144))
      .answer(UNSENT, 10)
      .hear(clientOnline(20))
    expect(story.registered.ended.filter(({ at }) => at === time(20))).toHaveLength(2 * MAX_ENDED)
    story.hear(notify(30)).answer(ANSWERED, 40)
    expect(story.registered.ended).toHaveLength(MAX_ENDED)
  })
})

describe('how long a webhook is kept', () => {
  const WEEKS = 10 * RETENTION_MS

  it('[L5-12] for ever while the client has a channel', () => {
    const story = woken()
    expect(story.due).toBeUndefined()
    expect(story.hear(due(WEEKS)).registered.webhooks).toHaveLength(1)
  })

  it('[L5-12] seven days after the last channel is closed', () => {
    const story = woken().hear({ type: 'last-channel-closed', retentionMs: RETENTION_MS, at: time(WEEKS) })
    expect(story.due).toBe(WEEKS + RETENTION_MS)
    expect(story.hear(due(WEEKS + RETENTION_MS - 1)).state.tag).toBe('registered')
    expect(story.hear(due(WEEKS + RETENTION_MS)).state.tag).toBe('forgotten')
  })

  it('[L5-12] seven days after it was set, or set again, without a channel', () => {
    const story = new Story().hear(set({ hasChannel: false })).answer(ANSWERED, 0)
    story.hear(set({ hasChannel: false, appName: 'other' })).answer(ANSWERED, 0)
    story.hear(set({ hasChannel: false, at: time(DAY_MS) }), due(RETENTION_MS))
    expect(story.registered.webhooks.map(({ appName }) => appName)).toEqual(['wallet'])
    expect(story.due).toBe(DAY_MS + RETENTION_MS)
  })

  it('[L5-12] for ever again when a channel is opened in time', () => {
    const story = new Story().hear(set({ hasChannel: false })).answer(ANSWERED, 0)
    story.hear({ type: 'channel-opened', at: time(DAY_MS) }, due(WEEKS))
    expect(story.state.tag).toBe('registered')
  })

  it('[L5-21] until it is removed; what was to be said to it is not', () => {
    const story = woken('a', 'b')
      .hear(notify(0))
      .answer(SILENT, 10)
      .hear({ type: 'remove', appName: 'a', at: time(20) })
    expect(story.registered.notices.map(({ appName }) => appName)).toEqual(['b'])
    story.hear({ type: 'remove', appName: 'a', at: time(21) })
    expect(story.ignored).toBe('no webhook of this name')
    expect(story.hear({ type: 'remove', appName: 'b', at: time(22) }).state.tag).toBe('forgotten')
    expect(story.hear(set({ at: time(23) })).state.tag).toBe('registered')
  })

  it('gives no notice the number of an earlier one, also after it was forgotten', () => {
    const story = woken().hear({ type: 'remove', appName: 'wallet', at: time(1) })
    const first = story.state.nextNotice
    story.hear(set({ at: time(2) }))
    expect(story.registered.notices.map(({ id }) => id)).toEqual([first])
  })
})
