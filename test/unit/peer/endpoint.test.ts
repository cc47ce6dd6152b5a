import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import { method } from '../../../lsps/base/method.ts'
import type { NodeId } from '../../../lsps/base/node-id.ts'
import { LSPS_MESSAGE_TYPE } from '../../../lsps/rpc/framing.ts'
import { service } from '../../../lsps/rpc/server.ts'
import { Limits } from '../../../src/callers/limits.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { createPeerEndpoint, type PeerContext } from '../../../src/peer/endpoint.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'

const PEER = `02${'11'.repeat(32)}` as NodeId
const LIMITS = { requestsPerSecond: 1, burst: 2, maxPendingPerCaller: 2, maxPending: 3 }

const table = {
  'lsps2.buy': method({
    summary: '',
    params: z.strictObject({ fail: z.boolean().optional() }),
    result: z.object({ scid: z.number() }),
    faults: [],
  }),
}

function endpoint(limits = { ...LIMITS, burst: 100, requestsPerSecond: 100 }) {
  const clock = new ManualClock()
  const sent: Record<string, unknown>[] = []
  let sold = 0
  const { onMessage } = createPeerEndpoint(
    {
      lnd: {
        sendCustomMessage: async ({ data }) => {
          sent.push(JSON.parse(Buffer.from(data).toString('utf8')))
        },
      },
      clock,
      log: silentLog,
      services: [
        service<typeof table, PeerContext>(table, {
          'lsps2.buy': async (_, { fail }) => {
            sold += 1
            if (fail === true) throw new Error('no luck')
            return { scid: sold }
          },
        }),
      ],
    },
    limits,
  )
  const send = async (message: unknown, type = LSPS_MESSAGE_TYPE) => {
    const data = new Uint8Array(Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)))
    onMessage({ peer: PEER, type, data }, new AbortController().signal)
    await clock.settle()
  }
  return { clock, sent, send, sold: () => sold }
}

const buy = (id: string, params: object = {}) => ({ jsonrpc: '2.0', id, method: 'lsps2.buy', params })

describe('the peer endpoint', () => {
  it('[L0-44] gives a repeated purchase the first answer and does not sell twice', async () => {
    const { sent, send, sold } = endpoint()
    await send(buy('a'))
    await send(buy('a'))
    await send(buy('b'))
    expect(sold()).toBe(2)
    expect(sent.map(({ id, result }) => [id, result])).toEqual([
      ['a', { scid: 1 }],
      ['a', { scid: 1 }],
      ['b', { scid: 2 }],
    ])
  })

  it('[L0-44] tries again what failed', async () => {
    const { send, sold } = endpoint()
    await send(buy('a', { fail: true }))
    await send(buy('a', { fail: true }))
    expect(sold()).toBe(2)
  })

  it('[L0-44] keeps the first answer when a repetition comes too fast', async () => {
    const { clock, sent, send, sold } = endpoint(LIMITS)
    await send(buy('a'))
    await send(buy('a'))
    await send(buy('a'))
    expect(sent.at(-1)).toMatchObject({ id: 'a', error: { code: 1 } })
    await clock.advance(5_000)
    await send(buy('a'))
    expect(sent.at(-1)).toMatchObject({ id: 'a', result: { scid: 1 } })
    expect(sold()).toBe(1)
  })

  it('ignores other types, and answers a peer that is too fast with error 1', async () => {
    const { sent, send } = endpoint(LIMITS)
    await send(buy('a'), 37_915)
    expect(sent).toEqual([])
    for (const id of ['a', 'b', 'c']) await send(buy(id))
    expect(sent.map((reply) => 'error' in reply)).toEqual([false, false, true])
  })

  it('stops answering bad messages of a peer that sends too many', async () => {
    const { sent, send } = endpoint(LIMITS)
    for (let n = 0; n < 10; n += 1) await send('{')
    expect(sent).toHaveLength(2)
  })
})

describe('limits', () => {
  const at = (ms: number) => ms as Timestamp

  it('let a burst through, then the sustained rate', () => {
    const limits = new Limits({ ...LIMITS, maxPendingPerCaller: 100, maxPending: 100 })
    const admitted = (ms: number) => limits.admit(PEER, at(ms)) === undefined
    expect([admitted(0), admitted(0), admitted(0), admitted(1_000), admitted(1_000), admitted(2_500)]).toEqual([
      true,
      true,
      false,
      true,
      false,
      true,
    ])
  })

  it('tell a peer as often that it asks too much, and then do not listen until it may ask again', () => {
    const limits = new Limits({ ...LIMITS, maxPendingPerCaller: 100, maxPending: 100 })
    const heard = (ms: number) => limits.listens(PEER, at(ms)) && limits.admit(PEER, at(ms))
    expect([heard(0), heard(0), heard(0), heard(0), heard(0), heard(500), heard(1_000)]).toEqual([
      undefined,
      undefined,
      'rate',
      'rate',
      false,
      false,
      undefined,
    ])
  })

  it('bound what waits for its answer, per peer and in all', () => {
    const limits = new Limits({ ...LIMITS, burst: 100 })
    const other = `03${'22'.repeat(32)}` as NodeId
    expect(limits.admit(PEER, at(0))).toBeUndefined()
    expect(limits.admit(PEER, at(0))).toBeUndefined()
    expect(limits.admit(PEER, at(0))).toBe('pending-per-caller')
    expect(limits.admit(other, at(0))).toBeUndefined()
    expect(limits.admit(other, at(0))).toBe('pending')
    limits.done(PEER)
    expect(limits.admit(other, at(0))).toBeUndefined()
  })
})
