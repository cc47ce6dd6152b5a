import { describe, expect, it } from 'vitest'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { scidFromNumber } from '../../lsps/base/scid.ts'
import { Limits, MAX_TRACKED_CALLERS } from '../../src/callers/limits.ts'
import { MAX_REFUSALS } from '../../src/jit/parts.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createInterceptorSession } from '../../src/lnd/interceptor.ts'
import type { RawAnswer, RawOffer } from '../../src/lnd/raw.ts'
import { createPeerEndpoint, MAX_UNSENT_PER_PEER } from '../../src/peer/endpoint.ts'
import { ManualClock } from '../../src/sandbox/manual-clock.ts'
import { SeededRandom } from '../../src/sandbox/random.ts'
import { createWorld } from '../../src/sandbox/world.ts'
import { startSidecar } from '../../src/sidecar.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/port.ts'
import { Simulation, type SimulationOptions, testConfig } from './simulation.ts'

const AMOUNT = 100_000_000n
const LOST_FEES = { lsps2: { without_require_interceptor: 'accept_lost_fees' } }

async function prepare(options: SimulationOptions = {}) {
  const simulation = new Simulation(options)
  await simulation.start()
  const wallet = simulation.world.addWallet()
  wallet.connect()
  const bought = await simulation.buy(wallet, AMOUNT)
  const pay = (amount = AMOUNT) => simulation.pay({ ...bought, amount }, wallet.invoice({ amount, maxFee: bought.fee }))
  return { simulation, wallet, bought, pay }
}

describe('the order of a channel', () => {
  it('stands when the sidecar dies beside it and knows no feerate when it comes back', async () => {
    const undisturbed = await prepare()
    undisturbed.simulation.world.record()
    await undisturbed.simulation.outcome(undisturbed.pay().result, 'the payment to end')
    const count = undisturbed.simulation.world.points.length
    const broken: string[] = []
    for (let index = 0; index < count; index += 1) {
      const { simulation, wallet, bought, pay } = await prepare()
      simulation.world.killAt(index)
      const payment = pay()
      await simulation.clock.until(() => simulation.world.points.length > index, 'the sidecar to die', 60_000)
      simulation.world.node.feerate = 5_000
      await simulation.advance(20_000)
      simulation.world.node.feerate = 2
      await simulation.advance(100_000)
      if (payment.outcome?.status !== 'settled') await simulation.outcome(pay().result, 'the second payment to end')
      await simulation.rest()
      const wrong = [...simulation.violations()]
      if (simulation.state(bought.scid) !== 'paid') wrong.push(`the sale is ${simulation.state(bought.scid)}`)
      if (wallet.channels.size !== 1) wrong.push(`${wallet.channels.size} channels`)
      if (wrong.length > 0) broken.push(`${index}: ${wrong.join('; ')}`)
    }
    expect(broken).toEqual([])
  })
})

describe('news of an order that ended', () => {
  it('are not taken for those of the next one, which is opened once', async () => {
    /** The client leaves before it signs, and the payment goes back. */
    const refusal = async (disturb: (simulation: Simulation) => void) => {
      const story = await prepare()
      const { simulation, wallet, pay } = story
      wallet.setOpenPolicy('hang-sign')
      const first = pay()
      await simulation.advance(1_000)
      disturb(simulation)
      wallet.disconnect()
      return { ...story, first }
    }
    const { simulation: undisturbed, first } = await refusal(({ world }) => world.record())
    await undisturbed.outcome(first.result, 'the first payment to end')
    const { points } = undisturbed.world
    const commits = points.flatMap((point, index) => (point.startsWith('commit#') ? [index] : []))
    const broken: string[] = []
    for (const index of commits) {
      const { simulation, wallet, bought, pay } = await refusal(({ world }) => world.killAt(index))
      await simulation.clock.until(() => simulation.world.points.length > index, 'the sidecar to die', 60_000)
      wallet.setOpenPolicy('accept')
      wallet.connect()
      // The payer tries again while the sidecar starts: as soon as it could hold a payment.
      let second: ReturnType<typeof pay> | undefined
      simulation.onStart = () => {
        simulation.onStart = undefined
        const attached = () => simulation.world.points.some((point) => point.startsWith('getInfo#'))
        void simulation.clock.until(attached, 'the sidecar to attach', 60_000).then(() => {
          second = pay()
        })
      }
      await simulation.until(() => second?.outcome !== undefined, 'the second payment to end')
      if (second?.outcome?.status !== 'settled') await simulation.outcome(pay().result, 'the third payment to end')
      await simulation.rest()
      const wrong = [...simulation.violations()]
      if (simulation.state(bought.scid) !== 'paid') wrong.push(`the sale is ${simulation.state(bought.scid)}`)
      if (wallet.channels.size !== 1) wrong.push(`${wallet.channels.size} channels`)
      if (wrong.length > 0) broken.push(`${index} ${points[index]}: ${wrong.join('; ')}`)
    }
    expect(broken).toEqual([])
  })
})

