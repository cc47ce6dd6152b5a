import { sat } from '../../lsps/base/amount.ts'
import { type OrderClient, orderClient } from '../../lsps/lsps1/client.ts'
import type { Placed } from '../../lsps/lsps1/order-handle.ts'
import type { CreateOrderParams, OrderResult } from '../../lsps/lsps1/schema.ts'
import { type ExtensionClient, extensionClient } from '../../lsps/lsps7/client.ts'
import type { CreateExtensionParams, ExtendableChannel, ExtensionResult } from '../../lsps/lsps7/schema.ts'
import type { RpcClient } from '../../lsps/rpc/client.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { Wallet, type WalletOptions } from './ldk/wallet.ts'
import type { Lnd } from './lnd.ts'
import type { Network } from './network.ts'
import { type PaymentResult, payInvoice, resetMissionControl } from './payments.ts'
import { lspClient } from './purchase.ts'
import { waitFor } from './wait.ts'

/** More than any order of the tests costs, in sat. */
const HIGHEST_FEE = sat(1_000_000n)
const ORDER_MS = 60_000

/** What the tests order unless they say otherwise: a private channel of 1,000,000 sat for a month. */
export const ORDER: CreateOrderParams = {
  lsp_balance_sat: sat(1_000_000n),
  client_balance_sat: sat(0n),
  required_channel_confirmations: 0,
  funding_confirms_within_blocks: 6,
  channel_expiry_blocks: 4320,
  announce_channel: false,
}

export type OrderOptions = Partial<CreateOrderParams>

/** A wallet of LDK that orders channels of the LSP over its connection, by the typed client. */
export class OrderingWallet {
  readonly wallet: Wallet
  readonly orders: OrderClient
  readonly extensions: ExtensionClient
  readonly #rpc: RpcClient
  readonly #ended = new AbortController()

  private constructor(wallet: Wallet, rpc: RpcClient) {
    this.wallet = wallet
    this.#rpc = rpc
    this.orders = orderClient({ client: rpc, clock: systemClock })
    this.extensions = extensionClient({ client: rpc, clock: systemClock })
  }

  /** A new wallet, connected to the LSP. */
  static async connect(network: Network, options: Partial<WalletOptions> = {}): Promise<OrderingWallet> {
    const wallet = await Wallet.create({ btcd: network.btcd, ...options })
    await wallet.connect({ nodeId: network.lsp.nodeId, host: '127.0.0.1', port: network.lsp.p2pPort })
    return new OrderingWallet(wallet, lspClient(wallet, network))
  }

  /** @throws OrderError */
  order(options: OrderOptions = {}): Promise<Placed<OrderResult>> {
    return this.orders.createOrder({
      order: { ...ORDER, ...options },
      maxFee: HIGHEST_FEE,
      largeChannels: 'both-support',
      signal: this.#ended.signal,
    })
  }

  /** The order as the LSP tells it now. */
  read(orderId: string): Promise<OrderResult> {
    return this.orders.order(orderId).get(this.#ended.signal)
  }

  /** Resolves with the order once it is so. */
  waitFor(
    orderId: string,
    is: (order: OrderResult) => boolean,
    what: string,
    deadline = ORDER_MS,
  ): Promise<OrderResult> {
    return waitFor(
      async () => {
        const order = await this.read(orderId)
        return is(order) ? order : undefined
      },
      { deadline, pollMs: 100, what: `order ${orderId} ${what}` },
    )
  }

  waitCompleted(orderId: string): Promise<OrderResult> {
    return this.waitFor(orderId, ({ order_state }) => order_state === 'COMPLETED', 'to be completed')
  }

  /** Which of its channels it can have for longer. */
  extendable(): Promise<readonly ExtendableChannel[]> {
    return this.extensions.getExtendableChannels(this.#ended.signal)
  }

  /** Orders a longer life of a channel. @throws OrderError */
  extend(order: CreateExtensionParams): Promise<Placed<ExtensionResult>> {
    return this.extensions.createOrder({ order, maxFee: HIGHEST_FEE, signal: this.#ended.signal })
  }

  /** Resolves with the extension once it is no more under way. */
  waitExtension(orderId: string): Promise<ExtensionResult> {
    return waitFor(
      async () => {
        const order = await this.extensions.order(orderId).get(this.#ended.signal)
        return order.order_state === 'CREATED' ? undefined : order
      },
      { deadline: ORDER_MS, pollMs: 100, what: `extension ${orderId} to end` },
    )
  }

  close(): void {
    this.#ended.abort(new Error('the wallet is closed'))
    this.#rpc.close()
    this.wallet.close()
  }
}

/** An order of a channel, or of a longer life for one, as far as it is to be paid. */
export type Payable = Pick<OrderResult, 'payment'>

export function invoiceOf({ payment }: Payable): string {
  if (payment.bolt11 === undefined) throw new Error('the order cannot be paid by Lightning')
  return payment.bolt11.invoice
}

/** Where to pay an order on chain, and how much, in sat. */
export function depositOf({ payment }: Payable): { readonly address: string; readonly amount: bigint } {
  if (payment.onchain === undefined) throw new Error('the order cannot be paid on chain')
  return { address: payment.onchain.address, amount: payment.onchain.order_total_sat }
}

/** Pays a hold invoice: resolves once it is settled, or given back. */
export async function payOrder({ payer }: Network, order: Payable): Promise<PaymentResult> {
  await resetMissionControl(payer)
  return payInvoice(payer, { invoice: invoiceOf(order) })
}

/** Sends coins of the payer; the transaction's id. It pays 5 satoshi per virtual byte unless told. */
export async function deposit(
  { payer }: Network,
  { address, amount }: { readonly address: string; readonly amount: bigint },
  satPerVbyte = 5,
): Promise<string> {
  const sent = await payer.call<{ txid: string }>('default', 'sendCoins', {
    addr: address,
    amount: String(amount),
    sat_per_vbyte: String(satPerVbyte),
    spend_unconfirmed: true,
  })
  return sent.txid
}

type RawTransaction = {
  readonly tx_hash: string
  readonly num_confirmations: number
  readonly output_details: readonly { readonly address: string; readonly amount: string }[]
}

/** What came to an address of a node's wallet, by the node's own book, in sat. */
export async function receivedAt(node: Lnd, address: string): Promise<readonly bigint[]> {
  const { transactions } = await node.call<{ transactions: RawTransaction[] }>('default', 'getTransactions', {})
  return transactions.flatMap(({ output_details }) =>
    output_details.filter((output) => output.address === address).map(({ amount }) => BigInt(amount)),
  )
}

type RawChannel = {
  readonly channel_point: string
  readonly capacity: string
  readonly private: boolean
  readonly push_amount_sat: string
  readonly zero_conf: boolean
  readonly active: boolean
}

/** The channels of the LSP with a wallet, opened or being opened, by their outpoints. */
export async function outpointsTo({ lsp }: Network, peer: string): Promise<readonly string[]> {
  const open = await openChannelsTo(lsp, peer)
  const { pending_open_channels: pending } = await lsp.call<{
    pending_open_channels: { channel: { channel_point: string; remote_node_pub: string } }[]
  }>('default', 'pendingChannels')
  const coming = pending.map(({ channel }) => channel).filter(({ remote_node_pub }) => remote_node_pub === peer)
  return [...open, ...coming].map(({ channel_point }) => channel_point)
}

export async function openChannelsTo(lsp: Lnd, peer: string): Promise<readonly RawChannel[]> {
  const answer = await lsp.call<{ channels: RawChannel[] }>('default', 'listChannels', {
    peer: Buffer.from(peer, 'hex'),
  })
  return answer.channels
}
