import type { NodeId } from '../../lsps/base/node-id.ts'
import { scidToNumber } from '../../lsps/base/scid.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { WalletEvent } from '../stack/ldk/events.ts'
import { Wallet } from '../stack/ldk/wallet.ts'
import { type Network, startNetwork } from '../stack/network.ts'
import { type ForwardingEvent, forwardingHistory, payInvoice } from '../stack/payments.ts'
import { Sluiced } from '../stack/sluiced.ts'
import { waitFor } from '../stack/wait.ts'
import type { DemoOperator, DemoPayer, DemoWallet, DemoWorld, StartWorld } from './world.ts'

/** lnd writes its history every 15 s; one that is not there by then never comes. */
const HISTORY_DEADLINE_MS = 40_000
const CONFIRMING_BLOCKS = 3

/** btcd, lnd and sluiced as processes of their own on a chain of their own, and LDK as the wallet. */
export const startRealWorld: StartWorld = async (screen, { signal, onStarted }) => {
  const network = await screen.wait(
    'starting btcd and two lnd nodes on a regtest chain of their own',
    () => startNetwork({ log: (line) => screen.note(line), signal }),
    () => 'btcd and two lnd nodes run on a regtest chain of their own',
  )
  onStarted(() => network.stop())
  signal.throwIfAborted()

  const sluiced = new Sluiced(network)
  onStarted(() => sluiced.stop())
  await screen.wait(
    "starting sluiced beside the operator's lnd",
    () => sluiced.start(),
    () => "sluiced runs beside the operator's lnd",
  )
  signal.throwIfAborted()

  const wallet = await screen.wait(
    'starting a wallet (LDK) that connects to the operator',
    async () => {
      const created = await Wallet.create({ btcd: network.btcd })
      onStarted(async () => created.close())
      await created.connect({ nodeId: network.lsp.nodeId, host: '127.0.0.1', port: network.lsp.p2pPort })
      return created
    },
    () => 'a wallet (LDK) runs and is connected to the operator',
  )
  signal.throwIfAborted()
  return world(network, sluiced, wallet, (await network.payer.info()).version)
}

function world(network: Network, sluiced: Sluiced, wallet: Wallet, lndVersion: string): DemoWorld {
  return {
    simulated: false,
    clock: systemClock,
    wallet: demoWallet(wallet, network),
    operator: demoOperator(network, sluiced),
    payer: demoPayer(network, lndVersion),
    async confirmFunding() {
      await network.mine(CONFIRMING_BLOCKS)
      await wallet.waitSynced()
    },
    logTail: () => sluiced.process.logTail(),
  }
}

const MILESTONES: Partial<Record<WalletEvent['type'], string>> = {
  'open-request': 'is offered a channel and accepts it unconfirmed',
  'channel-ready': 'can use the channel',
  claimable: 'gets the payment, less the opening fee, and takes it',
  claimed: 'has been paid',
}

function demoWallet(wallet: Wallet, network: Network): DemoWallet {
  return {
    nodeId: wallet.nodeId as NodeId,
    software: 'LDK',
    transport: () => wallet.transport(network.lsp.nodeId),
    channelCount: () => wallet.channels().length,
    owned: () => wallet.owned(),
    createInvoice({ amount, bought }) {
      const hint = bought && {
        hint: {
          nodeId: network.lsp.nodeId,
          scid: scidToNumber(bought.hint.scid),
          feeBaseMsat: 0,
          feePpm: 0,
          cltvDelta: bought.hint.cltvDelta,
        },
        allowedSkimMsat: bought.allowedFee,
      }
      const { invoice, paymentHash } = wallet.createInvoice({ amountMsat: amount, ...hint })
      return { text: invoice, paymentHash, amount }
    },
    received({ paymentHash }) {
      const received = wallet.received.get(paymentHash)
      if (received?.state !== 'claimed') return undefined
      return { amount: received.amount, withheld: received.skimmed }
    },
    milestones: () => wallet.events.flatMap(({ type }) => MILESTONES[type] ?? []),
  }
}

function demoOperator(network: Network, sluiced: Sluiced): DemoOperator {
  return {
    nodeId: network.lsp.nodeId as NodeId,
    configFile: sluiced.configFile,
    historyDelay: 'it is written every 15 s',
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
  }
}

function demoPayer(network: Network, lndVersion: string): DemoPayer {
  return {
    nodeId: network.payer.nodeId as NodeId,
    software: `lnd ${lndVersion.split(' ')[0]}`,
    async pay({ text }, signal) {
      if (text === undefined) throw new Error('the invoice has no text')
      const { succeeded, failureReason } = await payInvoice(network.payer, { invoice: text, signal })
      if (!succeeded) throw new Error(`the payment failed: ${failureReason}`)
    },
  }
}
