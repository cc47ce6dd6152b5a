import { describe, expect, it } from 'vitest'
import { FundingSimulation } from './funding-simulation.ts'

const FINAL = 6
const FINAL_DELTA = 40
const EXPIRY_MARGIN = 12
/** Kills per story: at every point of a short one, spread evenly over a long one, most of whose points are blocks. */
const MOST_KILLS = 250

type Story = {
  readonly name: string
  readonly options?: ConstructorParameters<typeof FundingSimulation>[0]
  readonly tell: (simulation: FundingSimulation) => Promise<void>
  /** What is wrong at the end, beside what is wrong in any story. */
  readonly ending: (simulation: FundingSimulation) => void
}

const WITHHELD = { broadcast: 'when-due' } as const

const endsAs = (tag: string, news: string) => (simulation: FundingSimulation) => {
  expect(simulation.state.tag).toBe(tag)
  expect(simulation.heard).toContain(news)
}

async function settle(simulation: FundingSimulation): Promise<void> {
  const payment = simulation.pay()
  await simulation.until(() => payment.outcome !== undefined, 'the payment to end')
  expect(payment.outcome?.status).toBe('settled')
}

const STORIES: readonly Story[] = [
  {
    name: 'a withheld funding that is published when its first payment settled',
    options: WITHHELD,
    tell: async (simulation) => {
      await simulation.open()
      await simulation.mine(2)
      expect(simulation.confirmations).toBeUndefined()
      await settle(simulation)
      expect(simulation.confirmations).toBeUndefined()
      await simulation.ask((service) => service.publishDue(simulation.order.pendingChannelId))
      await simulation.until(() => simulation.heard.includes('published'), 'the funding to be published')
      await simulation.mine(FINAL + 1)
    },
    ending: endsAs('confirmed', 'confirmed'),
  },
  {
    name: 'a withheld funding whose owner never says that a payment settled',
    options: WITHHELD,
    tell: async (simulation) => {
      await simulation.open()
      await settle(simulation)
      await simulation.mine(FINAL + 2)
    },
    ending: endsAs('confirmed', 'confirmed'),
  },
  {
    name: 'a withheld channel that is discarded after its payment failed',
    options: WITHHELD,
    tell: async (simulation) => {
      await simulation.open()
      simulation.wallet.setPaymentPolicy('fail')
      const payment = simulation.pay()
      await simulation.until(() => payment.outcome !== undefined, 'the payment to fail')
      await simulation.ask((service) => service.discard(simulation.order.pendingChannelId))
      await simulation.until(() => simulation.heard.includes('channel-closed'), 'the channel to be discarded')
      await simulation.mine(2)
    },
    ending: (simulation) => {
      endsAs('lost', 'channel-closed')(simulation)
      expect(simulation.confirmations).toBeUndefined()
      expect(simulation.channel.state).toBe('closed')
      expect(simulation.leases).toBe(0)
    },
  },
  {
    name: 'a withheld channel that is discarded while its wallet is away',
    options: WITHHELD,
    tell: async (simulation) => {
      await simulation.open()
      simulation.wallet.disconnect()
      await simulation.ask((service) => service.discard(simulation.order.pendingChannelId))
      await simulation.until(() => simulation.heard.includes('channel-closed'), 'the channel to be discarded')
      await simulation.mine(2)
    },
    ending: (simulation) => {
      endsAs('lost', 'channel-closed')(simulation)
      expect(simulation.confirmations).toBeUndefined()
    },
  },
  {
    name: 'a withheld channel that is to be discarded while a payment is in it',
    options: WITHHELD,
    tell: async (simulation) => {
      await simulation.open()
      simulation.wallet.setPaymentPolicy('sit')
      const payment = simulation.pay()
      await simulation.advance(1_000)
      await simulation.ask((service) => service.discard(simulation.order.pendingChannelId))
      await simulation.until(() => simulation.heard.includes('published'), 'the funding to be published')
      simulation.wallet.setPaymentPolicy('claim')
      await simulation.until(() => payment.outcome !== undefined, 'the payment to end')
      expect(payment.outcome?.status).toBe('settled')
      await simulation.mine(FINAL + 1)
    },
    ending: endsAs('confirmed', 'confirmed'),
  },
  {
    name: 'a wallet that sits on its payment in a withheld channel (D27)',
    options: WITHHELD,
    tell: async (simulation) => {
      await simulation.open()
      simulation.wallet.setPaymentPolicy('sit')
      const payment = simulation.pay()
      await simulation.mine(FINAL_DELTA - EXPIRY_MARGIN - 1)
      expect(simulation.confirmations).toBeUndefined()
      await simulation.mine(2)
      expect(simulation.heard).toContain('published')
      // The node closes by force when the payment expires; the commitment gets in, and the payer has its money back.
      await simulation.mine(EXPIRY_MARGIN + FINAL)
      expect(payment.outcome).toMatchObject({ status: 'failed', reason: 'permanent_channel_failure' })
    },
    ending: (simulation) => {
      endsAs('confirmed', 'channel-closed')(simulation)
      expect(simulation.channel.state).toBe('closed')
    },
  },
  {
    name: 'a wallet that closes its empty withheld channel',
    options: WITHHELD,
    tell: async (simulation) => {
      await simulation.open()
      expect(() => simulation.wallet.closeChannel(simulation.channel)).not.toThrow()
      await simulation.mine(1)
      await simulation.until(() => simulation.heard.includes('channel-closed'), 'the channel to be gone')
      await simulation.mine(1)
    },
    ending: (simulation) => {
      endsAs('lost', 'channel-closed')(simulation)
      expect(simulation.confirmations).toBeUndefined()
      expect(simulation.channel.state).toBe('closed')
    },
  },
  {
    name: 'a wallet that closes a withheld channel with its money in it',
    options: WITHHELD,
    tell: async (simulation) => {
      await simulation.open()
      await settle(simulation)
      simulation.wallet.closeChannel(simulation.channel)
      await simulation.mine(FINAL + 3)
    },
    ending: (simulation) => {
      endsAs('confirmed', 'channel-closed')(simulation)
      expect(simulation.channel.state).toBe('closed')
    },
  },
  {
    name: 'a channel that is taken back after its funding confirmed',
    tell: async (simulation) => {
      await simulation.open()
      await simulation.mine(FINAL + 1)
      expect(simulation.state.tag).toBe('confirmed')
      await simulation.ask((service) => service.reclaim(simulation.order.pendingChannelId))
      await simulation.advance(1_000)
      await simulation.mine(3)
    },
    ending: (simulation) => {
      endsAs('confirmed', 'channel-closed')(simulation)
      expect(simulation.reclaim).toBe('closed')
      expect(simulation.channel.state).toBe('closed')
    },
  },
  {
    name: 'a channel that is taken back as soon as its wallet comes back',
    tell: async (simulation) => {
      await simulation.open()
      await simulation.mine(1)
      simulation.wallet.disconnect()
      await simulation.ask((service) => service.reclaim(simulation.order.pendingChannelId))
      await simulation.mine(4)
      expect(simulation.channel.state).toBe('open')
      simulation.wallet.connect()
      await simulation.mine(FINAL)
    },
    ending: (simulation) => {
      endsAs('confirmed', 'channel-closed')(simulation)
      expect(simulation.reclaim).toBe('closed')
    },
  },
  {
    name: 'a channel that is kept because its wallet never comes back',
    tell: async (simulation) => {
      await simulation.open()
      await simulation.mine(1)
      simulation.wallet.disconnect()
      await simulation.ask((service) => service.reclaim(simulation.order.pendingChannelId))
      await simulation.mine(13)
    },
    ending: (simulation) => {
      endsAs('confirmed', 'kept')(simulation)
      expect(simulation.reclaim).toBe('kept')
      expect(simulation.channel.state).toBe('open')
    },
  },
  {
    name: 'a channel that is taken back by force, if the operator wants that',
    options: { config: { reclaim: { withinBlocks: 10, afterwards: 'force', maxSatPerVbyte: 100 } } },
    tell: async (simulation) => {
      await simulation.open()
      await simulation.mine(1)
      simulation.wallet.disconnect()
      await simulation.ask((service) => service.reclaim(simulation.order.pendingChannelId))
      await simulation.mine(16)
    },
    ending: (simulation) => {
      endsAs('confirmed', 'channel-closed')(simulation)
      expect(simulation.reclaim).toBe('closed')
    },
  },
  {
    name: 'a channel that earned its fee before it was taken back',
    tell: async (simulation) => {
      await simulation.open()
      await settle(simulation)
      await simulation.ask((service) => service.reclaim(simulation.order.pendingChannelId))
      await simulation.mine(FINAL + 1)
    },
    ending: (simulation) => {
      endsAs('confirmed', 'kept')(simulation)
      expect(simulation.channel.state).toBe('open')
    },
  },
  {
    name: 'a reorganisation that puts the funding back into the mempool',
    tell: async (simulation) => {
      await simulation.open()
      await simulation.mine(3)
      simulation.world.reorg(3)
      await simulation.advance(1_000)
      await simulation.until(() => simulation.heard.includes('reorganised'), 'the reorganisation to be noticed')
      await simulation.mine(FINAL + 1)
    },
    ending: endsAs('confirmed', 'confirmed'),
  },
  {
    name: 'a reorganisation after which no mempool knows the funding',
    tell: async (simulation) => {
      await simulation.open()
      await simulation.mine(3)
      simulation.world.reorg(3, 'forget')
      await simulation.advance(1_000)
      await simulation.until(() => simulation.confirmations === 0, 'the funding to be published again')
      await simulation.mine(FINAL + 1)
    },
    ending: endsAs('confirmed', 'reorganised'),
  },
  {
    name: 'a funding whose coins somebody else spends',
    tell: async (simulation) => {
      await simulation.open()
      await simulation.until(() => simulation.heard.includes('published'), 'the funding to be published')
      const [coin = ''] = simulation.world.node.coins.inputsOf(simulation.txid)
      simulation.world.spendElsewhere(coin)
      await simulation.mine(FINAL - 1)
      expect(simulation.state.tag).toBe('standing')
      await simulation.mine(2)
    },
    ending: endsAs('conflicted', 'conflicted'),
  },
  {
    name: 'a funding that is stuck until its change pays for it',
    tell: async (simulation) => {
      const { node } = simulation.world
      await simulation.open()
      await simulation.until(() => simulation.heard.includes('published'), 'the funding to be published')
      node.chain.stuck.add(simulation.txid)
      node.feerate = 20
      await simulation.mine(8)
      await simulation.mine(FINAL + 1)
    },
    ending: (simulation) => {
      endsAs('confirmed', 'bumped')(simulation)
      const { state } = simulation
      expect(state).toMatchObject({ childFee: expect.stringMatching(/^\d+$/) })
      expect(BigInt('childFee' in state ? `${state.childFee}` : 0)).toBeLessThanOrEqual(5_000n)
    },
  },
]

type Disturb = (simulation: FundingSimulation) => void

async function run(story: Story, disturb: Disturb = () => undefined): Promise<FundingSimulation> {
  const simulation = new FundingSimulation(story.options)
  disturb(simulation)
  await simulation.start()
  await story.tell(simulation)
  await simulation.advance(30_000)
  expect(simulation.violations()).toEqual([])
  story.ending(simulation)
  return simulation
}

describe.each(STORIES.map((story) => [story.name, story] as const))('%s', (_, story) => {
  it('ends well undisturbed', async () => {
    await run(story)
  })

  it('ends the same when the sidecar dies on the way: at RPC stages and commits', async () => {
    const { world } = await run(story, (simulation) => simulation.world.record())
    expect(world.points.length).toBeGreaterThan(30)
    const broken: string[] = []
    const stride = Math.ceil(world.points.length / MOST_KILLS)
    for (const [index, point] of world.points.entries()) {
      if (index % stride > 0) continue
      await run(story, (simulation) => simulation.world.killAt(index)).catch((error: unknown) => {
        broken.push(`killed at ${index} ${point}: ${error}`)
      })
    }
    expect(broken).toEqual([])
  })
})
