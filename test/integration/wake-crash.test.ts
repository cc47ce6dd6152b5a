import { describe, expect, it } from 'vitest'
import type { Stage } from '../../src/sandbox/stages.ts'
import { type Customer, LATER, WakeSimulation } from './wake-simulation.ts'

/** Double kills, spread over the story by two primes. */
const PAIRS = 60
const RECOVERY_POINTS = 60
const ATTEMPTS = 8
/** Between the attempts of a payer. */
const AGAIN_MS = 30_000
/** What a payer may hear of an attempt that a crash cost. */
const FAILURES = ['temporary_channel_failure', 'unknown_next_peer']

type Ending = { readonly simulation: WakeSimulation; readonly attempts: number; readonly wrong: readonly string[] }
type Tale = {
  readonly name: string
  readonly prepare: (simulation: WakeSimulation, customer: Customer) => void
  /** After an attempt that failed. */
  readonly afterFailure?: (customer: Customer) => void
  /** Attempts of the payer when nothing disturbs. */
  readonly attempts: number
}

const TALES: readonly Tale[] = [
  {
    name: 'a payment that waits for a wallet which its webhook wakes',
    prepare: (simulation, customer) => simulation.wakes(customer, 3_000),
    attempts: 1,
  },
  {
    name: 'a payment that waits in vain, and another when the wallet has come',
    prepare: () => undefined,
    afterFailure: ({ wallet }) => wallet.connect(),
    attempts: 2,
  },
]

async function tell({ prepare, afterFailure }: Tale, disturb: (simulation: WakeSimulation) => void): Promise<Ending> {
  const { simulation, customer } = await WakeSimulation.begin()
  const { wallet, lnds, sold } = customer
  const before = wallet.balance()
  prepare(simulation, customer)
  disturb(simulation)
  const wrong: string[] = []
  let attempts = 0
  for (let isPaid = false; !isPaid && attempts < ATTEMPTS; ) {
    attempts += 1
    const { result } = simulation.payLater(customer, attempts % 2 === 1 ? lnds : sold)
    const ended = await simulation.outcome(result, 'the payment to end')
    isPaid = ended.status === 'settled'
    if (ended.status === 'settled') break
    if (!FAILURES.includes(ended.reason)) wrong.push(`it failed with ${ended.reason}`)
    afterFailure?.(customer)
    await simulation.advance(AGAIN_MS)
  }
  await simulation.rest()
  wrong.push(...simulation.violations())
  const got = wallet.balance() - before
  if (got !== LATER) wrong.push(`the wallet got ${got}, expected ${LATER}`)
  simulation.kill() // what still waits would keep the whole world in memory
  return { simulation, attempts, wrong }
}

const attempt = (tale: Tale, disturb: (simulation: WakeSimulation) => void) =>
  tell(tale, disturb).catch((error: unknown) => ({ attempts: ATTEMPTS, wrong: [String(error)] }))

describe.each(TALES.map((tale) => [tale.name, tale] as const))('%s', (_, tale) => {
  const undisturbed = () => tell(tale, (simulation) => simulation.world.record())

  it('ends well when the sidecar dies at any point: each RPC stage, each commit', async () => {
    const { simulation, attempts, wrong } = await undisturbed()
    expect(wrong).toEqual([])
    expect(attempts).toBe(tale.attempts)
    const { points } = simulation.world
    expect(points.filter((point) => point.startsWith('commit')).length).toBeGreaterThan(5)
    const broken: string[] = []
    // Only a kill before the wait is on disk costs the payer an attempt: such an HTLC goes on at the next start.
    const onDisk = points.findIndex((point) => /^commit#\d+:after$/.test(point))
    expect(points[0]).toMatch(/^interceptHtlcs\.offer/)
    const costly: string[] = []
    for (const [index, point] of points.entries()) {
      const ending = await attempt(tale, ({ world }) => world.killAt(index))
      if (ending.wrong.length > 0) broken.push(`killed at ${index} ${point}: ${ending.wrong.join('; ')}`)
      if (index >= onDisk && ending.attempts > tale.attempts) costly.push(`${index} ${point}`)
    }
    expect(broken).toEqual([])
    expect(costly).toEqual([])
  })

  it('ends well when the sidecar dies twice, the second time while it recovers', async () => {
    const count = (await undisturbed()).simulation.world.points.length
    const broken: string[] = []
    for (let pair = 0; pair < PAIRS; pair += 1) {
      const first = (pair * 7919) % count
      const gap = 1 + ((pair * 104_729) % RECOVERY_POINTS)
      const { wrong } = await attempt(tale, (simulation) => simulation.killAtEach([first, first + gap]))
      if (wrong.length > 0) broken.push(`killed at ${first} and ${gap} later: ${wrong.join('; ')}`)
    }
    expect(broken).toEqual([])
  })

  it('ends well when the answer to any call is lost before or after its effect', async () => {
    const broken: string[] = []
    for (const { call, n, stage } of passagesOf((await undisturbed()).simulation)) {
      const { wrong } = await attempt(tale, ({ world }) => {
        world.faults.push({ call, n, stage, action: { type: 'lose' } })
      })
      if (wrong.length > 0) broken.push(`lost ${call}#${n}:${stage}: ${wrong.join('; ')}`)
    }
    expect(broken).toEqual([])
  })

  it('ends well when lnd dies at any point of its own and comes back', async () => {
    const { points } = (await undisturbed()).simulation.world.node
    expect(points.length).toBeGreaterThan(3)
    const broken: string[] = []
    for (const [index, point] of points.entries()) {
      const { wrong } = await attempt(tale, ({ world }) => {
        world.record()
        world.node.killAt = index
      })
      if (wrong.length > 0) broken.push(`lnd killed at ${index} ${point}: ${wrong.join('; ')}`)
    }
    expect(broken).toEqual([])
  })
})

/** The stages of calls that the undisturbed tale passed through, at which an answer can be lost. */
function passagesOf({ world }: WakeSimulation) {
  return world.points.flatMap((point) => {
    const match = /^(\w+(?:\.\w+)?)#(\d+):(received|answered)$/.exec(point)
    const [, call = '', n = '', stage = ''] = match ?? []
    return match === null ? [] : [{ call, n: Number(n), stage: stage as Stage }]
  })
}