describe('an order that was not placed before its offer ended', () => {
  it('is not placed afterwards: the sidecar died on the way to it and was away for long', async () => {
    const undisturbed = await prepare()
    undisturbed.simulation.world.record()
    await undisturbed.simulation.outcome(undisturbed.pay().result, 'the payment to end')
    const { points } = undisturbed.simulation.world
    const commits = points.flatMap((point, index) => (point.startsWith('commit#') ? [index] : []))
    for (const index of commits.slice(0, 4)) {
      const { simulation, wallet, bought, pay } = await prepare()
      simulation.world.killAt(index)
      pay()
      await simulation.clock.until(() => simulation.world.points.length > index, 'the sidecar to die', 60_000)
      await simulation.clock.advance(2 * 3_600_000)
      await simulation.advance(60_000)
      await simulation.rest()
      expect(simulation.violations()).toEqual([])
      expect([points[index], simulation.state(bought.scid), wallet.channels.size]).toEqual([
        points[index],
        'abandoned',
        0,
      ])
    }
  })
})

describe('the books', () => {
  it('are not misled by other payments over the channel when nobody heard how one ended', async () => {
    const config = testConfig({ lsps2: { channel_headroom_sat: '400000' } })
    const { simulation, wallet, bought, pay } = await prepare({ config })
    wallet.setPaymentPolicy('fail')
    await simulation.outcome(pay().result, 'the first payment to fail')
    wallet.setPaymentPolicy('claim')
    await simulation.rest()
    // The wallet has its channel and is paid over it as over any other.
    const [channel] = [...wallet.channels]
    const ordinary = wallet.invoice({ amount: AMOUNT })
    const scid = scidFromNumber(channel?.chanId ?? 0n)
    const paid = simulation.world.payer.pay({ hash: ordinary.paymentHash, scid, amount: AMOUNT })
    expect((await simulation.outcome(paid.result, 'the ordinary payment to end')).status).toBe('settled')
    await simulation.advance(60_000)
    // Then the sale's own payment comes, and fails while the sidecar is away.
    wallet.setPaymentPolicy('sit')
    const second = pay()
    await simulation.advance(1_000)
    expect(simulation.state(bought.scid)).toBe('forwarding')
    simulation.kill()
    wallet.setPaymentPolicy('fail')
    await simulation.advance(60_000)
    expect(second.outcome?.status).toBe('failed')
    expect(simulation.journal()).toMatchObject([])
    expect(simulation.state(bought.scid)).toBe('owed')
    expect(simulation.violations()).toEqual([])
  })

  it('find a settled payment in what the channel sent although lnd lost its row', async () => {
    const { simulation, wallet, bought, pay } = await prepare()
    wallet.setPaymentPolicy('fail')
    await simulation.outcome(pay().result, 'the first payment to fail')
    wallet.setPaymentPolicy('claim')
    await simulation.rest()
    const [channel] = [...wallet.channels]
    const ordinary = wallet.invoice({ amount: 20_000_000n })
    const scid = scidFromNumber(channel?.chanId ?? 0n)
    simulation.world.payer.pay({ hash: ordinary.paymentHash, scid, amount: 20_000_000n })
    await simulation.advance(60_000)
    wallet.setPaymentPolicy('sit')
    const payment = pay()
    await simulation.advance(1_000)
    simulation.kill()
    wallet.setPaymentPolicy('claim')
    await simulation.clock.advance(100)
    simulation.world.killNode()
    expect((await simulation.outcome(payment.result, 'the payment to end')).status).toBe('settled')
    await simulation.advance(60_000)
    await simulation.rest()
    expect(simulation.state(bought.scid)).toBe('paid')
    expect(simulation.violations()).toEqual([])
  })

  it('are not misled by another payment whose row lnd lost as well', async () => {
    const config = testConfig({ lsps2: { channel_headroom_sat: '400000' } })
    const { simulation, wallet, bought, pay } = await prepare({ config })
    wallet.setPaymentPolicy('fail')
    await simulation.outcome(pay().result, 'the first payment to fail')
    wallet.setPaymentPolicy('claim')
    await simulation.rest()
    const [channel] = [...wallet.channels]
    const ordinary = wallet.invoice({ amount: 20_000_000n })
    const scid = scidFromNumber(channel?.chanId ?? 0n)
    const rows = simulation.world.node.log.list(0).length
    const other = simulation.world.payer.pay({ hash: ordinary.paymentHash, scid, amount: 20_000_000n })
    expect((await simulation.outcome(other.result, 'the ordinary payment to end')).status).toBe('settled')
    wallet.setPaymentPolicy('sit')
    const payment = pay()
    await simulation.advance(1_000)
    simulation.kill()
    wallet.setPaymentPolicy('claim')
    await simulation.clock.advance(100)
    simulation.world.killNode()
    expect((await simulation.outcome(payment.result, 'the payment to end')).status).toBe('settled')
    await simulation.advance(60_000)
    await simulation.rest()
    expect(simulation.world.node.log.list(0)).toHaveLength(rows)
    expect(simulation.journal()).toMatchObject([{ paymentHash: payment.hash, earned: bought.fee }])
    expect(simulation.violations()).toEqual([])
  })

  it('say what lnd forwarded when it was not the sidecar that let the payment go', async () => {
    const { simulation, wallet, bought, pay } = await prepare({
      requireInterceptor: false,
      config: testConfig(LOST_FEES),
    })
    wallet.setPaymentPolicy('sit')
    simulation.world.onStage = ({ call, stage }) =>
      call === 'interceptHtlcs.answer' && stage === 'received' ? { type: 'kill-client' } : undefined
    const payment = pay()
    await simulation.advance(5_000)
    simulation.world.onStage = undefined
    // The sidecar is back, the payment went in full, the wallet takes it only now.
    await simulation.advance(30_000)
    wallet.setPaymentPolicy('claim')
    expect((await simulation.outcome(payment.result, 'the payment to end')).status).toBe('settled')
    await simulation.rest()
    expect(wallet.balance()).toBe(AMOUNT)
    expect(simulation.journal()).toMatchObject([{ paymentHash: payment.hash, earned: 0n }])
    expect(simulation.state(bought.scid)).toBe('paid')
    expect(simulation.violations()).toEqual([])
  })

  it("wait for a payment that is in flight although the payer's channel is closing", async () => {
    const { simulation, wallet, bought, pay } = await prepare()
    const { payer, node } = simulation.world
    wallet.setPaymentPolicy('sit')
    const payment = pay()
    await simulation.advance(2_000)
    expect(simulation.state(bought.scid)).toBe('forwarding')
    node.close(payer.channel, true)
    await simulation.advance(120_000)
    expect(simulation.state(bought.scid)).toBe('forwarding')
    wallet.setPaymentPolicy('claim')
    expect((await simulation.outcome(payment.result, 'the payment to end')).status).toBe('settled')
    await simulation.rest()
    expect(simulation.state(bought.scid)).toBe('paid')
    expect(simulation.journal()).toMatchObject([{ paymentHash: payment.hash, earned: bought.fee }])
  })
})

