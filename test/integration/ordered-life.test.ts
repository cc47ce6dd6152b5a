import { describe, expect, it } from 'vitest'
import { BATCH_ID, type OrderedOptions, OrderedSimulation, type Story } from './ordered-simulation.ts'

const FINAL = 6
/** Blocks after which the simulated wallet takes an ordinary channel as ready. */
const DEPTH = 3
/** A block's time: longer than any peer may take to answer. */
const A_WHILE_MS = 100_000

const open = (simulation: OrderedSimulation) => simulation.ask(({ funding }) => funding.open(simulation.order(0)))
const openAll = (simulation: OrderedSimulation) =>
  simulation.ask(({ funding }) => funding.openBatch(BATCH_ID, simulation.orders))

/** Its one channel is open, announced, and holds the push. */
function isOpen(simulation: OrderedSimulation, index: number): void {
  expect(simulation.state(index).tag).toBe('confirmed')
  expect(simulation.news(index)).toEqual(expect.arrayContaining(['published', 'confirmed', 'channel-active']))
  const [channel] = simulation.funded(index)
  expect(channel).toMatchObject({ state: 'open', private: false, zeroConf: false, remote: 30_000_000n })
}

/** Nothing of it is in the chain, and its owner knows. */
function isRefused(simulation: OrderedSimulation, index: number): void {
  expect(simulation.funded(index)).toEqual([])
  expect(simulation.news(index).some((type) => type === 'refused' || type === 'channel-closed')).toBe(true)
  expect(simulation.channels(index).every(({ state }) => state === 'closed')).toBe(true)
}

const transactionsOf = (simulation: OrderedSimulation, ...indexes: readonly number[]) =>
  new Set(indexes.flatMap((index) => simulation.funded(index).map(({ outpoint }) => outpoint.split(':')[0])))

