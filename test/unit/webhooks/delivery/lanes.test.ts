import { setMaxListeners } from 'node:events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../../src/sandbox/manual-clock.ts'
import { DELIVERY_LIMITS } from '../../../../src/webhooks/delivery/delivery.ts'
import {
  type Conduct,
  type Destination,
  type LaneLimits,
  Lanes,
  noConducts,
  type Pass,
} from '../../../../src/webhooks/delivery/lanes.ts'

const LIMITS: LaneLimits = {
  inFlight: 6,
  inFlightUnproven: 4,
  perHost: 3,
  perUnprovenHost: 2,
  waiting: 8,
  waitingUnproven: 6,
  waitingPerHost: 4,
  waitMs: 1_000,
}
const SIGNAL = new AbortController().signal
setMaxListeners(0, SIGNAL) // one for each that waits

const lanesOf = (limits = LIMITS, clock = new ManualClock()) => new Lanes(limits, clock, noConducts())
const at = (host: string, port = 443): Destination => ({ host, origin: `https://${host}:${port}`, lastTime: 'unknown' })

async function passOf(lanes: Lanes, host: string): Promise<Pass> {
  const pass = await lanes.enter(at(host), SIGNAL)
  if (pass === undefined) throw new Error(`no pass for ${host}`)
  return pass
}

async function prove(lanes: Lanes, ...hosts: readonly string[]): Promise<void> {
  for (const host of hosts) (await passOf(lanes, host)).leave('answered')
}

/** Asks for a pass and notes what comes of it. */
function ask(lanes: Lanes, where: string | Destination, signal = SIGNAL) {
  const asked: { pass?: Pass; refused?: true; error?: unknown } = {}
  lanes.enter(typeof where === 'string' ? at(where) : where, signal).then(
    (pass) => Object.assign(asked, pass === undefined ? { refused: true } : { pass }),
    (error) => Object.assign(asked, { error }),
  )
  return asked
}