describe('somebody who knows the scid', () => {
  it('cannot keep the payment out with a millisatoshi', async () => {
    const { simulation, wallet, bought, pay } = await prepare()
    const grain = simulation.pay({ ...bought, amount: 1n }, { paymentHash: 'ab'.repeat(32) })
    const more = simulation.pay({ ...bought, amount: 2_000n }, { paymentHash: 'cd'.repeat(32) })
    await simulation.advance(1_000)
    expect((await simulation.outcome(pay().result, 'the payment to end')).status).toBe('settled')
    expect(grain.outcome).toEqual({ status: 'failed', reason: 'unknown_next_peer', by: 'lsp' })
    // What waited beside the payment is an ordinary forward afterwards, and the wallet does not know it.
    expect((await simulation.outcome(more.result, 'the other payment to end')).status).toBe('failed')
    await simulation.rest()
    expect(wallet.balance()).toBe(AMOUNT - bought.fee)
    expect(simulation.violations()).toEqual([])
  })

  it('gets no channel for ten times the payment at the price of one', async () => {
    const { simulation, wallet, pay } = await prepare()
    const result = await simulation.outcome(pay(AMOUNT * 10n).result, 'the payment to end')
    expect(result).toEqual({ status: 'failed', reason: 'unknown_next_peer', by: 'lsp' })
    expect(wallet.channels.size).toBe(0)
  })

  it('gets no channel for a payment that lnd would not forward for so long', async () => {
    const { simulation, wallet, bought } = await prepare()
    const { paymentHash } = wallet.invoice({ amount: AMOUNT, maxFee: bought.fee })
    const { scid, delta } = bought
    const payment = simulation.world.payer.pay({
      hash: paymentHash,
      scid,
      amount: AMOUNT,
      hintDelta: delta,
      finalDelta: 2100,
    })
    const result = await simulation.outcome(payment.result, 'the payment to end')
    expect(result).toEqual({ status: 'failed', reason: 'unknown_next_peer', by: 'lsp' })
    expect(wallet.channels.size).toBe(0)
  })
})

