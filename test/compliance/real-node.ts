import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { scidToNumber } from '../../lsps/base/scid.ts'
import { createLndAdapter, type LndAdapter } from '../../src/lnd/adapter.ts'
import { Deposits } from '../stack/deposits.ts'
import { EmptyBlocks } from '../stack/empty-blocks.ts'
import { Wallet } from '../stack/ldk/wallet.ts'
import { type Network, startNetwork } from '../stack/network.ts'
import { payInvoice, resetMissionControl, sendPart } from '../stack/payments.ts'
import { waitFor } from '../stack/wait.ts'
import type { NodeUnderTest, Parts, PaymentEnd, WalletUnderTest } from './node-under-test.ts'

const STEP_MS = 10
const NOTICE_MS = 60_000
const CLTV_DELTA = 144

/** A real lnd, the adapter with the least macaroon that it needs, and wallets. */
export class RealNode {
  readonly network: Network
  readonly #wallets: Wallet[] = []
  readonly #adapters: LndAdapter[] = []

  private constructor(network: Network) {
    this.network = network
  }

  static async start(options: Parameters<typeof startNetwork>[0] = {}): Promise<RealNode> {
    return new RealNode(await startNetwork({ log: (line) => process.stderr.write(`${line}\n`), ...options }))
  }

  /** Bakes a macaroon with just these `uri:` permissions; its path. */
  async bake(permissions: readonly string[]): Promise<string> {
    const { macaroon } = await this.network.lsp.call<{ macaroon: string }>('default', 'bakeMacaroon', {
      permissions: permissions.map((permission) => ({ entity: 'uri', action: permission.replace(/^uri:/, '') })),
    })
    const path = join(this.network.folder, `${randomBytes(4).toString('hex')}.macaroon`)
    writeFileSync(path, Buffer.from(macaroon, 'hex'))
    return path
  }

  /** A connection of its own. */
  attach(macaroonPath: string): LndAdapter {
    const { socket, certPath } = this.network.lsp
    const adapter = createLndAdapter({ socket, certPath, macaroonPath })
    this.#adapters.push(adapter)
    return adapter
  }

  /** Connected to the node, without a channel. */
  async addWallet(options: { readonly trustsZeroConf?: boolean } = {}): Promise<Wallet> {
    const wallet = await Wallet.create({ btcd: this.network.btcd, ...options })
    this.#wallets.push(wallet)
    await wallet.connect({ nodeId: this.network.lsp.nodeId, host: '127.0.0.1', port: this.network.lsp.p2pPort })
    return wallet
  }

  async stop(): Promise<void> {
    for (const wallet of this.#wallets) wallet.close()
    for (const adapter of this.#adapters) adapter.close()
    await this.network.stop()
  }
}

/** LDK as the suite's wallet. */
export function walletUnderTest(node: RealNode, wallet: Wallet): WalletUnderTest {
  const { network } = node
  const nodeId = wallet.nodeId as NodeId
  const messages: Uint8Array[] = []
  const transport = wallet.transport(network.lsp.nodeId)
  transport.onMessage((payload) => messages.push(payload))
  let policy: 'claim' | 'fail' | 'sit' = 'claim'
  const undecided = () => [...wallet.received.values()].filter(({ state }) => state === 'claimable')
  const seen = (online: boolean) =>
    waitFor(
      async () => {
        const { peers } = await network.lsp.call<{ peers: { pub_key: string }[] }>('default', 'listPeers')
        return peers.some(({ pub_key }) => pub_key === nodeId) === online
      },
      { deadline: NOTICE_MS, what: `lnd to see that the wallet is ${online ? 'there' : 'gone'}`, pollMs: STEP_MS },
    )
  return {
    nodeId,
    connect: async () => {
      await wallet.reconnect()
      await seen(true)
    },
    disconnect: async () => {
      wallet.disconnect()
      await seen(false)
    },
    acceptZeroConf: (accept) => {
      wallet.trustsZeroConf = accept
    },
    closeChannels: () => wallet.closeChannels('cooperatively'),
    onPayment: (next) => {
      policy = next
      for (const { paymentHash } of undecided()) {
        if (policy === 'claim') wallet.claim(paymentHash)
        if (policy === 'fail') wallet.fail(paymentHash)
      }
    },
    invoice: async ({ amount, scid, maxFee = 0n }) =>
      wallet.createInvoice({
        amountMsat: amount,
        allowedSkimMsat: maxFee,
        onPayment: policy === 'sit' ? 'hold' : policy,
        hint: {
          nodeId: network.lsp.nodeId,
          scid: scidToNumber(scid),
          feeBaseMsat: 0,
          feePpm: 0,
          cltvDelta: CLTV_DELTA,
        },
      }),
    received: async () => {
      // LDK tells that a payment is claimed after it has told the payer.
      await waitFor(() => policy === 'sit' || undecided().length === 0, {
        deadline: NOTICE_MS,
        what: 'the wallet to claim what it has',
      })
      const claimed = [...wallet.received.values()].filter(({ state }) => state === 'claimed')
      return claimed.map(({ paymentHash, amount }) => ({ paymentHash, amount }))
    },
    send: (data) => transport.send(data),
    messages: () => messages,
  }
}

async function pay(node: RealNode, invoice: string): Promise<PaymentEnd> {
  // Earlier cases fail payments at the same node on purpose, and the payer's router learns from that.
  await resetMissionControl(node.network.payer)
  const { succeeded, attempts } = await payInvoice(node.network.payer, { invoice })
  if (succeeded) return { settled: true }
  const failure = attempts.at(-1)?.failure?.code.toLowerCase()
  return failure === undefined ? { settled: false } : { settled: false, failure }
}

function send(node: RealNode, invoice: string, { amounts, ...rest }: Parts): readonly Promise<PaymentEnd>[] {
  const { payer, lsp } = node.network
  return amounts.map(async (amountMsat) => {
    const { settled, failure } = await sendPart(payer, { invoice, to: lsp.nodeId, amountMsat, ...rest })
    return failure === undefined ? { settled } : { settled, failure: failure.toLowerCase() }
  })
}

export function realLnd(node: RealNode, port: LndAdapter): NodeUnderTest {
  const deposits = new Deposits(node.network)
  return {
    port,
    requireInterceptor: true,
    addWallet: async () => walletUnderTest(node, await node.addWallet()),
    payer: { pay: (invoice) => pay(node, invoice), send: (invoice, parts) => send(node, invoice, parts) },
    mine: (blocks) => node.network.mine(blocks),
    deposit: (payment) => deposits.pay(payment),
    replaceDeposit: (deposit, to) => deposits.replace(deposit, to),
    reorganise: async (depth) => {
      const empty = await EmptyBlocks.start(node.network)
      await empty.reorganise(depth)
      await empty.stop()
    },
    restart: async () => {
      await node.network.lsp.kill()
      await node.network.lsp.start()
      await node.network.waitReady()
    },
    step: () => sleep(STEP_MS),
    stepMs: STEP_MS,
    dispose: () => node.stop(),
  }
}
