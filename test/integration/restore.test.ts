import { describe, expect, it } from 'vitest'
import type { SimWallet } from '../../src/sandbox/wallet.ts'
import type { SyncedBytes } from '../../src/store/memory.ts'
import { type Bought, Simulation, testConfig } from './simulation.ts'

const AMOUNT = 100_000_000n
/** What the channel can still carry after that. */
const SMALL = 10_000_000n

type Story = {
  readonly name: string
  /** What is not found again, as the README says. */
  readonly misses?: RegExp
  readonly lsps2?: object
  readonly tell: (simulation: Simulation, wallet: SimWallet, buy: () => Promise<Bought>) => Promise<void>
}

function invoiceOf(simulation: Simulation, wallet: SimWallet, bought: Bought) {
  return simulation.pay(bought, wallet.invoice({ amount: bought.amount, maxFee: bought.fee }))
}

async function pay(simulation: Simulation, wallet: SimWallet, bought: Bought): Promise<string> {
  return (await simulation.outcome(invoiceOf(simulation, wallet, bought).result, 'a payment to end')).status
}

const STORIES: readonly Story[] = [
  {
    name: 'a sale that was paid',
    tell: async (simulation, wallet, buy) => {
      await pay(simulation, wallet, await buy())
    },
  },
  {
    name: 'a sale whose fee is owed',
    tell: async (simulation, wallet, buy) => {
      const bought = await buy()
      wallet.setPaymentPolicy('fail')
      await pay(simulation, wallet, bought)
      wallet.setPaymentPolicy('claim')
    },
  },
  {
    name: 'a fee that was owed and then paid',
    // Settled less than 15 s before the restore, when an earlier payment is on record as being forwarded.
    misses: /^books: the journal says 0/,
    tell: async (simulation, wallet, buy) => {
      const bought = await buy()
      wallet.setPaymentPolicy('fail')
      await pay(simulation, wallet, bought)
      wallet.setPaymentPolicy('claim')
      await simulation.advance(2_000)
      await pay(simulation, wallet, bought)
    },
  },
  {
    name: 'a client that was away, and a second sale',
    tell: async (simulation, wallet, buy) => {
      const bought = await buy()
      wallet.disconnect()
      const payment = invoiceOf(simulation, wallet, bought)
      await simulation.advance(20_000)
      wallet.connect()
      await simulation.outcome(payment.result, 'a payment to end')
      const other = simulation.world.addWallet()
      other.connect()
      const second = await simulation.buy(other, AMOUNT)
      await pay(simulation, other, second)
    },
  },
  {
    name: 'an open that the client refused first',
    tell: async (simulation, wallet, buy) => {
      const bought = await buy()
      wallet.setOpenPolicy('hang-sign')
      const payment = invoiceOf(simulation, wallet, bought)
      await simulation.advance(3_000)
      wallet.disconnect()
      await simulation.outcome(payment.result, 'a payment to end')
      wallet.setOpenPolicy('accept')
      wallet.connect()
      await simulation.advance(2_000)
      await pay(simulation, wallet, bought)
    },
  },
]

const PARTS_STORY: Story = {
  name: 'a payment in three parts',
  tell: async (simulation, wallet, buy) => {
    const bought = await buy()
    const invoice = wallet.invoice({ amount: AMOUNT, maxFee: bought.fee })
    const sent = []
    for (const amount of [40_000_000n, 35_000_000n, 25_000_000n]) {
      sent.push(simulation.pay({ ...bought, amount }, invoice))
      await simulation.advance(300)
    }
    for (const payment of sent) await simulation.outcome(payment.result, 'a part to end')
  },
}

const TRUST_STORY: Story = {
  name: 'a client that trusts us',
  lsps2: { client_trusts_lsp: true },
  tell: async (simulation, wallet, buy) => {
    const bought = await buy()
    wallet.setPaymentPolicy('sit')
    const payment = invoiceOf(simulation, wallet, bought)
    await simulation.advance(5_000)
    wallet.setPaymentPolicy('claim')
    await simulation.outcome(payment.result, 'a payment to end')
  },
}

const ALL = [...STORIES, PARTS_STORY, TRUST_STORY]

function copyOf(bytes: SyncedBytes): SyncedBytes {
  return new Map([...bytes].map(([table, rows]) => [table, new Map(rows)]))
}

async function began(story: Story) {
  const simulation = new Simulation({ config: testConfig({ lsps2: story.lsps2 ?? {} }) })
  const snapshots: SyncedBytes[] = []
  simulation.onCommit = (bytes) => snapshots.push(copyOf(bytes))
  await simulation.start()
  const wallet = simulation.world.addWallet()
  wallet.connect()
  let bought: Bought | undefined
  const buy = async () => {
    bought = await simulation.buy(wallet, AMOUNT)
    return bought
  }
  return { simulation, wallet, snapshots, tell: () => story.tell(simulation, wallet, buy), bought: () => bought }
}

/**
 * What a database that is lost while money moves costs, as the README says: coins stay locked until their lease ends,
 * and a channel whose transaction was on that disk alone can never confirm.
 */