describe("an HTLC that is offered from the chain, since the payer's channel is closing", () => {
  const offered: RawOffer = {
    incoming_circuit_key: { chan_id: '1', htlc_id: '7' },
    incoming_amount_msat: '1000',
    incoming_expiry: 700,
    payment_hash: Buffer.alloc(32),
    outgoing_requested_chan_id: '1',
    outgoing_amount_msat: '1000',
    outgoing_expiry: 600,
    auto_fail_height: 681,
  }
  // lnd says the HTLC's own expiry there (0.20.2 and newer), or nothing.
  const onChain = [
    { ...offered, auto_fail_height: 700 },
    { ...offered, auto_fail_height: 0 },
  ]

  it.each(onChain)('gets no answer: lnd would end the stream, and the next one, and so on: %o', (raw) => {
    const written: RawAnswer[] = []
    const session = createInterceptorSession(
      (answer) => written.push(answer),
      ({ circuit }, stream) => stream.answer(circuit, { type: 'resume' }),
    )
    session.offer(raw)
    expect(written).toEqual([])
  })

  it.each(onChain)('takes back the offer that it had before its channel closed: %o', (raw) => {
    const written: RawAnswer[] = []
    const session = createInterceptorSession(
      (answer) => written.push(answer),
      () => undefined,
    )
    session.offer(offered)
    session.offer(raw)
    session.answer('1:7', { type: 'fail' })
    expect(written).toEqual([])
    expect(session.size()).toBe(0)
  })
})

describe('who is connected', () => {
  it('is what events tell, not what a list said that was asked for before them', async () => {
    const { simulation, wallet, pay } = await prepare()
    wallet.disconnect()
    await simulation.advance(1_000)
    // lnd makes its list, the wallet comes, and only then does the list arrive.
    simulation.world.faults.push({ call: 'listPeers', stage: 'answered', action: { type: 'delay', ms: 2_000 } })
    simulation.kill()
    await simulation.clock.until(() => simulation.world.node.hub.attached === false, 'the stream to end', 1_000)
    void simulation.clock.sleep(1_000, new AbortController().signal).then(() => wallet.connect())
    await simulation.advance(20_000)
    const payment = pay()
    await simulation.advance(20_000)
    expect(payment.outcome?.status).toBe('settled')
  })
})

describe('many payments to be refused', () => {
  it('make lnd list its channels one at a time', async () => {
    const { simulation, bought, pay } = await prepare()
    const first = pay()
    let lists = 0
    simulation.world.onStage = ({ call, stage }) => {
      if (call !== 'listChannels') return undefined
      if (stage === 'received') lists += 1
      return stage === 'received' ? { type: 'delay', ms: 50 } : undefined
    }
    const small = Array.from({ length: 150 }, (_, n) =>
      simulation.pay({ ...bought, amount: 1000n }, { paymentHash: n.toString(16).padStart(64, '0') }),
    )
    await simulation.advance(3_000)
    expect(first.outcome?.status).toBe('settled')
    expect(small.every(({ outcome }) => outcome?.status === 'failed')).toBe(true)
    expect(lists).toBeLessThan(30)
    expect(simulation.steps(bought.scid).length).toBeLessThan(MAX_REFUSALS + 40)
    simulation.world.onStage = undefined
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })
})

