import { describe, expect, it } from 'vitest'
import { Simulation, testConfig } from './simulation.ts'

const AMOUNT = 100_000_000n
const SIZE = 1_000_000n
const WALLETS = 20

function readyCoins(count: number, more: object = {}) {
  return testConfig({ inventory: { ready_coins: { count, size_sat: `${SIZE}` }, ...more } })
}

/** Coins of exactly the size that nobody has locked and that are confirmed. */
function readyOf(simulation: Simulation): number {
  return simulation.world.node.coins.unspent(1).filter(({ value }) => value === SIZE).length
}

/** Transactions that make coins of the size. */
function splitsOf(simulation: Simulation) {
  return [...simulation.world.node.chain.transactions()].filter(({ outputs }) =>
    outputs.some(({ value }) => value === SIZE),
  )
}

async function untilSplit(simulation: Simulation, count: number): Promise<void> {
  await simulation.until(() => simulation.world.node.chain.mempool.length > 0, 'the split to be published')
  simulation.world.mine(1)
  await simulation.until(() => readyOf(simulation) === count, `${count} ready coins`)
  await simulation.advance(5_000) // the daemon looks at its wallet with each block
}

/** Everybody buys, then everybody is paid at once. */
async function sellAtOnce(simulation: Simulation, count: number) {
  const wallets = Array.from({ length: count }, () => simulation.world.addWallet())
  const sales = []
  for (const wallet of wallets) {
    wallet.connect()
    sales.push({ wallet, bought: await simulation.buy(wallet, AMOUNT) })
  }
  const payments = sales.map(({ wallet, bought }) =>
    simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee })),
  )
  for (const { result } of payments) {
    expect((await simulation.outcome(result, 'a payment to end')).status).toBe('settled')
  }
  return wallets
}

function fundingInputs(simulation: Simulation): string[] {
  const { channels, chain } = simulation.world.node
  const txids = [...channels.all.values()]
    .filter(({ memo }) => memo !== '')
    .map(({ outpoint }) => outpoint.slice(0, 64))
  return txids.flatMap((txid) => chain.transaction(txid)?.inputs ?? [])
}

describe('a pool of ready coins', () => {
  it('opens channels for twenty wallets at once, each from a coin of its own', async () => {
    const simulation = new Simulation({ config: readyCoins(WALLETS), coins: [100_000_000n] })
    await simulation.start()
    await untilSplit(simulation, WALLETS)

    const wallets = await sellAtOnce(simulation, WALLETS)
    const inputs = fundingInputs(simulation)
    expect(wallets.map(({ channels }) => channels.size)).toEqual(wallets.map(() => 1))
    expect(inputs).toHaveLength(WALLETS)
    expect(new Set(inputs).size).toBe(WALLETS)
    const [split] = splitsOf(simulation)
    expect(inputs.every((input) => input.startsWith(split?.txid ?? 'none'))).toBe(true)

    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })

  it('sells as many as there are coins for when there is no pool, and refuses the rest with no coin locked twice', async () => {
    const simulation = new Simulation({ coins: [5_000_000n, 5_000_000n, 5_000_000n] })
    await simulation.start()
    const wallets = Array.from({ length: 8 }, () => simulation.world.addWallet())
    const sales = []
    for (const wallet of wallets) {
      wallet.connect()
      sales.push({ wallet, bought: await simulation.buy(wallet, AMOUNT) })
    }
    const payments = sales.map(({ wallet, bought }) =>
      simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee })),
    )
    const ends = []
    for (const { result } of payments) ends.push((await simulation.outcome(result, 'a payment to end')).status)
    expect(ends.filter((status) => status === 'settled')).toHaveLength(3)
    expect(new Set(fundingInputs(simulation)).size).toBe(3)
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })

  it('is filled again once half of it is used', async () => {
    const simulation = new Simulation({ config: readyCoins(4), coins: [100_000_000n] })
    await simulation.start()
    await untilSplit(simulation, 4)
    await sellAtOnce(simulation, 2)
    for (let block = 0; block < 4; block += 1) {
      simulation.world.mine(1)
      await simulation.advance(10_000)
    }
    expect(readyOf(simulation)).toBe(4)
    expect(splitsOf(simulation)).toHaveLength(2)
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })

  it('sells from unconfirmed coins of its own when the operator allows that', async () => {
    const config = readyCoins(4, { max_unconfirmed_depth: 2 })
    const simulation = new Simulation({ config, coins: [100_000_000n] })
    await simulation.start()
    await simulation.until(() => simulation.world.node.chain.mempool.length > 0, 'the split to be published')
    await simulation.advance(70_000)
    await sellAtOnce(simulation, 4)
    expect(simulation.world.node.chain.mempool.length).toBeGreaterThanOrEqual(5)
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })
})

