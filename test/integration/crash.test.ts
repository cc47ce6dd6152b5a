import { describe, expect, it } from 'vitest'
import type { Stage } from '../../src/sandbox/stages.ts'
import type { SimWallet } from '../../src/sandbox/wallet.ts'
import { type Bought, Simulation, type SimulationOptions, testConfig } from './simulation.ts'
import { register, WEBHOOKS } from './sleeper.ts'

const AMOUNT = 100_000_000n
/** Double kills per story, spread over it by two primes. */
const PAIRS = 120
/** How far after the first kill the second one may fall: about what a recovery takes. */
const RECOVERY_POINTS = 80

/** What must be true at the end of a story, wherever it was interrupted. */
type Ending = {
  /** Sale states that the story may end in; the first is the undisturbed one. */
  readonly states: readonly string[]
  readonly paid: boolean
  /** How many of this size were paid, each with the fee for a channel of its own; one, when left out. */
  readonly payments?: number
  /** As long as lnd lives, a payment that was held once is never given back. */
  readonly heldOnce?: true
}

type Story = {
  readonly name: string
  readonly options?: SimulationOptions
  readonly ending: Ending
  readonly tell: (simulation: Simulation, wallet: SimWallet) => Promise<Bought>
}

async function payUntilPaid(simulation: Simulation, wallet: SimWallet, bought: Bought): Promise<void> {
  // A payer tries again when a payment fails: a new HTLC, a new circuit.
  for (let attempt = 0; attempt < 8; attempt += 1) {
    const payment = simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }))
    const result = await simulation.outcome(payment.result, 'the payment to end')
    if (result.status === 'settled') return
    await simulation.advance(5_000)
  }
  throw new Error('the payment did not come through in 8 attempts')
}

/** BOLT 4: a payee that waits for the rest of a payment fails what it has after a minute or more. */
const MPP_TIMEOUT_MS = 120_000

/** Three parts of one payment, in these shares of a hundred; all of them again while any fails. */
async function payInParts(simulation: Simulation, wallet: SimWallet, bought: Bought): Promise<void> {
  for (let attempt = 0; attempt < 8; attempt += 1) {
    const invoice = wallet.invoice({ amount: AMOUNT, maxFee: bought.fee })
    const parts = [60n, 39n, 1n].map((share) => simulation.pay({ ...bought, amount: (AMOUNT * share) / 100n }, invoice))
    const isOver = () => parts.every(({ outcome }) => outcome !== undefined)
    for (let waited = 0; !isOver() && waited < MPP_TIMEOUT_MS; waited += 5_000) await simulation.advance(5_000)
    wallet.giveUpParts()
    for (const { result } of parts) await simulation.outcome(result, 'a part to end')
    if (parts.every(({ outcome }) => outcome?.status === 'settled')) return
    await simulation.advance(5_000)
  }
  throw new Error('the payment did not come through in 8 attempts')
}

