import { describe, expect, it } from 'vitest'
import type { Config } from '../../../src/config/schema.ts'
import { FINAL_CONFIRMATIONS } from '../../../src/funding/follow.ts'
import { OrderSimulation, type OrderState, orderConfig } from '../order-simulation.ts'
import { wrongWithOrders } from './books.ts'
import { killPoints, losses, nodeDeaths } from './points.ts'

/** Double kills of a story, spread over it by two primes. */
const PAIRS = 20
/** How far after the first kill the second one may fall: about what a recovery takes. */
const RECOVERY_POINTS = 80
/** Blocks within which all that a story began must be over: an order that nobody knows of has to expire as well. */
const LAST_BLOCKS = 60
/** Between them, in ms: shorter than real ones, since time that is simulated takes time as well. */
const BLOCK_MS = 20_000

/** After a block, until everybody has looked at it. */
const NOTICE_MS = 1_000

/** The shortest that the config allows. */
export const EXPIRY_MS = 600_000

export function crashConfig(orders: object = {}): Config {
  return orderConfig({ expiry_seconds: EXPIRY_MS / 1000, ...orders })
}

/** An order of a story, and how it may end wherever it was interrupted: `completed`, `failed` or `lost`; undisturbed as the first. */
export type Told = { readonly order: OrderState; readonly ends: readonly string[] }

export type Story<Prepared = undefined> = {
  readonly name: string
  readonly config?: Config
  /** Never disturbed. */
  readonly prepare?: (simulation: OrderSimulation) => Promise<Prepared>
  readonly tell: (simulation: OrderSimulation, prepared: Prepared) => Promise<readonly Told[]>
  /**
   * Disturbed also when all orders are over and the blocks come that bury their channels: that is the life of a funding,
   * the same after every order, and killed at every point in `funding-life.test.ts` and `ordered-life.test.ts`.
   */
  readonly toTheEnd?: true
}

type Disturb = (simulation: OrderSimulation) => void

type Played = {
  readonly simulation: OrderSimulation
  readonly wrong: readonly string[]
  readonly asTold: boolean
  /** Points at the client and at the node that are worth a disturbance. */
  readonly points: readonly string[]
  readonly nodePoints: readonly string[]
}

/** Whether every order ended as it does undisturbed. */
function endedAsTold(simulation: OrderSimulation, told: readonly Told[]): boolean {
  return told.every(({ order, ends: [first] }) => {
    const { tag, lost } = simulation.record(order) ?? { tag: 'unknown' }
    return first === (lost === undefined ? tag : 'lost')
  })
}

/** Tells a story once; what is wrong at its end. `disturb` comes when everything runs and is prepared. */
async function run<P>(story: Story<P>, disturb: Disturb): Promise<Played> {
  const simulation = new OrderSimulation({ config: story.config ?? crashConfig() })
  await simulation.start()
  const prepared = (await story.prepare?.(simulation)) as P
  disturb(simulation)
  const told = await story.tell(simulation, prepared)
  const { points, node } = simulation.world
  await mineWhile(simulation, 1, () => simulation.ordersUnderWay > 0)
  const over = story.toTheEnd === true ? [] : [points.length, node.points.length]
  await mineWhile(simulation, story.toTheEnd === true ? 1 : FINAL_CONFIRMATIONS, () => simulation.underWay > 0)
  await simulation.advance(BLOCK_MS)
  const wrong = [...simulation.violations(), ...wrongWithOrders(simulation)]
  for (const { order, ends } of told) {
    const { tag, lost, why } = simulation.record(order) ?? { tag: 'unknown' }
    const end = lost === undefined ? tag : 'lost'
    if (!ends.includes(end)) wrong.push(`order ${order.order_id} ended as ${end}: ${lost ?? why}`)
  }
  const played = {
    simulation,
    wrong,
    asTold: endedAsTold(simulation, told),
    points: points.slice(0, over[0]),
    nodePoints: node.points.slice(0, over[1]),
  }
  simulation.kill() // what still waits would keep the whole world in memory, and there are thousands of them
  return played
}

/** Blocks come, so many at once, and once at least: what is in the mempool may make an order live again. */
async function mineWhile(simulation: OrderSimulation, blocks: number, isUnderWay: () => boolean): Promise<void> {
  let mined = 0
  do {
    await simulation.advance(BLOCK_MS)
    simulation.world.mine(blocks)
    await simulation.advance(NOTICE_MS)
    mined += blocks
  } while (mined < LAST_BLOCKS && isUnderWay())
}

