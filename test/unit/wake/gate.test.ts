import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import { scidFromNumber } from '../../../lsps/base/scid.ts'
import { DELIVERY_MS } from '../../../src/held/handed-on.ts'
import { EXPIRY_MARGIN_BLOCKS } from '../../../src/held/refusing.ts'
import { openMemoryStore } from '../../../src/store/memory.ts'
import { forgetWaiting } from '../../../src/wake/records.ts'
import { LEAST_BLOCKS } from '../../../src/wake/service.ts'
import {
  AMOUNT,
  CLIENT,
  CONFIG,
  chanIdOf,
  channelTo,
  HEIGHT,
  HOLD_MS,
  nodeId,
  OTHER,
  outpointOf,
  STRANGER,
  Stage,
} from './samples.ts'

describe('an HTLC for a client that is away', () => {
  it('waits, calls the client once, and goes on when a channel of it is active, not when it connects', async () => {
    const stage = await Stage.settled()
    const since = stage.clock.now()
    const first = await stage.pay(CLIENT)
    const second = await stage.pay(CLIENT)
    expect(stage.waiting).toEqual([first, second])
    expect(stage.onDisk).toEqual([first, second])
    expect(stage.calls).toEqual([[CLIENT, since + HOLD_MS]])
    stage.gate.onPeer(CLIENT, true)
    await stage.advance(10_000)
    expect(stage.wentOn).toEqual([])
    await stage.comes(CLIENT)
    expect(stage.wentOn).toEqual([first, second])
    expect(stage.onDisk).toEqual([])
  })

  it('goes on though the event of its channel was lost: while the client is connected, lnd is looked at', async () => {
    const stage = await Stage.settled()
    const circuit = await stage.pay(CLIENT)
    stage.gate.onPeer(CLIENT, true)
    stage.setChannel(channelTo(CLIENT, { active: true }))
    await stage.advance(2_000)
    expect(stage.wentOn).toEqual([circuit])
  })

  it('waits by each name that leads to the channel: its id, an alias; not over one that is announced', async () => {
    const stage = new Stage()
    const alias = (16_100_000n << 40n) | 7n
    stage.aliases = [{ base: chanIdOf(CLIENT), aliases: [alias] }]
    stage.setChannel(channelTo(OTHER, { private: false }))
    await stage.start()
    const waits = [await stage.pay(CLIENT), await stage.pay(CLIENT, { requestedScid: scidFromNumber(alias) })]
    const ofRouter = await stage.pay(OTHER)
    expect(stage.waiting).toEqual(waits)
    expect(stage.wentOn).toEqual([ofRouter])
  })

  it('waits by a name that was given to the channel while the client was here', async () => {
    const stage = await Stage.settled()
    await stage.comes(CLIENT)
    const alias = (16_100_000n << 40n) | 7n
    stage.aliases = [{ base: chanIdOf(CLIENT), aliases: [alias] }]
    await stage.leaves(CLIENT)
    const circuit = await stage.pay(CLIENT, { requestedScid: scidFromNumber(alias) })
    expect(stage.waiting).toEqual([circuit])
  })

  it('waits from the moment in which the client leaves by a name that its channel got soon after it was active', async () => {
    const stage = await Stage.settled()
    await stage.comes(CLIENT)
    const alias = (16_100_000n << 40n) | 7n
    stage.aliases = [{ base: chanIdOf(CLIENT), aliases: [alias] }]
    await stage.advance(5_000)
    stage.setChannel(channelTo(CLIENT))
    stage.gate.onChannelEvent({ type: 'inactive', outpoint: outpointOf(CLIENT) })
    const { circuit } = stage.offer(stage.htlc(CLIENT, { requestedScid: scidFromNumber(alias) }))
    expect(stage.waiting).toEqual([circuit])
  })

  it('fails with temporary_channel_failure when the client does not come in time', async () => {
    const stage = await Stage.settled()
    const circuit = await stage.pay(CLIENT)
    await stage.advance(HOLD_MS - 2_000)
    expect(stage.answers).toEqual([])
    await stage.advance(2_000)
    expect(stage.answers).toEqual([[circuit, 'fail']])
    expect(stage.wentOn).toEqual([])
    expect(stage.onDisk).toEqual([])
  })

  it('fails before lnd does when blocks run out, and is left to lnd when it is too late for that', async () => {
    const stage = await Stage.settled()
    const circuit = await stage.pay(CLIENT)
    stage.gate.onBlock(HEIGHT + 181 - EXPIRY_MARGIN_BLOCKS - 1)
    await stage.advance(1_000)
    expect(stage.answers).toEqual([])
    stage.gate.onBlock(HEIGHT + 181 - EXPIRY_MARGIN_BLOCKS)
    await stage.advance(1_000)
    expect(stage.answers).toEqual([[circuit, 'fail']])
    stage.gate.onBlock(HEIGHT)
    await stage.comes(CLIENT)
    await stage.leaves(CLIENT)
    const late = await stage.pay(CLIENT)
    stage.gate.onBlock(HEIGHT + 180)
    await stage.advance(1_000)
    expect(stage.answers).toEqual([[circuit, 'fail']])
    expect(stage.waiting).not.toContain(late)
  })

  it('fails only when lnd says that it was not forwarded, and after lnd said it', async () => {
    const stage = await Stage.settled()
    const circuit = await stage.pay(CLIENT)
    stage.failLook = new Error('connection lost')
    await stage.advance(HOLD_MS)
    expect(stage.answers).toEqual([])
    stage.failLook = undefined
    await stage.advance(5_000)
    expect(stage.answers).toEqual([[circuit, 'fail']])
  })

  it('is resumed, and never failed, when its forward is under way: lnd drops that', async () => {
    const stage = await Stage.settled()
    const offer = stage.htlc(CLIENT)
    stage.setForwarded(offer.circuit)
    stage.offer(offer)
    await stage.advance(1_000)
    expect(stage.wentOn).toEqual([offer.circuit])
    expect(stage.waiting).toEqual([])
  })

  it('does not wait when it went on a moment ago, though no list of lnd shows that', async () => {
    const stage = await Stage.settled()
    await stage.comes(CLIENT)
    const offer = stage.offer(stage.htlc(CLIENT))
    await stage.leaves(CLIENT)
    stage.offer(offer)
    await stage.advance(HOLD_MS + 5_000)
    expect(stage.wentOn).toEqual([offer.circuit, offer.circuit])
    expect(stage.answers.map(([, type]) => type)).not.toContain('fail')
  })

  it('does not wait when it went on by a name that nobody knew yet: an alias bound while the client was here', async () => {
    const stage = await Stage.settled()
    await stage.comes(CLIENT)
    const alias = (16_100_000n << 40n) | 7n
    stage.aliases = [{ base: chanIdOf(CLIENT), aliases: [alias] }]
    const offer = stage.offer(stage.htlc(CLIENT, { requestedScid: scidFromNumber(alias) }))
    await stage.leaves(CLIENT)
    stage.offer(offer)
    await stage.advance(HOLD_MS + 5_000)
    expect(stage.wentOn).toEqual([offer.circuit, offer.circuit])
    expect(stage.answers.map(([, type]) => type)).not.toContain('fail')
  })

  it('does not wait when it went on to a client that had no webhook then', async () => {
    const stage = await Stage.settled()
    stage.reachable.delete(CLIENT)
    await stage.comes(CLIENT)
    const offer = stage.offer(stage.htlc(CLIENT))
    stage.reachable.add(CLIENT)
    await stage.leaves(CLIENT)
    stage.offer(offer)
    await stage.advance(HOLD_MS + 5_000)
    expect(stage.answers.map(([, type]) => type)).not.toContain('fail')
  })

  it('calls a client again that came for a moment and left before its channel was active', async () => {
    const stage = await Stage.settled()
    await stage.pay(CLIENT)
    stage.gate.onPeer(CLIENT, true)
    await stage.advance(2_000)
    stage.gate.onPeer(CLIENT, false)
    expect(stage.calls).toHaveLength(2)
    expect(stage.waiting).toHaveLength(1)
  })

  it('is resumed, and not failed, when lnd may have resumed it by itself while the stream was lost', async () => {
    const stage = await Stage.settled({ ...CONFIG, lndResumes: true })
    const offer = stage.offer(stage.htlc(CLIENT))
    await stage.advance(1_000)
    expect(stage.gate.wasNeverHandedOn(offer.circuit)).toBe(true)
    stage.loseStream()
    expect(stage.gate.wasNeverHandedOn(offer.circuit)).toBe(false)
    stage.offer(offer)
    await stage.advance(HOLD_MS)
    expect(stage.answers).toEqual([[offer.circuit, 'resume']])
  })

  it('is resumed at the end when it came so soon after a start that a process before may have handed it on', async () => {
    const stage = new Stage()
    await stage.start()
    const circuit = await stage.pay(CLIENT)
    await stage.advance(HOLD_MS)
    expect(stage.answers).toEqual([[circuit, 'resume']])
    await stage.advance(DELIVERY_MS)
    const later = await stage.pay(CLIENT)
    await stage.advance(HOLD_MS)
    expect(stage.answers.at(-1)).toEqual([later, 'fail'])
  })

  it('is forgotten without an answer when it leaves its channel', async () => {
    const stage = await Stage.settled()
    const circuit = await stage.pay(CLIENT)
    stage.removeHtlc(circuit)
    await stage.advance(HOLD_MS)
    expect(stage.answers).toEqual([])
    expect(stage.onDisk).toEqual([])
  })
})

