import type { NodeId } from '../../lsps/base/node-id.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { ensureBinaries } from '../stack/binaries.ts'
import type { WalletEvent } from '../stack/ldk/events.ts'
import { Wallet } from '../stack/ldk/wallet.ts'
import { type Network, startNetwork } from '../stack/network.ts'
import { type ForwardingEvent, forwardingHistory, payInvoice } from '../stack/payments.ts'
import { invoiceOptions } from '../stack/purchase.ts'
import { Sluiced } from '../stack/sluiced.ts'
import { ensureSnapshot } from '../stack/snapshot.ts'
import { waitFor } from '../stack/wait.ts'
import { ORDERS } from './order-terms.ts'
import type { DemoOperator, DemoPayer, DemoWallet, DemoWorld, Milestone, StartWorld } from './world.ts'

/** lnd writes its history every 15 s; one that is not there by then never comes. */
const HISTORY_DEADLINE_MS = 40_000
const CONFIRMING_BLOCKS = 3

const MILESTONES: Partial<Record<WalletEvent['type'], string>> = {
  'open-request': 'is offered a channel and accepts it unconfirmed',
  'channel-ready': 'can use the channel',
  claimable: 'gets the payment, less the opening fee, and takes it',
  sent: 'has the preimage: its payment was taken',
}

/** btcd, lnd and sluiced as processes of their own on a chain of their own, and LDK as the wallet. */
export const startRealWorld: StartWorld = async (screen, { signal, onStarted }) => {
  const log = (line: string) => screen.note(line)
  await screen.wait(
    'preparing lnd, btcd and a funded network',
    async () => ensureSnapshot(await ensureBinaries({ log, signal }), log),
    () => 'lnd, btcd and a funded network are prepared',
  )
  signal.throwIfAborted()

  const network = await screen.wait(
    'starting btcd and two lnd nodes on a regtest chain of their own',
    () => startNetwork({ log, signal }),
    () => 'btcd and two lnd nodes run on a regtest chain of their own',
  )
  onStarted(() => network.stop())
  signal.throwIfAborted()

  const sluiced = new Sluiced(network, { config: { orders: ORDERS } })
  onStarted(() => sluiced.stop())
  await screen.wait(
    "starting sluiced beside the operator's lnd",
    () => sluiced.start(),
    () => "sluiced runs beside the operator's lnd",
  )
  signal.throwIfAborted()

  const milestones: Milestone[] = []
  const wallet = await screen.wait(
    'starting a wallet (LDK) that connects to the operator',
    async () => {
      const created = await Wallet.create({
        btcd: network.btcd,
        onEvent: ({ type }) => {
          const what = MILESTONES[type]
          if (what !== undefined) milestones.push({ at: systemClock.now(), what })
        },
      })
      onStarted(async () => created.close())
      await created.connect({ nodeId: network.lsp.nodeId, host: '127.0.0.1', port: network.lsp.p2pPort })
      return created
    },
    () => 'a wallet (LDK) runs and is connected to the operator',
  )
  signal.throwIfAborted()
  const { version } = await network.payer.info()
  return world({ network, sluiced, wallet, milestones, software: `unmodified lnd ${version.split(' ')[0]}` })
}

type Started = {
  readonly network: Network
  readonly sluiced: Sluiced
  readonly wallet: Wallet
  readonly milestones: readonly Milestone[]
  /** What both lnd nodes are. */
  readonly software: string
}

function world({ network, sluiced, wallet, milestones, software }: Started): DemoWorld {
  return {
    simulated: false,
    clock: systemClock,
    wallet: demoWallet(wallet, network, milestones),
    operator: demoOperator(network, sluiced, software),
    payer: demoPayer(network, software),
    async confirmFunding() {
      await network.mine(CONFIRMING_BLOCKS)
      await wallet.waitSynced()
    },
    logTail: () => sluiced.process.logTail(),
  }
}

function demoWallet(wallet: Wallet, network: Network, milestones: readonly Milestone[]): DemoWallet {
  return {
    nodeId: wallet.nodeId as NodeId,
    software: 'LDK',
    transport: () => wallet.transport(network.lsp.nodeId),
    channels: () => wallet.channels().map(({ outpoint = '', sat: capacity, owned }) => ({ outpoint, capacity, owned })),
    owned: () => wallet.owned(),
    createInvoice({ amount, bought }) {
      const { invoice, paymentHash } = wallet.createInvoice({
        amountMsat: amount,
        ...(bought === undefined ? {} : invoiceOptions(bought)),
      })
      return { text: invoice, paymentHash, amount }
    },
    received({ paymentHash }) {
      const received = wallet.received.get(paymentHash)
      if (received?.state !== 'claimed') return undefined
      return { amount: received.amount, withheld: received.skimmed }
    },
    pay: (invoice) => wallet.pay(invoice),
    milestones: () => milestones,
  }
}

type RawInvoice = { readonly state: string; readonly amt_paid_msat: string }
type RawChannel = {
  readonly channel_point: string
  readonly capacity: string
  readonly remote_balance: string
  readonly push_amount_sat: string
}

function demoOperator(network: Network, sluiced: Sluiced, software: string): DemoOperator {
  return {
    nodeId: network.lsp.nodeId as NodeId,
    software,
    configFile: sluiced.configFile,
    history: "lnd's own forwarding history",
    historyDelay: 'lnd may take 15 s to write it',
    records: "lnd's own forwarding history and invoices",
    async writtenForwards(count, signal) {
      let rows: readonly ForwardingEvent[] = []
      const complete = async () => {
        rows = await forwardingHistory(network.lsp)
        return rows.length >= count
      }
      const what = `${count} rows in lnd's forwarding history`
      await waitFor(complete, { deadline: HISTORY_DEADLINE_MS, pollMs: 250, what, signal }).catch(() =>
        signal.throwIfAborted(),
      )
      return rows.map((row) => ({
        amountIn: BigInt(row.amt_in_msat),
        amountOut: BigInt(row.amt_out_msat),
        fee: BigInt(row.fee_msat),
      }))
    },
    async takenFor(paymentHash) {
      const request = { r_hash_str: paymentHash }
      const invoice = await network.lsp.call<RawInvoice>('default', 'lookupInvoice', request)
      return invoice.state === 'SETTLED' ? BigInt(invoice.amt_paid_msat) : 0n
    },
    async channelsTo(client) {
      const request = { peer: Buffer.from(client, 'hex') }
      const { channels } = await network.lsp.call<{ channels: RawChannel[] }>('default', 'listChannels', request)
      return channels.map((channel) => ({
        outpoint: channel.channel_point,
        capacity: BigInt(channel.capacity),
        remoteBalance: BigInt(channel.remote_balance),
        pushed: BigInt(channel.push_amount_sat),
      }))
    },
  }
}

function demoPayer(network: Network, software: string): DemoPayer {
  return {
    nodeId: network.payer.nodeId as NodeId,
    software,
    async pay({ text }, signal) {
      if (text === undefined) throw new Error('the invoice has no text')
      const { succeeded, failureReason } = await payInvoice(network.payer, { invoice: text, signal })
      if (!succeeded) throw new Error(`the payment failed: ${failureReason}`)
    },
  }
}