const STORIES: readonly Story<OrderedOptions>[] = [
  {
    name: '[D28] an ordered channel: published as soon as it is pending, active when it is in the chain',
    tell: async (simulation) => {
      await open(simulation)
      await simulation.hear('published', 0)
      expect(simulation.news(0)).not.toContain('channel-active')
      await simulation.mine(DEPTH)
      await simulation.hear('channel-active', 0)
      await simulation.mine(FINAL)
    },
    ending: (simulation) => isOpen(simulation, 0),
  },
  {
    name: 'an ordered channel whose peer is away until long after its funding is deep in the chain',
    tell: async (simulation) => {
      await open(simulation)
      await simulation.hear('published', 0)
      simulation.wallet(0).disconnect()
      await simulation.mine(FINAL + 4)
      expect(simulation.state(0).tag).toBe('standing')
      simulation.wallet(0).connect()
      await simulation.hear('channel-active', 0)
      await simulation.mine(2)
    },
    ending: (simulation) => isOpen(simulation, 0),
  },
  {
    name: 'an ordered channel that may be used at once, with a push',
    options: { order: { visibility: 'private', confirmation: 'zero-conf' } },
    tell: async (simulation) => {
      await open(simulation)
      await simulation.hear('published', 0)
      await simulation.hear('channel-active', 0)
      await simulation.mine(FINAL + 1)
    },
    ending: (simulation) => {
      expect(simulation.state(0).tag).toBe('confirmed')
      expect(simulation.funded(0)[0]).toMatchObject({ state: 'open', zeroConf: true, remote: 30_000_000n })
    },
  },
  {
    name: 'an ordered channel whose peer never signs',
    tell: async (simulation) => {
      simulation.wallet(0).setOpenPolicy('hang-sign')
      await open(simulation)
      await simulation.hear('refused', 0)
    },
    ending: (simulation) => {
      isRefused(simulation, 0)
      expect(simulation.leases).toBe(0)
    },
  },
  {
    name: 'an ordered channel that is withdrawn while its peer thinks about it',
    tell: async (simulation) => {
      simulation.wallet(0).setOpenPolicy('hang')
      await open(simulation)
      await simulation.advance(1_000)
      await simulation.ask(({ funding }) => funding.withdraw(simulation.order(0).pendingChannelId))
      simulation.wallet(0).setOpenPolicy('accept')
      await simulation.hear('refused', 0)
    },
    ending: (simulation) => {
      isRefused(simulation, 0)
      expect(simulation.leases).toBe(0)
    },
  },
  {
    name: 'an ordered channel whose payment is gone when it is to be signed for',
    tell: async (simulation) => {
      simulation.unwilling.add('order:0')
      await open(simulation)
      await simulation.hear('channel-closed', 0)
      await simulation.mine(1)
    },
    ending: (simulation) => {
      isRefused(simulation, 0)
      expect(simulation.leases).toBe(0)
    },
  },
  {
    name: 'the same, of a channel that may be used at once and holds a push',
    options: { order: { visibility: 'private', confirmation: 'zero-conf' } },
    tell: async (simulation) => {
      simulation.unwilling.add('order:0')
      await open(simulation)
      await simulation.hear('channel-closed', 0)
      await simulation.mine(1)
    },
    ending: (simulation) => {
      isRefused(simulation, 0)
      expect(simulation.leases).toBe(0)
    },
  },
  {
    name: 'a batch of five in one transaction',
    options: { members: 5 },
    tell: async (simulation) => {
      await openAll(simulation)
      await simulation.hear('published', 0, 1, 2, 3, 4)
      await simulation.mine(FINAL + 2)
    },
    ending: (simulation) => {
      for (const index of simulation.orders.keys()) isOpen(simulation, index)
      expect(transactionsOf(simulation, 0, 1, 2, 3, 4).size).toBe(1)
      expect(simulation.batch).toMatchObject({ tag: 'done', round: 0 })
      expect(simulation.leases).toBe(0)
    },
  },
  {
    name: 'a batch from which one who refuses and one who does not answer are left out',
    options: { members: 4 },
    tell: async (simulation) => {
      simulation.wallet(1).setOpenPolicy({ refuse: 'no thanks' })
      simulation.wallet(2).setOpenPolicy('hang')
      await openAll(simulation)
      await simulation.hear('refused', 1, 2)
      await simulation.hear('published', 0, 3)
      await simulation.mine(FINAL + 2)
    },
    ending: (simulation) => {
      isRefused(simulation, 1)
      isRefused(simulation, 2)
      isOpen(simulation, 0)
      isOpen(simulation, 3)
      expect(transactionsOf(simulation, 0, 3).size).toBe(1)
      expect(simulation.batch).toMatchObject({ tag: 'done', round: 0 })
    },
  },
  {
    name: '[D28] a batch that loses a member after the others signed: it is burnt, and the rest has another transaction',
    options: { members: 3 },
    tell: async (simulation) => {
      simulation.wallet(1).setOpenPolicy('hang-sign')
      await openAll(simulation)
      await simulation.until(() => simulation.batch?.tag === 'burning', 'the batch to be burnt')
      await simulation.advance(A_WHILE_MS)
      expect(transactionsOf(simulation, 0, 1, 2).size).toBe(0)
      await simulation.mineUntilHeard('published', 0, 2)
      await simulation.mine(FINAL + 2)
    },
    ending: (simulation) => {
      isRefused(simulation, 1)
      isOpen(simulation, 0)
      isOpen(simulation, 2)
      expect(transactionsOf(simulation, 0, 2).size).toBe(1)
      expect(simulation.batch).toMatchObject({ tag: 'done', round: 1 })
      expect(simulation.channels(0)).toHaveLength(2)
      expect(simulation.leases).toBe(0)
    },
  },
  {
    name: 'a batch of which one is withdrawn when only the signature is missing',
    options: { members: 3 },
    tell: async (simulation) => {
      simulation.unwilling.add('order:2')
      await openAll(simulation)
      await simulation.until(() => simulation.batch?.tag === 'burning', 'the batch to be burnt')
      await simulation.advance(A_WHILE_MS)
      await simulation.mineUntilHeard('refused', 2)
      await simulation.mineUntilHeard('published', 0, 1)
      await simulation.mine(FINAL + 2)
    },
    ending: (simulation) => {
      isRefused(simulation, 2)
      isOpen(simulation, 0)
      isOpen(simulation, 1)
      expect(simulation.leases).toBe(0)
    },
  },
  {
    name: 'a batch for which there are no coins',
    options: { members: 2, coins: [100_000n] },
    tell: async (simulation) => {
      await openAll(simulation)
      await simulation.hear('refused', 0, 1)
    },
    ending: (simulation) => {
      isRefused(simulation, 0)
      isRefused(simulation, 1)
      expect(simulation.leases).toBe(0)
    },
  },
]

type Disturb = (simulation: OrderedSimulation) => void
/** Kills per story: at every point of a short one, spread evenly over a long one, most of whose points are blocks. */
const MOST_KILLS = 150

async function run(story: Story<OrderedOptions>, disturb: Disturb = () => undefined): Promise<OrderedSimulation> {
  const simulation = new OrderedSimulation(story.options)
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
    expect(world.points.length).toBeGreaterThan(15)
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