describe('an HTLC that does not wait', () => {
  it('goes on in the tick in which it comes', async () => {
    const stage = await Stage.settled()
    await stage.comes(OTHER)
    stage.ofSale.add('99:3')
    const offers = [
      stage.htlc(CLIENT, { requestedScid: scidFromNumber(5n) }), // leads to nobody that we know
      stage.htlc(STRANGER),
      stage.htlc(OTHER), // is here
      stage.htlc(CLIENT), // a sale has it on record
      stage.htlc(CLIENT, { autoFailHeight: HEIGHT + LEAST_BLOCKS - 1 }),
      stage.htlc(CLIENT, { amountIn: msat(3n * AMOUNT + 1n) }),
    ]
    for (const offer of offers) {
      stage.offer(offer)
      expect(stage.wentOn.at(-1)).toBe(offer.circuit)
    }
    expect(stage.waiting).toEqual([])
    expect(stage.calls).toEqual([])
  })

  it('may be any, before it is known who is where', () => {
    const stage = new Stage()
    stage.create()
    const { circuit } = stage.offer(stage.htlc(CLIENT))
    expect(stage.wentOn).toEqual([circuit])
  })
})

describe('what may wait', () => {
  it('is bounded for each client and in all, by number and by value', async () => {
    const stage = await Stage.settled()
    const circuits: string[] = []
    for (const peer of [CLIENT, CLIENT, CLIENT, CLIENT, OTHER, OTHER, OTHER]) circuits.push(await stage.pay(peer))
    expect(stage.wentOn).toEqual([circuits[3], circuits[6]])
    expect(stage.waiting).toHaveLength(CONFIG.limits.htlcs)
  })

  it('is the larger HTLCs: the smallest, dust that keeps real payments out, give way to them and fail', async () => {
    const stage = await Stage.settled()
    const dust: string[] = []
    for (let index = 0; index < 3; index += 1) dust.push(await stage.pay(CLIENT, { amountIn: msat(1_000n) }))
    const { circuit } = stage.offer(stage.htlc(CLIENT))
    expect(stage.wentOn).toEqual([])
    await stage.advance(1_000)
    expect(stage.answers).toEqual([[dust[0], 'fail']])
    expect(stage.waiting).toEqual([dust[1], dust[2], circuit])
    const more = await stage.pay(CLIENT, { amountIn: msat(1_000n) })
    expect(stage.wentOn).toEqual([more])
    expect(stage.calls).toHaveLength(1)
  })

  it('is not less for a client because blocks ended its wait before its time', async () => {
    const stage = await Stage.settled()
    const short = await stage.pay(CLIENT, { autoFailHeight: HEIGHT + LEAST_BLOCKS })
    stage.gate.onBlock(HEIGHT + LEAST_BLOCKS - EXPIRY_MARGIN_BLOCKS)
    await stage.advance(1_000)
    expect(stage.answers).toEqual([[short, 'fail']])
    const real = await stage.pay(CLIENT)
    expect(stage.waiting).toEqual([real])
  })

  it('is nothing, when the operator wants nothing to wait', async () => {
    const stage = await Stage.settled({ ...CONFIG, limits: { ...CONFIG.limits, htlcs: 0 } })
    const circuit = await stage.pay(CLIENT)
    expect(stage.wentOn).toEqual([circuit])
    expect(stage.calls).toEqual([])
  })

  it('ends together for one client: whoever pays on and on holds nothing for longer', async () => {
    const stage = await Stage.settled()
    await stage.pay(CLIENT)
    await stage.advance(HOLD_MS - 5_000)
    await stage.pay(CLIENT)
    await stage.advance(5_000)
    expect(stage.answers.map(([, type]) => type)).toEqual(['fail', 'fail'])
  })

  it('is held for a wallet that never comes a third of the time at most, and less and less', async () => {
    const stage = await Stage.settled()
    const begin = stage.clock.now()
    let held = 0
    const waits: number[] = []
    while (stage.clock.now() - begin < 3 * 3_600_000) {
      await stage.pay(CLIENT)
      if (stage.waiting.length > 0) {
        if (held === 0 || stage.calls.length > waits.length) waits.push(stage.clock.now() - begin)
        held += 5_000
      }
      await stage.advance(4_000)
    }
    expect(held / (stage.clock.now() - begin)).toBeLessThan(0.1)
    expect(stage.calls.length).toBeLessThan(10)
    const gaps = waits.slice(1).map((at, index) => at - (waits[index] ?? 0))
    expect(gaps.every((gap, index) => gap >= (gaps[index - 1] ?? 3 * HOLD_MS - 10_000) - 10_000)).toBe(true)
  })

  it('is held again at once for a client that has come', async () => {
    const stage = await Stage.settled()
    await stage.pay(CLIENT)
    await stage.advance(HOLD_MS)
    expect(await stage.pay(CLIENT)).toBe(stage.wentOn.at(-1))
    await stage.comes(CLIENT)
    await stage.leaves(CLIENT)
    expect(stage.waiting).toEqual([])
    const circuit = await stage.pay(CLIENT)
    expect(stage.waiting).toEqual([circuit])
    expect(stage.calls).toHaveLength(2)
  })
})

