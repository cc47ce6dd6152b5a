import { describe, expect, it } from 'vitest'
import type { Stage } from '../../src/sandbox/stages.ts'
import type { SimWallet } from '../../src/sandbox/wallet.ts'
import { OrderSimulation, type OrderState, orderConfig, REFUND_ADDRESS } from './order-simulation.ts'

/** Shorter than it would be, since the simulated time that passes costs real time. */
const EXPIRY_MS = 600_000
/** Double kills per story, spread over it by two primes. */
const PAIRS = 40
/** How far after the first kill the second one may fall: about what a recovery takes. */
const RECOVERY_POINTS = 80

type Story = {
  readonly name: string
  /** How the order ends, wherever it was interrupted. */
  readonly ending: 'completed' | 'failed'
  readonly tell: (simulation: OrderSimulation, wallet: SimWallet) => Promise<OrderState>
}

const onchain = { refund_onchain_address: REFUND_ADDRESS }
const ordinary = { required_channel_confirmations: 3, client_balance_sat: '200000' }

/** A payer tries once more when a payment fails because the node was away. */
async function pay(simulation: OrderSimulation, order: OrderState): Promise<'settled' | 'failed'> {
  const { result } = simulation.payInvoice(order)
  return (await simulation.outcome(result, 'the payment to end')).status
}

async function mineUntil(simulation: OrderSimulation, isOver: () => boolean, what: string): Promise<void> {
  for (let block = 0; block < 60 && !isOver(); block += 1) {
    await simulation.advance(20_000)
    simulation.world.mine(1)
  }
  await simulation.until(isOver, what)
}

const STORIES: readonly Story[] = [
  {
    name: 'an order that is paid by Lightning',
    ending: 'completed',
    tell: async (simulation, wallet) => {
      const order = await simulation.order(wallet)
      expect(await pay(simulation, order)).toBe('settled')
      return order
    },
  },
  {
    name: 'an order of an ordinary channel with a balance, paid by Lightning',
    ending: 'completed',
    tell: async (simulation, wallet) => {
      const order = await simulation.order(wallet, { ...onchain, ...ordinary })
      expect(await pay(simulation, order)).toBe('settled')
      return order
    },
  },
  {
    name: 'an order whose client refuses the channel, paid by Lightning',
    ending: 'failed',
    tell: async (simulation, wallet) => {
      wallet.trustsNode = false
      const order = await simulation.order(wallet)
      expect(await pay(simulation, order)).toBe('failed')
      return order
    },
  },
  {
    name: 'an order that is paid on chain, with too much',
    ending: 'completed',
    tell: async (simulation, wallet) => {
      const order = await simulation.order(wallet, onchain)
      simulation.payOnchain(order, BigInt(order.payment.onchain?.order_total_sat ?? 0) + 50_000n)
      await mineUntil(simulation, () => !simulation.isLive(order), 'the order to be over')
      return order
    },
  },
  {
    name: 'an order that is paid on chain, too little and in two parts, and sent back',
    ending: 'failed',
    tell: async (simulation, wallet) => {
      const order = await simulation.order(wallet, { ...onchain, ...ordinary })
      simulation.payOnchain(order, 20_000n)
      simulation.payOnchain(order, 30_000n)
      await simulation.advance(EXPIRY_MS)
      await mineUntil(simulation, () => !simulation.isLive(order), 'the order to be over')
      return order
    },
  },
  {
    name: 'an order that is paid on chain, whose client refuses the channel',
    ending: 'failed',
    tell: async (simulation, wallet) => {
      wallet.trustsNode = false
      const order = await simulation.order(wallet, onchain)
      simulation.payOnchain(order)
      await mineUntil(simulation, () => !simulation.isLive(order), 'the order to be over')
      return order
    },
  },
]

type Disturb = (simulation: OrderSimulation) => void
type Told = { readonly simulation: OrderSimulation; readonly wrong: readonly string[] }

/** Tells the story once; returns what is wrong at its end. */
async function run(story: Story, disturb: Disturb): Promise<Told> {
  const simulation = new OrderSimulation({ config: orderConfig({ expiry_seconds: EXPIRY_MS / 1000 }) })
  disturb(simulation)
  await simulation.start()
  const wallet = simulation.client()
  const order = await story.tell(simulation, wallet)
  await mineUntil(simulation, () => !simulation.isLive(order), 'the order to be over')
  await simulation.rest()
  const wrong = [...simulation.violations()]
  const tag = simulation.tag(order)
  if (tag !== story.ending) wrong.push(`the order ended as ${tag}: ${simulation.record(order)?.why}`)
  const channels = simulation.channelsOf(order)
  if (channels !== (story.ending === 'completed' ? 1 : 0)) wrong.push(`it has ${channels} channels`)
  return { simulation, wrong: [...wrong, ...simulation.wrongWithMoney(order)] }
}

async function attempt(story: Story, disturb: Disturb): Promise<Pick<Told, 'wrong'>> {
  return run(story, disturb).catch((error: unknown) => ({ wrong: [String(error)] }))
}

/** The stages of calls that the undisturbed story passed through. */
function passagesOf({ world }: OrderSimulation) {
  return world.points.flatMap((point) => {
    const match = /^(\w+(?:\.\w+)?)#(\d+):(received|answered)$/.exec(point)
    const [, call = '', n = '', stage = ''] = match ?? []
    return match === null ? [] : [{ call, n: Number(n), stage: stage as Stage }]
  })
}

describe.each(STORIES.map((story) => [story.name, story] as const))('%s', (_, story) => {
  it('ends well undisturbed', async () => {
    const { wrong } = await run(story, () => undefined)
    expect(wrong).toEqual([])
  })

  it('ends the same when the sidecar dies at any point: each RPC stage, each commit', async () => {
    const { simulation } = await run(story, ({ world }) => world.record())
    const { points } = simulation.world
    expect(points.length).toBeGreaterThan(50)
    const broken: string[] = []
    for (const [index, point] of points.entries()) {
      const { wrong } = await attempt(story, ({ world }) => world.killAt(index))
      if (wrong.length > 0) broken.push(`killed at ${index} ${point}: ${wrong.join('; ')}`)
    }
    expect(broken).toEqual([])
  })

  it('ends the same when the answer to any call is lost before or after its effect', async () => {
    const { simulation } = await run(story, ({ world }) => world.record())
    const passages = passagesOf(simulation)
    expect(passages.length).toBeGreaterThan(20)
    const broken: string[] = []
    for (const { call, n, stage } of passages) {
      const { wrong } = await attempt(story, ({ world }) => {
        world.faults.push({ call, n, stage, action: { type: 'lose' } })
      })
      if (wrong.length > 0) broken.push(`lost ${call}#${n}:${stage}: ${wrong.join('; ')}`)
    }
    expect(broken).toEqual([])
  })

  it('ends the same when the sidecar dies twice, the second time while it recovers', async () => {
    const { simulation } = await run(story, ({ world }) => world.record())
    const count = simulation.world.points.length
    const broken: string[] = []
    for (let pair = 0; pair < PAIRS; pair += 1) {
      const first = (pair * 7919) % count
      const gap = 1 + ((pair * 104_729) % RECOVERY_POINTS)
      const { wrong } = await attempt(story, (one) => one.killAtEach([first, first + gap]))
      if (wrong.length > 0) broken.push(`killed at ${first} and ${gap} later: ${wrong.join('; ')}`)
    }
    expect(broken).toEqual([])
  })
})
