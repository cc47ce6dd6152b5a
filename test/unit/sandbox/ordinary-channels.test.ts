import { describe, expect, it } from 'vitest'
import type { Sat } from '../../../lsps/base/amount.ts'
import type { OpenRequest } from '../../../src/lnd/port.ts'
import { idOf, negotiate, publish, refusal, request, type Stage, stage } from './stage.ts'

const ORDINARY = { zeroConf: false, scidAlias: false } as const

async function open(at: Stage, overrides: Partial<OpenRequest> = {}, id = idOf(1)): Promise<string> {
  const order = { ...request(at.wallet.nodeId, id), memo: `sluice1:order:${id}:${id}:0`, ...ORDINARY, ...overrides }
  const { attempt, psbt } = await negotiate(at, order)
  await at.port.verifyFunding({ psbt, pendingChannelId: id }, at.signal)
  const outpoint = await attempt.pending
  await publish(at, psbt)
  return outpoint
}

async function look(at: Stage) {
  await at.clock.settle()
  const [channel] = await at.port.listChannels(at.signal, at.wallet.nodeId)
  const [pending] = await at.port.pendingChannels(at.signal)
  return channel === undefined ? pending?.stage : channel.active ? 'active' : 'inactive'
}

describe('an ordinary channel', () => {
  it('is active when its funding is as deep as the peer asks', async () => {
    const at = stage()
    at.wallet.minimumDepth = 4
    await open(at)
    for (let block = 0; block < 3; block += 1) {
      at.world.mine(1)
      expect(await look(at)).toBe('opening')
    }
    at.world.mine(1)
    expect(await look(at)).toBe('active')
    expect(at.world.audit({ atRest: true })).toEqual([])
  })

  it('waits for a peer that is away when its funding is deep enough', async () => {
    const at = stage()
    await open(at)
    at.wallet.disconnect()
    at.world.mine(6)
    expect(await look(at)).toBe('inactive')
    at.wallet.connect()
    expect(await look(at)).toBe('active')
  })

  it('counts anew when its block is replaced', async () => {
    const at = stage()
    await open(at)
    at.world.mine(2)
    at.world.reorg(2)
    expect(await look(at)).toBe('opening')
    at.world.mine(2)
    expect(await look(at)).toBe('opening')
    at.world.mine(1)
    expect(await look(at)).toBe('active')
  })

  it('is found deep enough by a node that was away', async () => {
    const at = stage()
    await open(at)
    at.world.killNode()
    at.world.mine(3)
    at.world.restartNode()
    expect(await look(at)).toBe('active')
  })

  it('has a place in the chain of its own, also beside another in the same block', async () => {
    const at = stage()
    await open(at)
    await open(at, { push: 1_000n as Sat }, idOf(2))
    at.world.mine(3)
    await at.clock.settle()
    const ids = (await at.port.listChannels(at.signal, at.wallet.nodeId)).map(({ chanId }) => chanId)
    expect(new Set(ids).size).toBe(2)
  })
})

describe('a large channel', () => {
  it('is refused by a wallet that does not say that it takes one', async () => {
    const at = stage({ coins: [50_000_000n] })
    const large = { capacity: 16_777_216n as Sat }
    at.wallet.features = at.wallet.features.filter((bit) => bit !== 19)
    expect(await refusal(open(at, large))).toMatch('Funding must be smaller than 16777216')
    at.wallet.features = [...at.wallet.features, 19]
    await open(at, large)
    at.world.mine(3)
    expect(await look(at)).toBe('active')
  })
})

describe('what lnd remembers of a peer', () => {
  it('is how long it was there, since the channel or the node began', async () => {
    const at = stage()
    await open(at)
    at.world.mine(3)
    await at.clock.advance(10_000)
    at.wallet.disconnect()
    await at.clock.advance(5_000)
    const seen = async () => {
      const [channel] = await at.port.listChannels(at.signal, at.wallet.nodeId)
      return [channel?.lifetimeSeconds, channel?.uptimeSeconds]
    }
    expect(await seen()).toEqual([15, 10])
    at.world.killNode()
    at.world.restartNode()
    at.wallet.connect()
    await at.clock.advance(3_000)
    expect(await seen()).toEqual([3, 3])
  })
})