async function wrongWith<P>(story: Story<P>, disturb: Disturb, happened: (one: OrderSimulation) => boolean) {
  try {
    const { simulation, wrong } = await run(story, disturb)
    return happened(simulation) ? wrong : ['it was never disturbed', ...wrong]
  } catch (error) {
    return [String(error)]
  }
}

/** Points are counted over all incarnations. */
const passed =
  (point: number) =>
  ({ world }: OrderSimulation) =>
    world.points.length > point
const nodeDied = ({ nodeStarts }: OrderSimulation) => nodeStarts > 0

export function crashSuite<P>(stories: readonly Story<P>[]): void {
  describe.each(stories.map((story) => [story.name, story] as const))('%s', (_, story) => {
    const told = () => run(story, ({ world }) => world.record())

    it('ends well undisturbed', async () => {
      const { wrong, asTold } = await run(story, () => undefined)
      expect(wrong).toEqual([])
      expect(asTold).toBe(true)
    })

    it('ends the same when the sidecar dies at any point: each RPC stage, each commit', async () => {
      const { points } = await told()
      expect(points.length).toBeGreaterThan(20)
      const broken: string[] = []
      for (const index of killPoints(points)) {
        const wrong = await wrongWith(story, ({ world }) => world.killAt(index), passed(index))
        if (wrong.length > 0) broken.push(`killed at ${index} ${points[index]}: ${wrong.join('; ')}`)
      }
      expect(broken).toEqual([])
    })

    it('ends the same when any call is lost, or the answer to it', async () => {
      const passages = losses((await told()).points)
      expect(passages.length).toBeGreaterThan(5)
      const broken: string[] = []
      for (const { call, n, stage } of passages) {
        let isLost = false
        const wrong = await wrongWith(
          story,
          ({ world }) => {
            world.onStage = (passage) => {
              if (passage.call !== call || passage.n !== n || passage.stage !== stage) return undefined
              isLost = true
              return { type: 'lose' }
            }
          },
          () => isLost,
        )
        if (wrong.length > 0) broken.push(`lost ${call}#${n}:${stage}: ${wrong.join('; ')}`)
      }
      expect(broken).toEqual([])
    })

    it('ends the same when the node dies at any point of its own, or during any call, and comes back', async () => {
      const { points, nodePoints } = await told()
      const broken: string[] = []
      for (const [index, point] of nodePoints.entries()) {
        const wrong = await wrongWith(
          story,
          ({ world }) => {
            world.record()
            world.node.killAt = index
          },
          nodeDied,
        )
        if (wrong.length > 0) broken.push(`the node died at ${index} ${point}: ${wrong.join('; ')}`)
      }
      for (const { call, n, stage } of nodeDeaths(points)) {
        const die = { call, n, stage, action: { type: 'kill-node' } } as const
        const wrong = await wrongWith(story, ({ world }) => void world.faults.push(die), nodeDied)
        if (wrong.length > 0) broken.push(`the node died at ${call}#${n}:${stage}: ${wrong.join('; ')}`)
      }
      expect(broken).toEqual([])
    })

    it('ends the same when the sidecar dies twice, the second time while it recovers', async () => {
      const { points } = await told()
      const kills = killPoints(points)
      const broken: string[] = []
      for (let pair = 0; pair < PAIRS; pair += 1) {
        const first = kills[(pair * 7919) % kills.length] ?? 0
        const gap = 1 + ((pair * 104_729) % RECOVERY_POINTS)
        const wrong = await wrongWith(story, (one) => one.killAtEach([first, first + gap]), passed(first))
        if (wrong.length > 0) broken.push(`killed at ${first} and ${gap} later: ${wrong.join('; ')}`)
      }
      expect(broken).toEqual([])
    })
  })
}

/** Every point of a start, with nothing to do: it is the same before every story, and so it is killed once. */
export function startSuite(): void {
  it('starts after it died at any point of its start', async () => {
    const first = new OrderSimulation({ config: crashConfig() })
    first.world.record()
    await first.start()
    const { points } = first.world
    expect(points.length).toBeGreaterThan(30)
    for (const index of points.keys()) {
      const simulation = new OrderSimulation({ config: crashConfig() })
      simulation.world.killAt(index)
      await simulation.start()
      await simulation.until(() => simulation.isRunning, `a start after a death at ${points[index]}`)
      expect(simulation.starts).toBe(2)
      expect(simulation.violations()).toEqual([])
      simulation.kill()
    }
  })
}
