import { describe, expect, it } from 'vitest'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import type { NodeId } from '../../../lsps/base/node-id.ts'
import { flightSteps } from '../../../src/journal/flight.ts'
import {
  ANSWERED,
  CALLED,
  CAME,
  type EndOfCall,
  LATE_MS,
  MAX_WAKE_STEPS,
  NOT_REACHED,
  WakeUps,
} from '../../../src/journal/wake-ups.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { openMemoryStore } from '../../../src/store/memory.ts'

const CLIENT = `02${'ab'.repeat(32)}` as NodeId
const METHOD = 'lsps5.payment_incoming'
const HOLD_MS = 90_000
const SALE = '16000000x1x1'

function setUp() {
  const clock = new ManualClock()
  const store = openMemoryStore()
  const fatal: unknown[] = []
  const open = () => new WakeUps({ store, clock, log: silentLog, onFatal: (error) => fatal.push(error) })
  const wakeUps = open()
  const called = (subject = SALE, to = wakeUps) =>
    to.called({ client: CLIENT, method: METHOD, subject, usefulUntil: (clock.now() + HOLD_MS) as Timestamp })
  const ended = (end: EndOfCall['end'], attempts = 1) => {
    const at = clock.now()
    const raisedAt = (at - 120) as Timestamp
    wakeUps.ended(CLIENT, { appName: 'My Wallet', method: METHOD, raisedAt, attempts, at, end })
  }
  const steps = async (subject = SALE) => {
    await clock.advance(0)
    return (await flightSteps(store, subject)).map(({ what, detail }) => ({ what, ...detail }))
  }
  return { clock, wakeUps, open, called, ended, steps, fatal }
}

describe('the record of a wake-up', () => {
  it('says that the client was called, what its webhooks answered, and how long it took to come', async () => {
    const { clock, wakeUps, called, ended, steps } = setUp()
    called()
    called() // another part of the payment
    ended({ type: 'answered', status: 200 }, 2)
    ended({ type: 'given-up', why: 'unreachable: ECONNREFUSED' }, 5)
    await clock.advance(3_200)
    wakeUps.came(CLIENT)
    wakeUps.came(CLIENT)
    expect(await steps()).toEqual([
      { what: CALLED, notification: METHOD },
      { what: ANSWERED, webhook: 'My Wallet', answer: '200 after 120 ms, 2 attempts' },
      { what: NOT_REACHED, webhook: 'My Wallet', given_up: 'after 5 attempts: unreachable: ECONNREFUSED' },
      { what: CAME, after: '3.2 s' },
    ])
    expect(wakeUps.report).toEqual({ calls: 1, answered: 1, unanswered: 1, came: 1, median_ms: 3_200 })
  })

  it('is of each sale that waited, and an answer may come after the client', async () => {
    const { clock, wakeUps, called, ended, steps } = setUp()
    called('16000000x1x1')
    called('16000000x1x2')
    await clock.advance(500)
    wakeUps.came(CLIENT)
    ended({ type: 'answered', status: 200 })
    ended({ type: 'given-up', why: 'the client came' })
    for (const sale of ['16000000x1x1', '16000000x1x2'])
      expect((await steps(sale)).map(({ what }) => what)).toEqual([CALLED, CAME, ANSWERED])
    expect(wakeUps.report).toMatchObject({ calls: 1, answered: 1, unanswered: 0 })
  })

  it('tells of a client that came too late, and not of one that came by itself long after', async () => {
    const { clock, wakeUps, called, steps } = setUp()
    called()
    await clock.advance(HOLD_MS + 1_000)
    wakeUps.came(CLIENT)
    expect((await steps()).at(-1)).toMatchObject({ what: CAME, after: '91.0 s', late: expect.any(String) })
    called()
    await clock.advance(HOLD_MS + LATE_MS + 1_000)
    wakeUps.came(CLIENT)
    expect((await steps()).map(({ what }) => what)).toEqual([CALLED, CAME, CALLED])
    expect(wakeUps.report).toEqual({ calls: 2, answered: 0, unanswered: 0, came: 0 })
  })

  it('goes on after a restart: the call stands there once, and is what the client is waited for from', async () => {
    const { clock, called, open, steps } = setUp()
    called()
    await clock.advance(2_000)
    const next = open()
    called(SALE, next)
    await clock.advance(1_000)
    next.came(CLIENT)
    expect(await steps()).toEqual([
      { what: CALLED, notification: METHOD },
      { what: CAME, after: '3.0 s' },
    ])
  })

  it('does not grow without end', async () => {
    const { clock, wakeUps, called, ended, steps } = setUp()
    for (let round = 0; round < MAX_WAKE_STEPS; round += 1) {
      called()
      ended({ type: 'answered', status: 500 })
      await clock.advance(1_000)
      wakeUps.came(CLIENT)
    }
    expect(await steps()).toHaveLength(MAX_WAKE_STEPS)
    wakeUps.came(`03${'cd'.repeat(32)}` as NodeId)
    wakeUps.ended(`03${'cd'.repeat(32)}` as NodeId, {} as EndOfCall)
    expect(wakeUps.report.unanswered).toBe(MAX_WAKE_STEPS)
  })
})
