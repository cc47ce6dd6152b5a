import { describe, expect, it } from 'vitest'
import { sat } from '../../lsps/base/amount.ts'
import type { PayoutNews } from '../../src/funding/payout-states.ts'
import { type OrderedOptions, OrderedSimulation, STRANGER, type Story } from './ordered-simulation.ts'

const FINAL = 6
const SIX_HOURS_OF_BLOCKS = 37
const ID = 'refund of an output'
const AMOUNT = sat(100_000n)
const ORDER = { id: ID, owner: 'order:7', address: STRANGER, amount: AMOUNT }
/** The witness program of STRANGER. */
const SCRIPT = '0014751e76e8199196d454941c45d1b3a323f1433bd6'

const pay = (simulation: OrderedSimulation, more: { readonly amount?: ReturnType<typeof sat> } = {}) =>
  simulation.ask(({ payouts }) => payouts.pay({ ...ORDER, ...more }))
const told = (simulation: OrderedSimulation, type: PayoutNews['type']) =>
  (simulation.told.get(ID) ?? []).filter((news) => news.type === type)
const hear = (simulation: OrderedSimulation, type: PayoutNews['type']) =>
  simulation.until(() => told(simulation, type).length > 0, type)

/** What arrived and what miners took is what was owed, to the satoshi, once. */
function isPaidOnce(simulation: OrderedSimulation): void {
  expect(simulation.payout(ID).tag).toBe('paid')
  const arrived = simulation.arrived(SCRIPT)
  expect(arrived).toHaveLength(1)
  const news = told(simulation, 'payout-confirmed').at(-1)
  if (news?.type !== 'payout-confirmed') throw new Error('its owner was not told')
  expect(news.amount).toBe(arrived[0])
  expect(news.amount + news.fee).toBe(AMOUNT)
  expect(simulation.leases).toBe(0)
}

const txid = (simulation: OrderedSimulation) => {
  const payout = simulation.payout(ID)
  if (payout.tag !== 'signed') throw new Error(`the payout is ${payout.tag}`)
  return payout.versions.at(-1)?.txid ?? ''
}

const STORIES: readonly Story<OrderedOptions>[] = [
  {
    name: 'a refund that is paid once, however often it is asked for',
    tell: async (simulation) => {
      await pay(simulation)
      await pay(simulation, { amount: sat(90_000n) })
      await hear(simulation, 'payout-published')
      await simulation.mine(FINAL + 1)
    },
    ending: (simulation) => {
      isPaidOnce(simulation)
      expect(simulation.world.node.chain.mempool).toHaveLength(0)
    },
  },
  {
    name: 'a refund that is dust after the fee: nothing is sent',
    tell: async (simulation) => {
      await pay(simulation, { amount: sat(500n) })
      await hear(simulation, 'payout-abandoned')
      await simulation.mine(1)
    },
    ending: (simulation) => {
      expect(simulation.payout(ID)).toMatchObject({ tag: 'abandoned', reason: 'dust' })
      expect(simulation.arrived(SCRIPT)).toEqual([])
      expect(simulation.leases).toBe(0)
    },
  },
  {
    name: 'a refund that waits until there are coins',
    options: { coins: [] },
    tell: async (simulation) => {
      await pay(simulation)
      await simulation.advance(60_000)
      expect(simulation.payout(ID).tag).toBe('planned')
      simulation.world.node.coins.grant(AMOUNT)
      await hear(simulation, 'payout-published')
      await simulation.mine(FINAL + 1)
    },
    ending: isPaidOnce,
  },
  {
    name: 'a refund that is stuck until its change pays for it',
    tell: async (simulation) => {
      await pay(simulation)
      await hear(simulation, 'payout-published')
      simulation.world.node.chain.stuck.add(txid(simulation))
      simulation.world.node.feerate = 20
      await simulation.mine(SIX_HOURS_OF_BLOCKS - 2)
      expect(simulation.payout(ID).tag).toBe('signed')
      await simulation.mine(FINAL + 4)
    },
    ending: isPaidOnce,
  },
  {
    name: 'a stuck refund without change, which a dearer one replaces',
    options: { coins: [AMOUNT] },
    tell: async (simulation) => {
      await pay(simulation)
      await hear(simulation, 'payout-published')
      const first = txid(simulation)
      simulation.world.node.chain.stuck.add(first)
      simulation.world.node.chain.takesReplacements = true
      simulation.world.node.feerate = 20
      await simulation.mine(SIX_HOURS_OF_BLOCKS + FINAL + 3)
      expect(simulation.world.node.chain.transaction(first)).toBeUndefined()
    },
    ending: isPaidOnce,
  },
  {
    name: 'a refund whose coin somebody else spends: it is paid anew, when the first can never be',
    tell: async (simulation) => {
      await pay(simulation)
      await hear(simulation, 'payout-published')
      const coin = simulation.world.node.chain.transaction(txid(simulation))?.inputs[0] ?? ''
      simulation.world.spendElsewhere(coin)
      await simulation.mine(FINAL - 1)
      expect(simulation.arrived(SCRIPT)).toEqual([])
      await simulation.mine(FINAL + 3)
    },
    ending: isPaidOnce,
  },
  {
    name: 'a reorganisation after which no mempool knows the refund',
    tell: async (simulation) => {
      await pay(simulation)
      await hear(simulation, 'payout-published')
      await simulation.mine(3)
      simulation.world.reorg(3, 'forget')
      await simulation.mine(FINAL + 2)
    },
    ending: isPaidOnce,
  },
]

/** As an older copy of the database, put back: it knows nothing of payouts. */
async function forgetPayouts(simulation: OrderedSimulation): Promise<void> {
  simulation.world.killClient()
  for (const table of ['payout-live', 'payout-done', 'payout-outbox']) simulation.bytes.delete(table)
  await simulation.until(() => simulation.starts > 1, 'the services to run again')
}

describe('a refund that a newer database paid', () => {
  it.each([
    ['is in the mempool', 0],
    ['is in a block', 1],
    ['is deep in the chain', FINAL + 1],
  ])('is not paid again when it %s', async (_, blocks) => {
    const simulation = new OrderedSimulation()
    await simulation.start()
    await pay(simulation)
    await hear(simulation, 'payout-published')
    const first = txid(simulation)
    await simulation.mine(blocks)
    await forgetPayouts(simulation)
    await pay(simulation)
    await simulation.mine(FINAL + 2)
    expect(simulation.violations()).toEqual([])
    expect(simulation.payout(ID)).toMatchObject({ tag: 'paid', txid: first })
    isPaidOnce(simulation)
  })

  it('is paid anew when somebody else spent its coins for good', async () => {
    const simulation = new OrderedSimulation()
    await simulation.start()
    await pay(simulation)
    await hear(simulation, 'payout-published')
    const coin = simulation.world.node.chain.transaction(txid(simulation))?.inputs[0] ?? ''
    await forgetPayouts(simulation)
    await pay(simulation)
    await simulation.advance(30_000)
    simulation.world.spendElsewhere(coin)
    await simulation.mine(2 * FINAL + 3)
    isPaidOnce(simulation)
  })
})

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