const SAID = /^lease-left|^unpublished/

/** Everything that must be true whatever was restored when. */
async function wrongAfter(simulation: Simulation): Promise<readonly string[]> {
  await simulation.rest()
  return simulation.violations()
}

function reconciled(simulation: Simulation) {
  const { admin } = simulation.sidecar
  return simulation.outcome(admin.reconcile(new AbortController().signal), 'the comparison')
}

describe.each(ALL.map((story) => [story.name, story] as const))('an older database, after %s', (_, story) => {
  it('is brought to where lnd is: one channel, one fee, the same books; the next payment pays what is owed', async () => {
    const whole = await began(story)
    await whole.tell()
    await whole.simulation.rest()
    const count = whole.snapshots.length
    expect(count).toBeGreaterThan(10)
    const broken: string[] = []
    for (let index = 0; index < count; index += 1) {
      const { simulation, wallet, snapshots, tell, bought } = await began(story)
      await tell()
      await simulation.rest()
      const sale = bought()
      if (sale === undefined) throw new Error('nothing was bought')
      const earned = simulation.nodeEarned()
      const isPaid = simulation.state(sale.scid) === 'paid'
      const channels = wallet.channels.size
      simulation.kill()
      simulation.bytes = copyOf(snapshots[index] ?? new Map())
      await simulation.advance(60_000)
      const wrong = [...(await wrongAfter(simulation))]
      if (simulation.nodeEarned() !== earned) wrong.push('a fee was taken for nothing')
      const { differences } = await reconciled(simulation)
      for (const { kind, thing, ours, theirs } of differences) wrong.push(`${kind}: ${thing}: ${ours}, ${theirs}`)
      const status = await pay(simulation, wallet, isPaid ? { ...sale, amount: SMALL, fee: 0n } : sale)
      wrong.push(...(await wrongAfter(simulation)))
      if (wallet.channels.size > channels) wrong.push(`the wallet has ${wallet.channels.size} channels`)
      // Paid once, it is an ordinary forward; while it is owed, the next payment pays it.
      const due = isPaid ? earned : earned + sale.fee
      if (status === 'settled' && simulation.nodeEarned() !== due) {
        wrong.push(`earned ${simulation.nodeEarned()}, due ${due}: ${simulation.state(sale.scid)}`)
      }
      if (status !== 'settled') wrong.push(`the next payment ended as ${status}: ${simulation.state(sale.scid)}`)
      if (wrong.length > 0) broken.push(`snapshot ${index} of ${count}: ${wrong.join('; ')}`)
    }
    expect(broken).toEqual([])
  })
})

describe.each(ALL.map((story) => [story.name, story] as const))('an older database in the middle of %s', (_, story) => {
  it('costs no money: nothing is opened twice, failed in flight or booked otherwise than lnd has it', async () => {
    const whole = await began(story)
    whole.simulation.world.record()
    await whole.tell()
    await whole.simulation.rest()
    const points = whole.simulation.world.points.length
    const broken: string[] = []
    for (let point = 0; point < points; point += 3) {
      for (const back of [1, 3, 8, 1_000]) {
        const { simulation, snapshots, tell } = await began(story)
        const starts = simulation.starts
        simulation.onStart = () => {
          if (simulation.starts !== starts) return
          simulation.bytes = copyOf(snapshots[Math.max(0, snapshots.length - 1 - back)] ?? new Map())
        }
        simulation.world.killAt(point)
        // A sale that is lost with its database cannot be paid any more: the story may end early.
        await tell().catch(() => undefined)
        await simulation.advance(30_000)
        const all = await wrongAfter(simulation).catch((error: unknown) => [String(error)])
        const wrong = all.filter((text) => !SAID.test(text) && story.misses?.test(text) !== true)
        if (wrong.length > 0) broken.push(`killed at ${point}, ${back} back: ${wrong.join('; ')}`)
      }
    }
    expect(broken).toEqual([])
  })
})

describe('an older database, and a row that lnd lost when it died', () => {
  it('takes the fee as paid by what the channel says it sent', async () => {
    const simulation = new Simulation()
    let empty: SyncedBytes | undefined
    simulation.onCommit = (bytes) => {
      empty ??= copyOf(bytes)
    }
    await simulation.start()
    const wallet = simulation.world.addWallet()
    wallet.connect()
    const bought = await simulation.buy(wallet, AMOUNT)
    expect(await pay(simulation, wallet, bought)).toBe('settled')
    simulation.kill()
    simulation.world.killNode() // less than 15 s after it settled
    simulation.bytes = copyOf(empty ?? new Map())
    await simulation.advance(60_000)
    await simulation.rest()
    expect(simulation.state(bought.scid)).toBe('paid')
    expect(simulation.journal()).toMatchObject([{ earned: bought.fee }])
    expect(await pay(simulation, wallet, { ...bought, amount: SMALL, fee: 0n })).toBe('settled')
    expect(simulation.nodeEarned()).toBe(bought.fee)
  })
})