describe('a wallet that never signs', () => {
  it('is given up although it comes back whenever it is disconnected', async () => {
    const { simulation, wallet, bought, pay } = await prepare()
    wallet.setOpenPolicy('hang-sign')
    let funded = 0
    simulation.world.onStage = ({ call, stage }) => {
      if (call === 'fundPsbt' && stage === 'received') funded += 1
      return undefined
    }
    const payment = pay()
    wallet.onConnection = () => queueMicrotask(() => wallet.connect())
    await simulation.advance(600_000)
    expect(payment.outcome).toEqual({ status: 'failed', reason: 'temporary_channel_failure', by: 'lsp' })
    expect(simulation.state(bought.scid)).toBe('awaiting')
    expect(funded).toBe(1)
    // It is sold to again once it behaves.
    wallet.setOpenPolicy('accept')
    expect((await simulation.outcome(pay().result, 'the second payment to end')).status).toBe('settled')
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })
})

describe('the coins of a channel', () => {
  it('stay locked while no mempool takes its transaction, however long that is', async () => {
    const config = testConfig({ funding: { lease_seconds: 3600 } })
    const { simulation, pay } = await prepare({ config, coins: [10_000_000n] })
    const refused = { type: 'reject', detail: 'min relay fee not met' } as const
    simulation.world.faults.push({ call: 'publishTransaction', stage: 'received', action: refused })
    expect((await simulation.outcome(pay().result, 'the payment to end')).status).toBe('settled')
    for (let block = 0; block < 18; block += 1) {
      await simulation.advance(10 * 60_000)
      simulation.world.mine(1)
    }
    const other = simulation.world.addWallet()
    other.connect()
    await expect(simulation.buy(other, AMOUNT)).rejects.toThrow('the menu is empty')
    simulation.world.faults.length = 0
    await simulation.advance(60_000)
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })
})

describe('the coins of a channel whose transaction no mempool takes', () => {
  it('are locked again after an outage that let the lock run out', async () => {
    const config = testConfig({ funding: { lease_seconds: 3600 } })
    const { simulation, pay } = await prepare({ config, coins: [10_000_000n] })
    const refused = { type: 'reject', detail: 'min relay fee not met' } as const
    simulation.world.faults.push({ call: 'publishTransaction', stage: 'received', action: refused })
    expect((await simulation.outcome(pay().result, 'the payment to end')).status).toBe('settled')
    simulation.kill()
    await simulation.clock.advance(2 * 3_600_000)
    expect(simulation.world.node.coins.leases()).toEqual([])
    await simulation.start()
    await simulation.advance(60_000)
    expect(simulation.world.node.coins.leases()).toHaveLength(1)
    simulation.world.faults.length = 0
    simulation.world.mine(1)
    await simulation.advance(60_000)
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })
})

describe('a client that signs for its channel and never comes back', () => {
  it('costs less and less to wait for', async () => {
    const { simulation, wallet, bought, pay } = await prepare()
    // It is gone as soon as it signed: the channel exists and never becomes active.
    wallet.onChannelReady = () => undefined
    simulation.world.onStage = ({ call, stage }) => {
      if (call === 'node.channelPending' && stage === 'effective') wallet.disconnect()
      return undefined
    }
    const payment = pay()
    expect((await simulation.outcome(payment.result, 'the payment to end')).status).toBe('failed')
    await simulation.advance(20 * 60_000)
    let looks = 0
    simulation.world.onStage = ({ call, stage }) => {
      if (call === 'listChannels' && stage === 'received') looks += 1
      return undefined
    }
    for (let minute = 0; minute < 35; minute += 1) await simulation.advance(60_000)
    // Beside the inventory, which looks once a minute whatever happens.
    expect(looks - 35).toBeLessThan(45)
    expect(simulation.state(bought.scid)).toBe('opening')
    // Nothing was signed for it: when the offer is over, the channel is given up and its coins are free again.
    simulation.world.onStage = undefined
    for (let part = 0; part < 5; part += 1) await simulation.advance(20 * 60_000)
    await simulation.rest()
    expect(simulation.state(bought.scid)).toBe('unearned')
    expect(simulation.violations()).toEqual([])
  })
})