describe('a lost interceptor', () => {
  it('leaves nothing answered, and what lnd offers again keeps the time that it has waited', async () => {
    const stage = await Stage.settled()
    const offer = stage.offer(stage.htlc(CLIENT))
    await stage.advance(HOLD_MS / 2)
    stage.loseStream()
    await stage.advance(5_000)
    expect(stage.answers).toEqual([])
    stage.offer(offer)
    await stage.advance(HOLD_MS / 2 - 6_000)
    expect(stage.answers).toEqual([])
    await stage.advance(1_000)
    expect(stage.answers).toEqual([[offer.circuit, 'fail']])
  })

  it('makes what comes back too late fail at once', async () => {
    const stage = await Stage.settled()
    const offer = stage.offer(stage.htlc(CLIENT))
    await stage.advance(1_000)
    stage.loseStream()
    await stage.advance(10 * HOLD_MS)
    expect(stage.onDisk).toEqual([offer.circuit])
    stage.offer(offer)
    await stage.advance(1_000)
    expect(stage.answers).toEqual([[offer.circuit, 'fail']])
  })

  it('forgets what never comes back', async () => {
    const stage = await Stage.settled()
    const offer = stage.offer(stage.htlc(CLIENT))
    await stage.advance(1_000)
    stage.loseStream()
    stage.removeHtlc(offer.circuit)
    await stage.advance(2 * HOLD_MS)
    expect(stage.onDisk).toEqual([])
    expect(stage.waiting).toEqual([])
  })

  it('while the record is being deleted, does not hand on what the new stream offers anew', async () => {
    const stage = await Stage.settled()
    const offer = stage.offer(stage.htlc(CLIENT))
    await stage.advance(1_000)
    stage.setChannel(channelTo(CLIENT, { active: true }))
    stage.gate.onChannelEvent({ type: 'active', outpoint: outpointOf(CLIENT) })
    stage.loseStream() // before the commit
    await stage.advance(1_000)
    expect(stage.wentOn).toEqual([])
    stage.offer(offer)
    expect(stage.wentOn).toEqual([offer.circuit])
  })
})

