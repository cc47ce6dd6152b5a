import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Scid, scidFromNumber } from '../../lsps/base/scid.ts'
import { startAdmin } from '../../src/admin/server.ts'
import { loadConfig } from '../../src/config/load.ts'
import { dataPaths } from '../../src/config/paths.ts'
import type { Config } from '../../src/config/schema.ts'
import { systemEntropy } from '../../src/kernel/entropy.ts'
import { createLogger } from '../../src/kernel/logger.ts'
import type { Outpoint } from '../../src/lnd/port.ts'
import { FLUSH_MS } from '../../src/sandbox/forward-log.ts'
import { SIMULATED_VERSION } from '../../src/sandbox/port.ts'
import type { Payment } from '../../src/sandbox/sending.ts'
import type { SimWallet } from '../../src/sandbox/wallet.ts'
import { createWorld, MEASURED_LATENCY, type World } from '../../src/sandbox/world.ts'
import { startSidecar } from '../../src/sidecar.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import { removeFolder, temporaryFolder } from '../stack/leash.ts'
import { OFFER } from '../stack/sluiced.ts'
import { waitFor } from '../stack/wait.ts'
import { LiveClock } from './live-clock.ts'
import { ORDERS } from './order-terms.ts'
import type { DemoOperator, DemoPayer, DemoWallet, DemoWorld, Milestone, StartOptions, StartWorld } from './world.ts'

const SEED_BYTES = 32
const CONFIRMING_BLOCKS = 3
const KEPT_LOG_LINES = 40
const PAY_DEADLINE_MS = 60_000
const MSAT_PER_SAT = 1000n
const HISTORY_DEADLINE_MS = 5_000

/** The real sidecar beside the simulated node, all in this process: for a machine without Go. */
export const startSimulatedWorld: StartWorld = async (screen, { signal, onStarted, onFatal }) => {
  const clock = new LiveClock()
  onStarted(() => clock.stop())
  const folder = temporaryFolder('demo')
  onStarted(() => removeFolder(folder))
  const configFile = writeConfig(folder)
  const config = loadConfig(configFile)
  const log: string[] = []
  const world = createWorld({ clock, latency: MEASURED_LATENCY })
  await screen.wait(
    'starting the sidecar beside the simulated node',
    () => startSidecarBeside(world, { config, clock, signal, onStarted, onFatal, log }),
    () => 'the sidecar runs beside the simulated node',
  )
  const wallet = world.addWallet()
  wallet.connect()
  const hints = new Map<string, Scid>()
  return {
    simulated: true,
    clock,
    wallet: demoWallet(wallet, hints, clock),
    operator: demoOperator({ world, clock, configFile }),
    payer: demoPayer(world, hints),
    async confirmFunding() {
      world.mine(CONFIRMING_BLOCKS)
    },
    logTail: () => log.slice(-KEPT_LOG_LINES).join(''),
  } satisfies DemoWorld
}

function writeConfig(folder: string): string {
  const file = join(folder, 'sluice.json')
  const config = {
    network: 'regtest',
    data_dir: join(folder, 'data'),
    log: { level: 'debug' },
    lsps2: { enabled: true, offers: [OFFER], pricing: { mode: 'fixed' } },
    orders: ORDERS,
  }
  writeFileSync(file, JSON.stringify(config, undefined, 2))
  mkdirSync(config.data_dir)
  return file
}

type Start = StartOptions & { readonly config: Config; readonly clock: LiveClock; readonly log: string[] }

/** As `src/daemon.ts` does it, with a store in memory. */
async function startSidecarBeside(world: World, start: Start): Promise<void> {
  const { config, clock, signal, onStarted, onFatal } = start
  const log = createLogger({ level: config.log.level, destination: { write: (line) => void start.log.push(line) } })
  const sidecar = await startSidecar(config, {
    lnd: world.attach(),
    store: openMemoryStore(),
    clock,
    entropy: systemEntropy,
    log,
    seed: systemEntropy(SEED_BYTES),
    signal,
    onFatal,
  })
  onStarted(() => sidecar.stop())
  const admin = await startAdmin({ port: sidecar.admin, path: dataPaths(config).socket, log })
  onStarted(() => admin.close())
}