const STORIES: readonly Story[] = [
  {
    name: 'a purchase that is paid twice, and needs a channel for each (second_channel)',
    options: { config: testConfig({ lsps2: { second_channel: 'agreed-terms' } }) },
    ending: { states: ['paid'], paid: true, payments: 2 },
    tell: async (simulation, wallet) => {
      const bought = await simulation.buy(wallet, AMOUNT)
      await payUntilPaid(simulation, wallet, bought)
      await simulation.advance(2_000)
      await payUntilPaid(simulation, wallet, bought)
      return bought
    },
  },
  {
    name: 'a sale that is paid in three parts',
    ending: { states: ['paid'], paid: true },
    tell: async (simulation, wallet) => {
      const bought = await simulation.buy(wallet, AMOUNT)
      await payInParts(simulation, wallet, bought)
      return bought
    },
  },
  {
    name: 'a sale without an agreed amount',
    ending: { states: ['paid'], paid: true },
    tell: async (simulation, wallet) => {
      const { scid, delta, feeOf } = await simulation.purchase(wallet)
      const bought = { scid, delta, fee: feeOf(AMOUNT), amount: AMOUNT }
      await payUntilPaid(simulation, wallet, bought)
      return bought
    },
  },
  {
    name: 'a sale to a client that trusts us, whose first payment it fails',
    options: { config: testConfig({ lsps2: { client_trusts_lsp: true } }) },
    ending: { states: ['paid'], paid: true },
    tell: async (simulation, wallet) => {
      const bought = await simulation.buy(wallet, AMOUNT)
      wallet.setPaymentPolicy('fail')
      const refused = simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }))
      await simulation.outcome(refused.result, 'the first payment to end')
      wallet.setPaymentPolicy('claim')
      await simulation.advance(2_000)
      await payUntilPaid(simulation, wallet, bought)
      return bought
    },
  },
  {
    name: 'a sale',
    ending: { states: ['paid'], paid: true, heldOnce: true },
    tell: async (simulation, wallet) => {
      const bought = await simulation.buy(wallet, AMOUNT)
      await payUntilPaid(simulation, wallet, bought)
      return bought
    },
  },
  {
    name: 'a sale whose client is away when the payment comes',
    ending: { states: ['paid'], paid: true },
    tell: async (simulation, wallet) => {
      const bought = await simulation.buy(wallet, AMOUNT)
      wallet.disconnect()
      const payment = simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }))
      await simulation.advance(20_000)
      wallet.connect()
      const result = await simulation.outcome(payment.result, 'the payment to end')
      if (result.status !== 'settled') await payUntilPaid(simulation, wallet, bought)
      return bought
    },
  },
  {
    name: 'a sale whose client sleeps until its webhook is called',
    options: { config: testConfig({ webhooks: WEBHOOKS }) },
    ending: { states: ['paid'], paid: true },
    tell: async (simulation, wallet) => {
      await register(simulation, wallet)
      const bought = await simulation.buy(wallet, AMOUNT)
      wallet.disconnect()
      await simulation.advance(1_000)
      simulation.relay.onCall = ({ method }) => {
        if (method === 'lsps5.payment_incoming') wallet.connect() // nothing else makes it come
      }
      await payUntilPaid(simulation, wallet, bought)
      return bought
    },
  },
  {
    name: 'a payment that the wallet fails, then one that it takes',
    ending: { states: ['paid'], paid: true },
    tell: async (simulation, wallet) => {
      const bought = await simulation.buy(wallet, AMOUNT)
      wallet.setPaymentPolicy('fail')
      const refused = simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }))
      await simulation.outcome(refused.result, 'the first payment to end')
      wallet.setPaymentPolicy('claim')
      await simulation.advance(2_000)
      await payUntilPaid(simulation, wallet, bought)
      return bought
    },
  },
  {
    name: 'an open that the client refuses',
    ending: { states: ['abandoned', 'awaiting'], paid: false },
    tell: async (simulation, wallet) => {
      const bought = await simulation.buy(wallet, AMOUNT)
      wallet.trustsNode = false
      const payment = simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }))
      await simulation.outcome(payment.result, 'the payment to end')
      return bought
    },
  },
  {
    name: 'a client that hangs before funding_signed and then leaves',
    ending: { states: ['paid'], paid: true },
    tell: async (simulation, wallet) => {
      const bought = await simulation.buy(wallet, AMOUNT)
      wallet.setOpenPolicy('hang-sign')
      const payment = simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }))
      await simulation.advance(3_000)
      wallet.disconnect()
      await simulation.outcome(payment.result, 'the first payment to end')
      wallet.setOpenPolicy('accept')
      wallet.connect()
      await simulation.advance(2_000)
      await payUntilPaid(simulation, wallet, bought)
      return bought
    },
  },
  {
    name: 'a payment that is too small',
    ending: { states: ['awaiting'], paid: false },
    tell: async (simulation, wallet) => {
      const bought = await simulation.buy(wallet, AMOUNT)
      const invoice = wallet.invoice({ amount: AMOUNT, maxFee: bought.fee })
      const payment = simulation.pay({ ...bought, amount: AMOUNT - 1n }, invoice)
      await simulation.outcome(payment.result, 'the payment to end')
      return bought
    },
  },
  {
    name: 'a payer whose link flaps while the wallet sits on the payment',
    ending: { states: ['paid'], paid: true },
    tell: async (simulation, wallet) => {
      const bought = await simulation.buy(wallet, AMOUNT)
      wallet.setPaymentPolicy('sit')
      const payment = simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }))
      await simulation.advance(3_000)
      simulation.world.payer.disconnect()
      await simulation.advance(500)
      simulation.world.payer.connect()
      await simulation.advance(3_000)
      wallet.setPaymentPolicy('claim')
      const result = await simulation.outcome(payment.result, 'the payment to end')
      if (result.status !== 'settled') await payUntilPaid(simulation, wallet, bought)
      return bought
    },
  },
]

/** News of one funding, without a reorganisation, that no crash may double. */
const TOLD_ONCE = ['funding published', 'funding confirmed']

type Disturb = (simulation: Simulation) => void