describe('an HTLC that lnd offers again while its record is being deleted', () => {
  it('goes on after that, once, on the newest stream', async () => {
    const stage = await Stage.settled()
    const offer = stage.offer(stage.htlc(CLIENT))
    await stage.advance(1_000)
    stage.setChannel(channelTo(CLIENT, { active: true }))
    stage.gate.onChannelEvent({ type: 'active', outpoint: outpointOf(CLIENT) })
    stage.loseStream()
    stage.offer(offer)
    expect(stage.wentOn).toEqual([])
    await stage.advance(0)
    expect(stage.wentOn).toEqual([offer.circuit])
    expect(stage.open).toEqual(new Set())
  })
})

describe('a process that died while HTLCs waited', () => {
  it('is followed by one that holds them from the first tick, calls the client again, and lets them go on', async () => {
    const stage = await Stage.settled()
    const offer = stage.offer(stage.htlc(CLIENT))
    const until = stage.clock.now() + HOLD_MS
    await stage.advance(10_000)
    stage.kill()
    stage.create()
    await stage.gate.loadNames()
    const foreign = stage.offer(stage.htlc(STRANGER))
    stage.offer(offer)
    expect(stage.wentOn).toEqual([foreign.circuit])
    await stage.run()
    expect(stage.waiting).toEqual([offer.circuit])
    expect(stage.calls).toEqual([
      [CLIENT, until],
      [CLIENT, until],
    ])
    await stage.comes(CLIENT)
    expect(stage.wentOn).toEqual([foreign.circuit, offer.circuit])
    expect(stage.onDisk).toEqual([])
  })

  it('is followed by one that fails them when their time is over, which it has not forgotten', async () => {
    const stage = await Stage.settled()
    const offer = stage.offer(stage.htlc(CLIENT))
    await stage.advance(HOLD_MS - 10_000)
    await stage.restart()
    stage.offer(offer)
    await stage.advance(9_000)
    expect(stage.answers).toEqual([])
    await stage.advance(2_000)
    expect(stage.answers).toEqual([[offer.circuit, 'fail']])
  })

  it('leaves to a sale what the sale has on record', async () => {
    const stage = await Stage.settled()
    const offer = stage.offer(stage.htlc(CLIENT))
    await stage.advance(1_000)
    stage.ofSale.add(offer.circuit)
    await stage.restart()
    stage.offer(offer)
    await stage.advance(1_000)
    expect(stage.wentOn).toEqual([offer.circuit])
    expect(stage.onDisk).toEqual([])
  })
})