describe('the lanes', () => {
  it('let in as many as one host may have, more when it is known to answer', async () => {
    const [lanes, clock] = [lanesOf(), new ManualClock()]
    const unproven = [1, 2, 3].map(() => ask(lanes, 'a'))
    await clock.settle()
    expect(unproven.map(({ pass }) => pass !== undefined)).toEqual([true, true, false])
    unproven[0]?.pass?.leave('answered')
    await clock.settle()
    const proven = [1, 2, 3].map(() => ask(lanes, 'a'))
    await clock.settle()
    expect(unproven[2]?.pass).toBeDefined()
    expect(proven.map(({ pass }) => pass !== undefined)).toEqual([true, true, false])
  })

  it('[L5-46] let hosts that hang hold no more than their share, so that others go on', async () => {
    const [lanes, clock] = [lanesOf(), new ManualClock()]
    await prove(lanes, 'good')
    const hanging = ['x', 'x', 'y', 'y', 'z', 'z'].map((host) => ask(lanes, host))
    await clock.settle()
    expect(hanging.filter(({ pass }) => pass !== undefined)).toHaveLength(4)
    const good = [ask(lanes, 'good'), ask(lanes, 'good')]
    await clock.settle()
    expect(good.every(({ pass }) => pass !== undefined)).toBe(true)
    expect(lanes.inFlight).toBe(6)
  })

  it('[L5-46] give a host that does not answer no more places for being named with many ports', async () => {
    const [lanes, clock] = [lanesOf(), new ManualClock()]
    const hanging = Array.from({ length: 4 }, (_, port) => ask(lanes, at('hangs', 2000 + port)))
    await clock.settle()
    expect(hanging.filter(({ pass }) => pass !== undefined)).toHaveLength(2)
    const other = ask(lanes, 'other')
    await clock.settle()
    expect(other.pass).toBeDefined()
  })

  it('[L5-46] take no place or standing from a port that answers when others of its host are named', async () => {
    const [lanes, clock] = [lanesOf(), new ManualClock()]
    await prove(lanes, 'good')
    const hanging = [2000, 2001].map((port) => ask(lanes, at('good', port)))
    await clock.settle()
    hanging[0]?.pass?.leave('silent')
    const good = [1, 2, 3].map(() => ask(lanes, 'good'))
    await clock.settle()
    expect(good.every(({ pass }) => pass !== undefined)).toBe(true)
  })

  it('let those that wait go to the end of the line of others when their host falls silent, and back', async () => {
    const [lanes, clock] = [lanesOf({ ...LIMITS, perHost: 1, perUnprovenHost: 1 }), new ManualClock()]
    await prove(lanes, 'a')
    const first = await passOf(lanes, 'a')
    const [second, third] = [ask(lanes, 'a'), ask(lanes, 'a')]
    first.leave('silent')
    await clock.settle()
    expect([second.pass !== undefined, third.pass !== undefined, lanes.waiting]).toEqual([true, false, 1])
    second.pass?.leave('answered')
    await clock.settle()
    expect([third.pass !== undefined, lanes.waiting]).toEqual([true, 0])
  })

  it('believe a record of a host until they know better', async () => {
    const [lanes, clock] = [lanesOf({ ...LIMITS, inFlightUnproven: 0 }), new ManualClock()]
    const known = { ...at('known'), lastTime: 'answered' } as const
    const [entered, unknown] = [ask(lanes, known), ask(lanes, 'unknown')]
    await clock.settle()
    expect([entered.pass !== undefined, unknown.pass !== undefined]).toEqual([true, false])
    entered.pass?.leave('silent')
    const again = ask(lanes, known)
    await clock.settle()
    expect(again.pass).toBeUndefined()
  })

  it('take turns by host: who has much waiting does not stand before others', async () => {
    const clock = new ManualClock()
    const lanes = lanesOf({ ...LIMITS, inFlight: 1, inFlightUnproven: 1 }, clock)
    const running = await passOf(lanes, 'first')
    const order: string[] = []
    const come = (host: string) =>
      lanes.enter(at(host), SIGNAL).then((pass) => {
        order.push(host)
        pass?.leave('silent')
      })
    const all = ['a', 'a', 'a', 'b', 'c', 'c'].map(come)
    running.leave('silent')
    await Promise.all(all)
    expect(order).toEqual(['a', 'b', 'c', 'a', 'c', 'a'])
  })

  it('let hosts that are known and others take turns', async () => {
    const clock = new ManualClock()
    const lanes = lanesOf({ ...LIMITS, inFlight: 1, inFlightUnproven: 1 }, clock)
    await prove(lanes, 'known', 'known2')
    const running = await passOf(lanes, 'first')
    const order: string[] = []
    const come = (host: string) =>
      lanes.enter(at(host), SIGNAL).then((pass) => {
        order.push(host)
        pass?.leave('unknown')
      })
    const all = ['known', 'known', 'known2', 'new', 'new2'].map(come)
    running.leave('unknown')
    await Promise.all(all)
    expect(order.slice(0, 4).filter((host) => host.startsWith('new'))).toHaveLength(2)
  })

  it('refuse at once when too many wait: for one host, for all that are not known, for all', async () => {
    const clock = new ManualClock()
    const lanes = lanesOf({ ...LIMITS, inFlight: 1, inFlightUnproven: 1 }, clock)
    await prove(lanes, 'known')
    await passOf(lanes, 'first')
    const crowd = Array.from({ length: 5 }, () => ask(lanes, 'a'))
    const others = ['b', 'c', 'd'].map((host) => ask(lanes, host))
    const known = Array.from({ length: 3 }, () => ask(lanes, 'known'))
    await clock.settle()
    expect(crowd.map(({ refused }) => refused)).toEqual([undefined, undefined, undefined, undefined, true])
    expect(others.map(({ refused }) => refused)).toEqual([undefined, undefined, true])
    expect(known.map(({ refused }) => refused)).toEqual([undefined, undefined, true])
    expect(lanes.waiting).toBe(8)
  })

  it('let nobody wait for longer than is of use, or after an abort', async () => {
    const clock = new ManualClock()
    const lanes = lanesOf({ ...LIMITS, inFlight: 1, inFlightUnproven: 1 }, clock)
    const running = await passOf(lanes, 'first')
    const leaving = new AbortController()
    const [late, left, last] = [ask(lanes, 'a'), ask(lanes, 'b', leaving.signal), ask(lanes, 'c')]
    leaving.abort(new Error('gone'))
    await clock.advance(999)
    expect(left.error).toEqual(new Error('gone'))
    expect(lanes.waiting).toBe(2)
    await clock.advance(1)
    expect([late.refused, last.refused]).toEqual([true, true])
    expect(lanes.waiting).toBe(0)
    running.leave('silent')
    running.leave('silent')
    expect(lanes.inFlight).toBe(0)
  })

  it('keep every limit, lose nobody and hand out no turn twice, whatever happens in which order', async () => {
    const host = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const conduct = fc.constantFrom<Conduct>('answered', 'silent', 'unknown')
    const step = fc.oneof(
      fc.record({ do: fc.constant('enter' as const), host }),
      fc.record({ do: fc.constant('leave' as const), at: fc.nat(50), conduct }),
      fc.record({ do: fc.constant('abort' as const), at: fc.nat(50) }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.nat(700) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const clock = new ManualClock()
        const lanes = lanesOf(LIMITS, clock)
        const asked: { host: string; is: ReturnType<typeof ask>; leaving: AbortController; out: boolean }[] = []
        const inside = () => asked.filter(({ is, out }) => is.pass !== undefined && !out)
        const waiting = () => asked.filter(({ is }) => is.pass === undefined && !is.refused && is.error === undefined)
        const leave = (one: (typeof asked)[number] | undefined, how: Conduct) => {
          if (one === undefined) return
          one.out = true
          one.is.pass?.leave(how)
        }
        for (const one of steps) {
          if (one.do === 'enter') {
            const leaving = new AbortController()
            asked.push({ host: one.host, is: ask(lanes, one.host, leaving.signal), leaving, out: false })
          }
          if (one.do === 'leave') leave(inside()[one.at % Math.max(1, inside().length)], one.conduct)
          if (one.do === 'abort') waiting()[one.at % Math.max(1, waiting().length)]?.leaving.abort(new Error('gone'))
          await clock.advance(one.do === 'wait' ? one.ms : 0)
          expect(lanes.inFlight).toBe(inside().length)
          expect(lanes.waiting).toBe(waiting().length)
          expect(lanes.inFlight).toBeLessThanOrEqual(LIMITS.inFlight)
          expect(lanes.waiting).toBeLessThanOrEqual(LIMITS.waiting)
          // Those that began before it answered, or fell silent, count where they began.
          const most = LIMITS.perHost + LIMITS.perUnprovenHost
          for (const name of 'abcde') {
            expect(inside().filter((other) => other.host === name).length).toBeLessThanOrEqual(most)
          }
        }
        for (let round = 0; round < 100 && inside().length > 0; round += 1) {
          for (const one of inside()) leave(one, 'silent')
          await clock.settle()
        }
        expect(waiting()).toEqual([])
        expect([lanes.inFlight, lanes.waiting]).toEqual([0, 0])
      }),
      { numRuns: 100 },
    )
  })

  it('[L5-46] carry 1,000 per second to 200 hosts of which a tenth hang, and the others do not wait', async () => {
    const clock = new ManualClock()
    const lanes = lanesOf(DELIVERY_LIMITS['wake-up'], clock)
    const [answerMs, hangMs] = [100, 8_000]
    const waits: number[] = []
    let answered = 0
    const send = async (host: number) => {
      const hangs = host % 10 === 0
      const from = clock.now()
      const pass = await lanes.enter(at(`host-${host}`), SIGNAL)
      if (!hangs) waits.push(pass === undefined ? Number.POSITIVE_INFINITY : clock.now() - from)
      if (pass === undefined) return
      await clock.sleep(hangs ? hangMs : answerMs, SIGNAL)
      pass.leave(hangs ? 'silent' : 'answered')
      if (!hangs) answered += 1
    }
    const all: Promise<void>[] = []
    for (let number = 0; number < 4_000; number += 1) {
      all.push(send(number % 200))
      if (number % 10 === 9) await clock.advance(10)
    }
    await clock.advance(200)
    expect(answered).toBe(3_600)
    expect(Math.max(...waits)).toBe(0)
    await clock.until(() => lanes.inFlight === 0 && lanes.waiting === 0, 'the end of those that hang')
    await Promise.all(all)
  })
})
