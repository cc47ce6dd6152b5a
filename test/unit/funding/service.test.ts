import { describe, expect, it } from 'vitest'
import { place } from '../../../src/funding/machine.ts'
import { transactionId } from '../../../src/funding/psbt.ts'
import { FundingService } from '../../../src/funding/service.ts'
import { Funding, FundingEffect, type FundingNews } from '../../../src/funding/states.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import type { Channel, ClosedChannel, LndPort, PendingChannel } from '../../../src/lnd/port.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { fundedPsbt, signPsbt, witnessScript } from '../../../src/sandbox/psbt.ts'
import { openMemoryStore } from '../../../src/store/memory.ts'
import { Table } from '../../../src/store/table.ts'
import { CHAN_ID, CHANNEL, CLOSED, FUNDING_CONFIG, ORDER, standing } from './samples.ts'

const COIN = { outpoint: `${'aa'.repeat(32)}:3`, script: witnessScript(new Uint8Array(20).fill(3)), value: 300_000n }
const PSBT = fundedPsbt([COIN], [{ script: witnessScript(new Uint8Array(32).fill(1)), value: ORDER.capacity }])
const OUTPOINT = `${transactionId(signPsbt(PSBT))}:0`
const OPEN: Channel = { ...CHANNEL, outpoint: OUTPOINT }

type Lists = { pending?: PendingChannel[]; open?: Channel[]; closed?: ClosedChannel[] }

/** A service that was stopped between the decision to sign and the signature, and a node that has these channels. */
async function resume(lists: Lists) {
  const store = openMemoryStore()
  const clock = new ManualClock()
  const calls: string[] = []
  const lnd: Partial<LndPort> = {
    pendingChannels: async () => lists.pending ?? [],
    listChannels: async () => lists.open ?? [],
    closedChannels: async () => lists.closed ?? [],
    listLeases: async () => [{ id: ORDER.pendingChannelId, outpoint: COIN.outpoint }],
    releaseOutput: async () => void calls.push('release'),
    finalizePsbt: async (psbt) => {
      calls.push('sign')
      return signPsbt(psbt)
    },
    publishTransaction: async () => void calls.push('publish'),
  }
  const news: FundingNews[] = []
  const deps = { lnd: lnd as LndPort, store, clock, log: silentLog, onFatal: fail }
  const service = new FundingService({ ...deps, notify: async (_, told) => void news.push(told) }, FUNDING_CONFIG)
  const state = { ...standing({ stage: 'signing', psbt: PSBT }, CHAN_ID), outpoint: OUTPOINT }
  await store.commit([
    new Table('funding-live', Funding).put(ORDER.pendingChannelId, state),
    new Table('funding-outbox', FundingEffect).put(`${ORDER.pendingChannelId}/1`, { type: 'sign' }),
  ])
  await service.load()
  const stop = new AbortController()
  const running = service.start(stop.signal)
  await clock.advance(60_000)
  stop.abort(new Error('the test ends'))
  await running
  return { calls, news: news.map(({ type }) => type), state: await service.get(ORDER.pendingChannelId) }
}

function fail(error: unknown): never {
  throw error
}

describe('signing', () => {
  it('goes on where it was stopped when the channel is seen', async () => {
    const { calls, news, state } = await resume({ open: [OPEN] })
    expect(calls).toEqual(['sign', 'publish'])
    expect(news).toEqual(['published'])
    expect(state).toMatchObject({ tag: 'standing', tx: { stage: 'published', raw: signPsbt(PSBT) } })
  })

  it('never happens for a channel that is not to be seen: its coins would belong to nobody', async () => {
    const { calls, state } = await resume({})
    expect(calls).toEqual([])
    expect(state).toMatchObject({ tag: 'standing', tx: { stage: 'signing' } })
  })

  it('never happens when the channel of the order has another outpoint', async () => {
    const other = { ...OPEN, outpoint: `${'ee'.repeat(32)}:0` }
    expect((await resume({ open: [other] })).calls).toEqual([])
  })

  it('happens for a channel that is closing: the client may have been paid in it', async () => {
    const { peer, memo } = ORDER
    const closing = { peer, memo, outpoint: OUTPOINT, stage: 'closing' as const }
    expect((await resume({ pending: [closing] })).calls).toEqual(['sign', 'publish'])
  })

  it('does not happen for a channel that is closed: its coins are let go', async () => {
    const { calls, news, state } = await resume({ closed: [{ ...CLOSED, outpoint: OUTPOINT }] })
    expect(calls).toEqual(['release'])
    expect(news).toEqual(['channel-closed'])
    expect(state?.tag).toBe('lost')
  })
})

