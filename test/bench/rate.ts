import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { computeOpeningFee } from '../../lsps/lsps2/fee.ts'
import { FlightRecord, Status } from '../../src/admin/schema.ts'
import { askDaemon } from '../../src/cli/admin-client.ts'
import { BareSeller, bareSale, type SaleTimes } from '../stack/bare-sale.ts'
import { Wallet } from '../stack/ldk/wallet.ts'
import { type Network, startNetwork } from '../stack/network.ts'
import { payInvoice } from '../stack/payments.ts'
import { purchase } from '../stack/purchase.ts'
import { OFFER } from '../stack/sluiced.ts'
import { waitFor } from '../stack/wait.ts'
import { median } from './figures.ts'
import type { BenchOptions } from './options.ts'
import { processorMs, ShippedDaemon } from './shipped.ts'
import type { Row } from './table.ts'

/** Wallets that buy at the same time, each one sale, and how many sales that makes. */
const LEVELS = [
  { wallets: 1, sales: 10 },
  { wallets: 4, sales: 32 },
  { wallets: 8, sales: 80 },
] as const
const MOST = LEVELS[2]
/** More than a round uses, so that no sale waits for change. */
const READY_COINS = { count: 200, size_sat: '250000' }
const AMOUNT_MSAT = 100_000_000n
/** What the bare script takes: the same as the sidecar for this amount. */
const FEE_MSAT = computeOpeningFee(
  { min_fee_msat: 1_000_000n as never, proportional: 2500 as never },
  AMOUNT_MSAT as never,
)
const CAPACITY_SAT = 161_000n
const COINS_MS = 120_000
const ENDED_MS = 30_000

const CORES = availableParallelism()

/** Processor time so far of each that takes part, ms. The wallets are in the benchmark's own process. */
const PROCESSES = ['lnd', 'sluiced', 'wallets', 'payer', 'btcd'] as const
type Processes = Readonly<Record<(typeof PROCESSES)[number], number>>

/** From one step of a sale's record to the next. */
const STEPS = [
  ['payment held', 'channel active'],
  ['channel active', 'alias bound, payment forwarded'],
  ['alias bound, payment forwarded', 'payment settled, fee earned'],
] as const

type Run = {
  readonly perMinute: number
  /** Processor time for each sale, ms. */
  readonly processors: Processes
  /** Share of the machine's cores that all of them had. */
  readonly busy: number
  /** Share of its time in which the process of the wallets was not idle: at 1 they are what limits. */
  readonly walletsBusy: number
  readonly steps: readonly number[]
}
type Round = { readonly levels: readonly Run[]; readonly bare: Script }
type Script = { readonly perMinute: number; readonly times: readonly SaleTimes[] }

/** Sales without end to wallets without a channel: how many a minute, and what they wait for. */
export async function rate({ folder, rounds, log }: BenchOptions): Promise<Row[]> {
  const network = await startNetwork({ log })
  try {
    const done: Round[] = []
    for (let round = 0; round < rounds; round += 1) {
      const levels = await bySidecar(network, join(folder, `rate-${round}`))
      const bare = await byScript(network)
      done.push({ levels, bare })
      const rates = levels.map(({ perMinute }, level) => `${perMinute.toFixed(0)} by ${LEVELS[level]?.wallets}`)
      log(
        `rate ${round + 1}/${rounds}: ${rates.join(', ')} wallets at once; bare script ${bare.perMinute.toFixed(0)} a minute`,
      )
    }
    log(`lnd's part of a sale, ${MOST.wallets} wallets at once, p50 in ms by the bare script: ${callsOf(done)}`)
    return rows(done)
  } finally {
    await network.stop()
  }
}