function demoWallet(wallet: SimWallet, hints: Map<string, Scid>, clock: LiveClock): DemoWallet {
  const scidOfChannel = (): Scid => {
    const [channel] = wallet.channels
    if (channel === undefined) throw new Error('the wallet has no channel')
    return scidFromNumber(channel.chanId)
  }
  return {
    nodeId: wallet.nodeId,
    software: 'simulated wallet',
    transport: () => wallet.transport(),
    channels: () =>
      wallet.openChannels().map(({ outpoint, capacity, remote }) => ({ outpoint, capacity, owned: remote })),
    owned: () => wallet.owned(),
    createInvoice({ amount, bought }) {
      const { paymentHash } = wallet.invoice({ amount, ...(bought === undefined ? {} : { purchase: bought.purchase }) })
      hints.set(paymentHash, bought?.invoice.routeHint.scid ?? scidOfChannel())
      return { paymentHash, amount }
    },
    received({ paymentHash }) {
      const received = wallet.received.find((payment) => payment.paymentHash === paymentHash)
      return received && { amount: received.amount, withheld: received.extraFee }
    },
    async pay(invoice, signal) {
      await settled(wallet.payInvoice(invoice), signal)
      return { fee: 0n }
    },
    milestones: milestonesOf(wallet, clock),
  }
}

/** Looked at each millisecond: what is there for the first time has just happened. */
function milestonesOf(wallet: SimWallet, clock: LiveClock): () => readonly Milestone[] {
  const kinds: readonly (readonly [what: string, count: () => number])[] = [
    ['can use the channel', () => wallet.channels.size],
    ['gets the payment, less the opening fee, and takes it', () => wallet.received.length],
    [
      'has the preimage: its payment was taken',
      () => wallet.payments.filter(({ outcome }) => outcome?.status === 'settled').length,
    ],
  ]
  const known = new Map<string, number>()
  const milestones: Milestone[] = []
  return () => {
    for (const [what, count] of kinds) {
      for (let seen = known.get(what) ?? 0; seen < count(); seen += 1) milestones.push({ at: clock.now(), what })
      known.set(what, count())
    }
    return milestones
  }
}

/** @throws Error with the reason when the payment fails */
async function settled(payment: Payment, signal: AbortSignal): Promise<void> {
  const wait = { deadline: PAY_DEADLINE_MS, pollMs: 1, what: 'the payment to end', signal }
  const outcome = await waitFor(() => payment.outcome, wait)
  if (outcome.status === 'failed') throw new Error(`the payment failed: ${outcome.reason}`)
}

type Operated = { readonly world: World; readonly clock: LiveClock; readonly configFile: string }

function demoOperator({ world, clock, configFile }: Operated): DemoOperator {
  const lnd = world.attach()
  return {
    nodeId: world.node.nodeId,
    software: `simulated lnd ${SIMULATED_VERSION}`,
    configFile,
    history: "the simulated node's forwarding history",
    historyDelay: 'it is written every 15 s: time is moved on',
    records: "the simulated node's history and invoices",
    async writtenForwards(count, signal) {
      clock.skip(FLUSH_MS)
      const read = () => lnd.forwardingHistory({ sinceSeconds: 0 }, signal)
      const what = `${count} rows in the simulated node's forwarding history`
      const complete = async () => (await read()).length >= count
      await waitFor(complete, { deadline: HISTORY_DEADLINE_MS, what, signal }).catch(() => signal.throwIfAborted())
      return read()
    },
    async takenFor(paymentHash, signal) {
      const invoice = await lnd.lookupInvoice(paymentHash, signal)
      return invoice?.state === 'settled' ? invoice.paid : 0n
    },
    async channelsTo(wallet, signal) {
      const channels = await lnd.listChannels(signal, wallet)
      return channels.map(({ outpoint, capacity, remoteBalance }) => ({
        outpoint,
        capacity,
        remoteBalance,
        pushed: pushedOver(world, outpoint),
      }))
    },
  }
}

/** What the node gave away when it opened the channel, in satoshi: what is there now, without all that moved since. */
function pushedOver({ node }: World, outpoint: Outpoint): bigint {
  const channel = node.channels.all.get(outpoint)
  if (channel === undefined) return 0n
  return (channel.remote - channel.sent + channel.received) / MSAT_PER_SAT
}

function demoPayer(world: World, hints: ReadonlyMap<string, Scid>): DemoPayer {
  return {
    nodeId: world.payer.nodeId,
    software: 'simulated node',
    async pay({ paymentHash: hash, amount }, signal) {
      const scid = hints.get(hash)
      if (scid === undefined) throw new Error('the invoice names no way')
      await settled(world.payer.pay({ hash, scid, amount }), signal)
    },
  }
}