/** Splits, whatever dies; returns what is wrong at the end. */
async function split(disturb: (simulation: Simulation) => void): Promise<Simulation> {
  const simulation = new Simulation({ config: readyCoins(3), coins: [10_000_000n] })
  disturb(simulation)
  await simulation.start()
  const { chain } = simulation.world.node
  await simulation.until(() => chain.mempool.length > 0, 'the split to be published')
  for (let block = 0; block < 3; block += 1) {
    simulation.world.mine(1)
    await simulation.advance(65_000)
  }
  return simulation
}

describe('a split', () => {
  it('is made once, and leaves nothing locked, wherever the daemon dies', async () => {
    const undisturbed = await split((simulation) => simulation.world.record())
    const points = undisturbed.world.points.length
    expect(points).toBeGreaterThan(40)
    const wrong: string[] = []
    for (let at = 0; at < points; at += 1) {
      const simulation = await split(({ world }) => world.killAt(at))
      const found = [...simulation.violations()]
      if (splitsOf(simulation).length !== 1) found.push(`${splitsOf(simulation).length} splits`)
      if (readyOf(simulation) !== 3) found.push(`${readyOf(simulation)} ready coins`)
      if (simulation.world.node.coins.leases().length > 0) found.push('leases are left')
      if (found.length > 0) wrong.push(`${undisturbed.world.points[at]}: ${found.join('; ')}`)
    }
    expect(wrong).toEqual([])
  }, 300_000)
})

describe('a coin that was claimed', () => {
  it('and is gone when it is needed is replaced by what lnd selects', async () => {
    const simulation = new Simulation({ coins: [5_000_000n, 5_000_000n] })
    await simulation.start()
    const detail = 'input 0 not found in list of non-locked UTXO'
    simulation.world.faults.push({ call: 'fundPsbt', stage: 'received', n: 1, action: { type: 'reject', detail } })
    await sellAtOnce(simulation, 1)
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })
})

describe('what is sold', () => {
  it('[L2-44] is no more than reaches the node and than a channel can be opened for', async () => {
    const poor = new Simulation({ payerCapacity: 90_000n, coins: [100_000_000n] })
    const small = new Simulation({ coins: [900_000n] })
    for (const [simulation, most] of [
      [poor, 90_000_000n],
      [small, 800_000_000n],
    ] as const) {
      await simulation.start()
      const wallet = simulation.world.addWallet()
      wallet.connect()
      await expect(simulation.buy(wallet, most)).resolves.toBeDefined()
      await expect(simulation.buy(wallet, most + 30_000_000n)).rejects.toMatchObject({ code: 203 })
    }
  })

  it('[L2-03] is nothing while no channel can be opened, and something when a coin has come', async () => {
    const simulation = new Simulation({ coins: [] })
    await simulation.start()
    const wallet = simulation.world.addWallet()
    wallet.connect()
    await expect(simulation.buy(wallet, AMOUNT)).rejects.toThrow('the menu is empty')
    simulation.world.node.coins.grant(1_000_000n)
    await simulation.advance(61_000)
    await expect(simulation.buy(wallet, AMOUNT)).resolves.toBeDefined()
  })

  it('[L2-45] is nothing to a wallet that failed its payment, for a while', async () => {
    const simulation = new Simulation()
    await simulation.start()
    const wallet = simulation.world.addWallet()
    wallet.connect()
    const bought = await simulation.buy(wallet, AMOUNT)
    wallet.setPaymentPolicy('fail')
    const payment = simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }))
    expect((await simulation.outcome(payment.result, 'the payment to end')).status).toBe('failed')
    await expect(simulation.buy(wallet, AMOUNT)).rejects.toMatchObject({ code: 1 })
    await simulation.advance(11_000)
    await expect(simulation.buy(wallet, AMOUNT)).resolves.toBeDefined()
  })
})

describe('the budget for channels that earn nothing', () => {
  it('is what any number of wallets can cost within an hour, also when the daemon is killed again and again', async () => {
    const feerate = 2n
    const cost = feerate * (165n + 200n)
    const budget = cost * 5n
    const config = testConfig({ inventory: { unearned_budget_sat_per_hour: `${budget}` } })
    const simulation = new Simulation({ config, coins: Array.from({ length: 60 }, () => 1_000_000n) })
    await simulation.start()
    const { node } = simulation.world
    const opened = () => [...node.channels.all.values()].filter(({ memo }) => memo !== '').length
    for (let n = 0; n < 30; n += 1) {
      const wallet = simulation.world.addWallet()
      wallet.connect()
      wallet.setPaymentPolicy('fail')
      const bought = await simulation.buy(wallet, AMOUNT).catch(() => undefined)
      if (bought === undefined) continue
      const payment = simulation.pay(bought, wallet.invoice({ amount: AMOUNT, maxFee: bought.fee }))
      await simulation.outcome(payment.result, 'the payment to end')
      if (n % 4 === 3) simulation.kill()
      await simulation.advance(60_000)
    }
    expect(opened()).toBe(5)
    for (let minute = 0; minute < 61; minute += 1) await simulation.advance(60_000)
    const wallet = simulation.world.addWallet()
    wallet.connect()
    await expect(simulation.buy(wallet, AMOUNT)).resolves.toBeDefined()
  })
})