describe('a process without a gate', () => {
  it('leaves no record of what it let go on', async () => {
    const stage = await Stage.settled()
    await stage.pay(CLIENT)
    await forgetWaiting(openMemoryStore({ bytes: stage.bytes }))
    expect(stage.onDisk).toEqual([])
  })
})

describe('who is where', () => {
  it('is asked of lnd no more than four times a second, however many HTLCs come', async () => {
    const stage = await Stage.settled({ ...CONFIG, limits: { ...CONFIG.limits, htlcs: 1_000, htlcsPerClient: 1_000 } })
    stage.looks = 0
    for (let index = 0; index < 100; index += 1) {
      stage.offer(stage.htlc(CLIENT, { amountIn: msat(1n) }))
      await stage.advance(50)
    }
    expect(stage.looks).toBeLessThanOrEqual(5 * 4 + 1)
  })

  it('is not asked because of HTLCs that do not wait, nor of peers without a webhook', async () => {
    const stage = await Stage.settled()
    stage.looks = 0
    for (let index = 0; index < 20; index += 1) stage.offer(stage.htlc(STRANGER))
    stage.gate.onChannelEvent({ type: 'inactive', outpoint: outpointOf(STRANGER) })
    stage.gate.onPeer(STRANGER, false)
    await stage.advance(60_000)
    expect(stage.looks).toBe(0)
  })

  it('is not asked because of a peer that has a webhook and no channel, however often it connects', async () => {
    const stage = await Stage.settled()
    const flapping = nodeId(7)
    stage.reachable.add(flapping)
    stage.looks = 0
    for (let index = 0; index < 100; index += 1) {
      stage.gate.onPeer(flapping, true)
      stage.gate.onPeer(flapping, false)
      await stage.advance(250)
    }
    expect(stage.looks).toBe(0)
  })

  it('is not asked each second because of a connected client whose payments are over', async () => {
    const stage = await Stage.settled()
    await stage.pay(CLIENT)
    stage.gate.onPeer(CLIENT, true) // and its channel never comes up
    await stage.advance(HOLD_MS + 10_000)
    await stage.pay(OTHER)
    await stage.advance(1_000)
    stage.looks = 0
    await stage.advance(30_000)
    expect(stage.looks).toBeLessThan(6)
  })

  it('is asked again when a channel is opened, and when the stream of events is new', async () => {
    const stage = await Stage.settled()
    const fresh = nodeId(7)
    stage.reachable.add(fresh)
    stage.setChannel(channelTo(fresh))
    stage.gate.onChannelEvent({ type: 'open', outpoint: outpointOf(fresh) })
    await stage.advance(1_000)
    const circuit = await stage.pay(fresh)
    expect(stage.waiting).toEqual([circuit])
    stage.looks = 0
    stage.gate.onChannelEvent()
    await stage.advance(0)
    expect(stage.looks).toBe(1)
  })
})