async function bySidecar(network: Network, folder: string): Promise<readonly Run[]> {
  const { certPath, macaroonPath, rpcPort } = network.lsp
  const daemon = new ShippedDaemon(
    folder,
    { socket: `localhost:${rpcPort}`, certPath, macaroonPath },
    { lsps2: { offers: [OFFER], pricing: { mode: 'fixed' } }, inventory: { ready_coins: READY_COINS } },
  )
  try {
    await daemon.ready
    const runs: Run[] = []
    for (const level of LEVELS) {
      await waitForCoins(network, folder, level.sales)
      runs.push(await measure(network, daemon, level))
    }
    return runs
  } finally {
    await daemon.kill()
  }
}

type Level = (typeof LEVELS)[number]

async function measure(network: Network, daemon: ShippedDaemon, { wallets, sales }: Level): Promise<Run> {
  const times = (): Processes => ({
    lnd: processorMs(network.lsp.daemon.pid),
    sluiced: processorMs(daemon.pid),
    wallets: processorMs(process.pid),
    payer: processorMs(network.payer.daemon.pid),
    btcd: processorMs(network.btcd.daemon.pid),
  })
  const scids: string[] = []
  const before = times()
  const idle = performance.eventLoopUtilization()
  const ms = await inParallel(wallets, sales, () =>
    withWallet(network, async (wallet) => {
      const bought = await purchase(wallet, network, { amount: AMOUNT_MSAT })
      const { succeeded, failureReason } = await payInvoice(network.payer, { invoice: bought.invoice })
      if (!succeeded) throw new Error(`the payment failed: ${failureReason}`)
      await wallet.waitForPayment(bought.paymentHash)
      scids.push(bought.scid)
    }),
  )
  const walletsBusy = performance.eventLoopUtilization(idle).utilization
  const after = times()
  const took = PROCESSES.map((name) => after[name] - before[name])
  return {
    perMinute: (sales * 60_000) / ms,
    processors: Object.fromEntries(PROCESSES.map((name, n) => [name, (took[n] ?? 0) / sales])) as Processes,
    busy: took.reduce((sum, one) => sum + one, 0) / (ms * CORES),
    walletsBusy,
    steps: await stepsOf(daemon.folder, scids),
  }
}

/** The bare script of `sales` with as many wallets as the last level. */
async function byScript(network: Network): Promise<Script> {
  const seller = await BareSeller.attach(network.lsp)
  const times: SaleTimes[] = []
  try {
    const ms = await inParallel(MOST.wallets, MOST.sales, () =>
      withWallet(network, async (wallet) => {
        const terms = { amountMsat: AMOUNT_MSAT, feeMsat: FEE_MSAT ?? 0n, capacitySat: CAPACITY_SAT }
        times.push((await bareSale({ network, seller, wallet, ...terms })).times)
      }),
    )
    await network.mine(1)
    return { perMinute: (MOST.sales * 60_000) / ms, times }
  } finally {
    seller.detach()
  }
}

/** Does it so often, so many at a time; milliseconds in all. */
async function inParallel(workers: number, count: number, act: () => Promise<void>): Promise<number> {
  let begun = 0
  const begin = performance.now()
  const worker = async () => {
    while (begun < count) {
      begun += 1
      await act()
    }
  }
  await Promise.all(Array.from({ length: workers }, worker))
  return performance.now() - begin
}

/** A wallet without a channel; gone after its sale, so that the machine does not fill up with them. */
async function withWallet(network: Network, use: (wallet: Wallet) => Promise<void>): Promise<void> {
  const wallet = await Wallet.create({ btcd: network.btcd })
  try {
    await wallet.connect({ nodeId: network.lsp.nodeId, host: '127.0.0.1', port: network.lsp.p2pPort })
    await use(wallet)
  } finally {
    // lnd would try to reach it for ever.
    await network.lsp.call('default', 'disconnectPeer', { pub_key: wallet.nodeId }).catch(() => undefined)
    wallet.close()
  }
}