describe('an order', () => {
  it('that is placed twice under one id is one order', async () => {
    const store = openMemoryStore()
    const deps = { lnd: {} as LndPort, store, clock: new ManualClock(), log: silentLog, onFatal: fail }
    const service = new FundingService({ ...deps, notify: async () => undefined }, FUNDING_CONFIG)
    await service.open(ORDER)
    await service.open({ ...ORDER, satPerVbyte: 99 })
    expect([...service.live.values()]).toEqual([place(ORDER).state])
    expect(service.outboxDepth).toBe(1)
  })
})

describe('a channel that is to become active', () => {
  /** It is not active at the first look. After that the disk takes a batch and never ends; the owner writes, too. */
  async function watch(listed: Channel[] = [{ ...OPEN, active: false }]) {
    let [channel] = listed
    let looks = 0
    let longLooks = 0
    let stopDisk = false
    const never = new Promise<void>(() => undefined)
    let batch: readonly string[] = []
    const store = openMemoryStore({
      async onBatch(_stage, writes) {
        batch = writes.map(({ table }) => table)
        if (stopDisk) await never
      },
    })
    const lnd: Partial<LndPort> = {
      async listChannels() {
        looks += 1
        return channel === undefined ? [] : [channel]
      },
      async pendingChannels() {
        longLooks += 1
        return [{ peer: ORDER.peer, memo: ORDER.memo, outpoint: OUTPOINT, stage: 'opening' }]
      },
    }
    const news: FundingNews[] = []
    const deps = { lnd: lnd as LndPort, store, clock: new ManualClock(), log: silentLog, onFatal: fail }
    const notify = (_: unknown, told: FundingNews) => {
      news.push(told)
      return store.commit([{ type: 'put', table: 'owner', key: '1', value: told.type }])
    }
    const service = new FundingService({ ...deps, notify }, FUNDING_CONFIG)
    const state = { ...standing({ stage: 'unsigned', psbt: PSBT }), outpoint: OUTPOINT }
    await store.commit([
      new Table('funding-live', Funding).put(ORDER.pendingChannelId, state),
      new Table('funding-outbox', FundingEffect).put(`${ORDER.pendingChannelId}/1`, { type: 'watch-active' }),
    ])
    await service.load()
    void service.start(new AbortController().signal)
    await turns()
    stopDisk = true
    const become = (active: boolean) => {
      channel = { ...OPEN, active }
    }
    return { service, news, become, looks: () => looks, longLooks: () => longLooks, batch: () => batch }
  }

  it('is looked at when lnd says that it is active or closed, not at the news of others', async () => {
    const { service, looks } = await watch()
    expect(looks()).toBe(1)
    for (const type of ['pending', 'open', 'inactive'] as const) service.onChannelEvent({ type, outpoint: OUTPOINT })
    service.onChannelEvent({ type: 'active', outpoint: `${'ee'.repeat(32)}:0` })
    await turns()
    expect(looks()).toBe(1)
    service.onChannelEvent({ type: 'active', outpoint: OUTPOINT })
    await turns()
    expect(looks()).toBe(2)
    service.onChannelEvent()
    await turns()
    expect(looks()).toBe(3)
  })

  it('is not searched for in lnd’s longest list before its event or a second passes, while it is not listed yet', async () => {
    const { service, news, become, looks, longLooks } = await watch([])
    expect([looks(), longLooks()]).toEqual([1, 0])
    service.onChannelEvent()
    await turns()
    expect(longLooks()).toBe(1)
    become(true)
    service.onChannelEvent({ type: 'active', outpoint: OUTPOINT })
    await turns()
    expect(news).toMatchObject([{ type: 'channel-active' }])
  })

  it('is told to its owner in time for the owner’s commit to follow in the same batch, and not before', async () => {
    const { service, news, become, batch } = await watch()
    become(true)
    service.onChannelEvent({ type: 'active', outpoint: OUTPOINT })
    await turns()
    expect(news).toEqual([{ type: 'channel-active', outpoint: OUTPOINT, chanId: OPEN.chanId }])
    expect(batch()).toEqual(['funding-live', 'funding-outbox', 'funding-outbox', 'funding-outbox', 'owner'])
    expect(service.live.get(ORDER.pendingChannelId)).toMatchObject({ tx: { stage: 'unsigned' } })
  })
})

/** Until nothing but timers and the disk is waited for. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