describe('a peer that asks without end and reads no answer', () => {
  it('has lnd wait for it with a bounded number of answers', async () => {
    const clock = new ManualClock()
    let sent = 0
    const { onMessage } = createPeerEndpoint(
      {
        lnd: {
          sendCustomMessage: () => {
            sent += 1
            return new Promise(() => undefined)
          },
        },
        services: [],
        clock,
        log: silentLog,
      },
      { requestsPerSecond: 5, burst: 1000, maxPendingPerCaller: 10, maxPending: 1000 },
    )
    const peer = `02${'11'.repeat(32)}` as NodeId
    for (let n = 0; n < 1000; n += 1) {
      const data = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: `${n}`, method: 'lsps2.get_info', params: {} }))
      onMessage({ peer, type: 37913, data }, new AbortController().signal)
    }
    await clock.settle(600)
    expect(sent).toBe(MAX_UNSENT_PER_PEER)
  })

  it('is forgotten for others, and nobody is while all wait for answers', () => {
    const limits = new Limits({
      requestsPerSecond: 1,
      burst: 1,
      maxPendingPerCaller: 1,
      maxPending: MAX_TRACKED_CALLERS * 2,
    })
    const now = new ManualClock().now()
    for (let n = 0; n <= MAX_TRACKED_CALLERS; n += 1) limits.admit(`${n}` as NodeId, now)
    expect(limits.trackedCallers).toBe(MAX_TRACKED_CALLERS + 1)
    limits.done('7' as NodeId)
    limits.admit('one more' as NodeId, now)
    expect(limits.trackedCallers).toBe(MAX_TRACKED_CALLERS + 1)
  })
})

describe('a channel that is closed before its funding is known to any mempool', () => {
  it('closes once it is known: the payment in it must end before the payer takes it back', async () => {
    const { simulation, wallet, pay } = await prepare()
    const { world } = simulation
    wallet.setPaymentPolicy('sit')
    const refused = { type: 'reject', detail: 'min relay fee not met' } as const
    world.faults.push({ call: 'publishTransaction', stage: 'received', action: refused })
    const payment = pay()
    await simulation.advance(5_000)
    const [channel] = [...wallet.channels]
    if (channel === undefined) throw new Error('no channel')
    expect(channel.outgoing.size).toBe(1)
    wallet.closeChannel(channel, { force: true })
    world.faults.length = 0
    await simulation.advance(30_000)
    for (let block = 0; block < 60 && payment.outcome === undefined; block += 1) {
      world.mine(1)
      await simulation.advance(10_000)
    }
    expect(payment.outcome).toMatchObject({ status: 'failed' })
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })
})

describe('an orderly stop', () => {
  it('is no disk failure for what would have been written after it', async () => {
    const clock = new ManualClock()
    const world = createWorld({ clock, seed: 3 })
    const wallet = world.addWallet()
    wallet.connect()
    let closed = false
    let hold: Promise<void> = Promise.resolve()
    const memory = openMemoryStore({ onBatch: (stage) => (stage === 'before' ? hold : Promise.resolve()) })
    const store: Store = {
      ...memory,
      commit: (writes) => (closed ? Promise.reject(new Error('Database is not open')) : memory.commit(writes)),
      close: async () => {
        await memory.close()
        closed = true
      },
    }
    const fatal: unknown[] = []
    const random = new SeededRandom(9)
    const starting = startSidecar(testConfig(), {
      lnd: world.attach(),
      store,
      clock,
      entropy: (length) => random.bytes(length),
      log: silentLog,
      seed: new Uint8Array(32),
      signal: new AbortController().signal,
      onFatal: (error) => fatal.push(error),
    })
    await clock.settle(20)
    const sidecar = await starting
    const answers: { result?: Record<string, never> }[] = []
    wallet.onCustomMessage((_, data) => answers.push(JSON.parse(Buffer.from(data).toString('utf8'))))
    const ask = async (method: string, params: object) => {
      wallet.send(37913, Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: method, method, params })))
      await clock.settle(10)
      return answers.at(-1)?.result ?? {}
    }
    const { opening_fee_params_menu: menu = [] } = (await ask('lsps2.get_info', {})) as never
    const params = { opening_fee_params: menu[0], payment_size_msat: `${AMOUNT}` }
    const { jit_channel_scid: scid } = (await ask('lsps2.buy', params)) as never
    wallet.disconnect()
    await clock.settle()
    let release = () => {}
    hold = new Promise((resolve) => {
      release = resolve
    })
    world.payer.pay({ hash: wallet.invoice({ amount: AMOUNT }).paymentHash, scid, amount: AMOUNT })
    await clock.settle()
    wallet.connect() // heard before the payment is on disk, so the next step follows the commit at once
    await clock.settle()
    const stopped = sidecar.stop()
    await clock.settle()
    release()
    await clock.settle(20)
    await stopped
    expect(closed).toBe(true)
    expect(fatal).toEqual([])
  })
})