/** What the sales before used is confirmed, and enough coins of the right size are there. */
async function waitForCoins(network: Network, folder: string, count: number): Promise<void> {
  await network.mine(1)
  await waitFor(
    async () => {
      const { inventory } = await askDaemon(join(folder, 'admin.sock'), '/v1/status', Status).catch(() => ({
        inventory: undefined,
      }))
      const { ready = 0, coming = 0 } = inventory?.ready_coins ?? {}
      if (ready >= count) return true
      if (coming > 0) await network.mine(1)
      return false
    },
    { deadline: COINS_MS, pollMs: 250, what: `${count} ready coins` },
  )
}

/** How long the sales took from step to step, by their records: medians, ms. */
async function stepsOf(folder: string, scids: readonly string[]): Promise<readonly number[]> {
  const records: FlightRecord[] = []
  for (const scid of scids) records.push(await endOf(folder, scid))
  return STEPS.map(([from, to]) =>
    median(
      records.map(({ steps }) => {
        const at = (what: string) => steps.find((step) => step.what === what)?.offset_ms ?? Number.NaN
        return at(to) - at(from)
      }),
    ),
  )
}

function endOf(folder: string, scid: string): Promise<FlightRecord> {
  return waitFor(
    async () => {
      const sale = await askDaemon(join(folder, 'admin.sock'), `/v1/jit/${scid}`, FlightRecord)
      return sale.state === 'paid' ? sale : undefined
    },
    { deadline: ENDED_MS, what: `sale ${scid} to be paid` },
  )
}

/** What each step of the recipe waits for, by a program that does nothing else. */
function callsOf(rounds: readonly Round[]): string {
  const parts: Readonly<Record<string, (times: SaleTimes) => number>> = {
    openChannel: (times) => times.templated,
    fundPsbt: (times) => times.funded - times.templated,
    verifyFunding: (times) => times.verified - times.funded,
    'channel active': (times) => times.active - times.verified,
    addAlias: (times) => times.aliased - times.active,
    settled: (times) => times.settled - times.resumed,
  }
  const times = rounds.flatMap(({ bare }) => bare.times)
  return Object.entries(parts)
    .map(([call, of]) => `${call} ${median(times.map(of)).toFixed(0)}`)
    .join(', ')
}

function rows(rounds: readonly Round[]): Row[] {
  const of = (level: number, read: (run: Run) => number) => {
    const values = rounds.map(({ levels }) => read(levels[level] as Run))
    return { value: median(values), rounds: values }
  }
  const last = LEVELS.length - 1
  const bare = rounds.map((round) => round.bare.perMinute)
  const most = { what: 'bare script', value: median(bare), unit: 'a minute' }
  const ratio = median(rounds.map((round) => (round.levels[last]?.perMinute ?? Number.NaN) / round.bare.perMinute))
  return [
    ...LEVELS.map(({ wallets }, level) => ({
      figure: `sales a minute, ${wallets} wallets at once`,
      ...of(level, ({ perMinute }) => perMinute),
      unit: 'a minute',
      ...(level === last ? { beside: most, ratio } : {}),
    })),
    {
      figure: `share of the machine in use, ${MOST.wallets} wallets at once`,
      ...of(last, ({ busy }) => busy * 100),
      unit: '%',
    },
    {
      figure: 'the process of the wallets was not idle',
      ...of(last, ({ walletsBusy }) => walletsBusy * 100),
      unit: '%',
    },
    ...PROCESSES.map((name) => ({
      figure: `processor time of a sale: ${name === 'lnd' ? "the LSP's lnd" : name}`,
      ...of(last, ({ processors }) => processors[name]),
      unit: 'ms',
    })),
    ...STEPS.map(([from, to], step) => ({
      figure: `${from} to ${to}, p50`,
      ...of(last, ({ steps }) => steps[step] ?? Number.NaN),
      unit: 'ms',
      beside: { what: '1 wallet', value: of(0, ({ steps }) => steps[step] ?? Number.NaN).value, unit: 'ms' },
    })),
  ]
}