/** Tells the story once; returns what is wrong at its end. */
async function run(story: Story, disturb: Disturb): Promise<{ simulation: Simulation; wrong: readonly string[] }> {
  const simulation = new Simulation(story.options)
  disturb(simulation)
  await simulation.start()
  const wallet = simulation.world.addWallet()
  wallet.connect()
  const bought = await story.tell(simulation, wallet)
  await simulation.rest()
  const wrong = [...simulation.violations()]
  const state = simulation.state(bought.scid) ?? 'unknown'
  if (!story.ending.states.includes(state)) wrong.push(`the sale ended as ${state}`)
  const payments = story.ending.paid ? BigInt(story.ending.payments ?? 1) : 0n
  const expected = payments * (AMOUNT - bought.fee)
  if (wallet.balance() !== expected) wrong.push(`the wallet got ${wallet.balance()}, expected ${expected}`)
  const booked = simulation.journal().reduce((sum, { earned }) => sum + earned, 0n)
  const due = payments * bought.fee
  if (booked !== due) wrong.push(`the journal booked ${booked}, expected ${due}`)
  const held = simulation.steps(bought.scid).filter((what) => what === 'payment held').length
  const nodeLived = simulation.nodeStarts === 0
  // Nobody put another database in place: what is on disk is never behind lnd, so nothing is to be caught up.
  if (simulation.caughtUp > 0) wrong.push('a restart changed records by what lnd shows')
  if (nodeLived && simulation.waitedForHistory > 0) wrong.push('a restart waited for the history of lnd')
  if (story.ending.heldOnce && nodeLived && held !== 1) wrong.push(`a payment was held ${held} times`)
  const steps = simulation.steps(bought.scid)
  for (const what of TOLD_ONCE) {
    const times = steps.filter((step) => step === what).length
    if (times > 1) wrong.push(`it is on record ${times} times: ${what}`)
  }
  simulation.kill() // what still waits would keep the whole world in memory, and there are thousands of them
  return { simulation, wrong }
}

type Passage = { readonly call: string; readonly n: number; readonly stage: Stage }

/** The stages of calls that the undisturbed story passed through. */
function passagesOf({ world }: Simulation): readonly Passage[] {
  return world.points.flatMap((point) => {
    const match = /^(\w+(?:\.\w+)?)#(\d+):(received|effective|visible|answered)$/.exec(point)
    const [, call = '', n = '', stage = ''] = match ?? []
    return match === null ? [] : [{ call, n: Number(n), stage: stage as Stage }]
  })
}

async function attempt(story: Story, disturb: Disturb): Promise<{ readonly wrong: readonly string[] }> {
  return run(story, disturb).catch((error: unknown) => ({ wrong: [String(error)] }))
}

describe.each(STORIES.map((story) => [story.name, story] as const))('%s', (_, story) => {
  it('ends well undisturbed', async () => {
    const { wrong } = await run(story, () => undefined)
    expect(wrong).toEqual([])
  })

  it('ends the same when the sidecar dies at any point: each RPC stage, each commit', async () => {
    const undisturbed = await run(story, (simulation) => simulation.world.record())
    const { points } = undisturbed.simulation.world
    expect(points.length).toBeGreaterThan(50)
    const broken: string[] = []
    for (const [index, point] of points.entries()) {
      const outcome = await attempt(story, (simulation) => simulation.world.killAt(index))
      if (outcome.wrong.length > 0) broken.push(`killed at ${index} ${point}: ${outcome.wrong.join('; ')}`)
    }
    expect(broken).toEqual([])
  })

  it('ends the same when the answer to any call is lost before or after its effect', async () => {
    const undisturbed = await run(story, (simulation) => simulation.world.record())
    const passages = passagesOf(undisturbed.simulation).filter(
      ({ stage }) => stage === 'received' || stage === 'answered',
    )
    expect(passages.length).toBeGreaterThan(20)
    const broken: string[] = []
    for (const { call, n, stage } of passages) {
      const outcome = await attempt(story, (simulation) => {
        simulation.world.faults.push({ call, n, stage, action: { type: 'lose' } })
      })
      if (outcome.wrong.length > 0) broken.push(`lost ${call}#${n}:${stage}: ${outcome.wrong.join('; ')}`)
    }
    expect(broken).toEqual([])
  })

  it('ends well when lnd dies at any point of its own and comes back', async () => {
    const undisturbed = await run(story, (simulation) => {
      simulation.world.record()
    })
    const { points } = undisturbed.simulation.world.node
    const broken: string[] = []
    for (const [index, point] of points.entries()) {
      const outcome = await attempt(story, (simulation) => {
        simulation.world.record()
        simulation.world.node.killAt = index
      })
      if (outcome.wrong.length > 0) broken.push(`lnd killed at ${index} ${point}: ${outcome.wrong.join('; ')}`)
    }
    for (const { call, n, stage } of passagesOf(undisturbed.simulation)) {
      const outcome = await attempt(story, (simulation) => {
        simulation.world.faults.push({ call, n, stage, action: { type: 'kill-node' } })
      })
      if (outcome.wrong.length > 0) broken.push(`lnd killed at ${call}#${n}:${stage}: ${outcome.wrong.join('; ')}`)
    }
    expect(broken).toEqual([])
  })

  it('ends the same when the sidecar dies twice, the second time while it recovers', async () => {
    const undisturbed = await run(story, (simulation) => simulation.world.record())
    const count = undisturbed.simulation.world.points.length
    const broken: string[] = []
    for (let pair = 0; pair < PAIRS; pair += 1) {
      const first = (pair * 7919) % count
      const gap = 1 + ((pair * 104_729) % RECOVERY_POINTS)
      const outcome = await attempt(story, (simulation) => simulation.killAtEach([first, first + gap]))
      if (outcome.wrong.length > 0) broken.push(`killed at ${first} and ${gap} later: ${outcome.wrong.join('; ')}`)
    }
    expect(broken).toEqual([])
  })
})
