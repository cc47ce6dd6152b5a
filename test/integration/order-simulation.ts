import type { Outpoint } from '../../src/lnd/port.ts'
import type { SimWallet } from '../../src/sandbox/wallet.ts'
import { Simulation, type SimulationOptions, testConfig } from './simulation.ts'

/** A program of a refund address on the simulated network. */
export const REFUND_ADDRESS = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'
export const REFUND_SCRIPT = '0014751e76e8199196d454941c45d1b3a323f1433bd6'
export const LSP_BALANCE = 1_000_000n

export type OrderState = {
  readonly order_id: string
  readonly order_state: string
  readonly message?: string
  readonly payment: {
    readonly bolt11?: { readonly state: string; readonly invoice: string; readonly order_total_sat: string }
    readonly onchain?: {
      readonly state: string
      readonly address: string
      readonly order_total_sat: string
      readonly fee_total_sat: string
      readonly min_onchain_payment_confirmations: number
      readonly min_fee_for_0conf: number | null
    }
  }
  readonly channel: { readonly funding_outpoint: string } | null
}

export const ORDERS = {
  enabled: true,
  max_initial_client_balance_sat: '500000',
  min_initial_lsp_balance_sat: '100000',
}

export function orderConfig(orders: object = {}, others: { funding?: object; inventory?: object } = {}) {
  return testConfig({ lsps2: { enabled: false }, orders: { ...ORDERS, ...orders }, ...others })
}

/** A line of the journal, as it is on disk: each kind has some of these; amounts in sat, but for what Lightning brought. */
export type OrderEntry = { readonly type: string } & {
  readonly [field in
    | 'order'
    | 'by'
    | 'outpoint'
    | 'txid'
    | 'amount'
    | 'chainFee'
    | 'received'
    | 'pushed'
    | 'earned']?: string
}

/** Whatever can be paid: an order of a channel or of a longer life. */
type Payable = Pick<OrderState, 'payment'>

/** An order as it is on disk, as far as its end is judged by it; amounts in sat. */
export type OrderRecord = {
  readonly tag: string
  readonly by?: 'bolt11' | 'onchain'
  readonly why?: string
  readonly lost?: string
  readonly terms: {
    readonly id: string
    readonly bolt11?: { readonly paymentHash: string }
    readonly onchain?: { readonly address: string }
    readonly purpose:
      | {
          readonly type: 'channel'
          readonly lspBalance: string
          readonly clientBalance: string
          readonly expiryBlocks: number
        }
      | { readonly type: 'extension'; readonly outpoint: string; readonly blocks: number }
  }
  readonly payment: {
    readonly invoice: string
    readonly deposits: readonly {
      readonly outpoint: string
      readonly sold?: string
      readonly refund?: { readonly amount: string; readonly stage: string; readonly txid?: string }
    }[]
  }
  readonly channel?: { readonly outpoint: string }
}

type Ask = Partial<Record<'lsp_balance_sat' | 'client_balance_sat' | 'refund_onchain_address' | 'token', string>> & {
  readonly required_channel_confirmations?: number
  readonly announce_channel?: boolean
  readonly funding_confirms_within_blocks?: number
}

/** The sidecar that sells channels to order, on the simulated node. */
export class OrderSimulation extends Simulation {
  constructor(options: SimulationOptions = {}) {
    super({ ...options, config: options.config ?? orderConfig() })
  }

  /** The wallet of a client, connected. */
  client(): SimWallet {
    const wallet = this.world.addWallet()
    wallet.connect()
    return wallet
  }

  async order(wallet: SimWallet, ask: Ask = {}): Promise<OrderState> {
    return (await this.ask(wallet, 'lsps1.create_order', {
      lsp_balance_sat: `${LSP_BALANCE}`,
      client_balance_sat: '0',
      required_channel_confirmations: 0,
      funding_confirms_within_blocks: 6,
      channel_expiry_blocks: 4320,
      announce_channel: false,
      ...ask,
    })) as never
  }

  async look(wallet: SimWallet, { order_id }: Pick<OrderState, 'order_id'>): Promise<OrderState> {
    return (await this.ask(wallet, 'lsps1.get_order', { order_id })) as never
  }

  /** Pays the invoice of an order, in one part. */
  payInvoice({ payment }: Payable) {
    const [paid] = this.world.payer.payInvoice({ invoice: payment.bolt11?.invoice ?? '' })
    if (paid === undefined) throw new Error('nothing was paid')
    return paid
  }

  /** Pays to the address of an order; in the mempool. Left out: just what was asked, and it may be replaced. */
  payOnchain({ payment }: Payable, amount?: bigint, says: 'replaceable' | 'final' = 'replaceable'): Outpoint {
    const { address = '', order_total_sat: total = '0' } = payment.onchain ?? {}
    return this.world.deposit({ address, amount: (amount ?? BigInt(total)) as never }, says)
  }

  /** An order as the next start would find it. */
  record({ order_id: id }: Pick<OrderState, 'order_id'>): OrderRecord | undefined {
    const row = this.bytes.get('orders-live')?.get(id) ?? this.bytes.get('orders-done')?.get(id)
    return row === undefined ? undefined : JSON.parse(row).record
  }

  /** Orders that have ended, and need us no more. */
  ordersDone(): readonly OrderRecord[] {
    return [...(this.bytes.get('orders-done')?.values() ?? [])].map((row) => JSON.parse(row).record)
  }

  /** Orders, and what they are owed, that are not over. */
  get ordersUnderWay(): number {
    return this.#rows('orders-live', 'payout-live', 'batch-live')
  }

  /** The same with fundings that wait for blocks. */
  get underWay(): number {
    return this.ordersUnderWay + this.#rows('funding-live', 'reclaim-live')
  }

  #rows(...tables: readonly string[]): number {
    return tables.reduce((sum, table) => sum + (this.bytes.get(table)?.size ?? 0), 0)
  }

  isLive({ order_id: id }: Pick<OrderState, 'order_id'>): boolean {
    return this.bytes.get('orders-live')?.has(id) ?? false
  }

  tag(order: Pick<OrderState, 'order_id'>): string | undefined {
    return this.record(order)?.tag
  }

  /** What the journal says, in the order in which it became true. */
  money(): readonly OrderEntry[] {
    return [...(this.bytes.get('journal')?.values() ?? [])].map((row) => JSON.parse(row).record)
  }

  /** Channels of ours that the node has, or had, by the order that its memo names. */
  channelsOf({ order_id: id }: Pick<OrderState, 'order_id'>): number {
    return [...this.world.node.channels.all.values()].filter(({ memo }) => memo.split(':')[3] === id).length
  }

  /** What arrived at the refund address, in blocks, in satoshi. */
  refunded(): bigint {
    const outputs = [...this.world.node.chain.transactions()]
      .filter(({ height }) => height !== undefined)
      .flatMap((tx) => tx.outputs)
    return outputs
      .filter(({ script }) => Buffer.from(script).toString('hex') === REFUND_SCRIPT)
      .reduce((sum, { value }) => sum + value, 0n)
  }

  /** How often something of this kind is in the journal for an order. */
  bookedOf({ order_id: id }: Pick<OrderState, 'order_id'>, type: string): number {
    return this.money().filter((entry) => entry.type === type && entry.order === id).length
  }

  /** The transaction that sends back what came for an order, once it is on its way. */
  refundTxid(order: Pick<OrderState, 'order_id'>): string | undefined {
    return this.record(order)?.payment.deposits.find(({ refund }) => refund?.txid !== undefined)?.refund?.txid
  }

  /** For one order that is over: what came is what was earned, pushed and sent back, each once. */
  wrongWithMoney({ order_id: id }: Pick<OrderState, 'order_id'>): readonly string[] {
    const wrong: string[] = []
    const entries = this.money().filter(({ order }) => order === id)
    const sum = (type: string, of: 'amount') =>
      entries.filter((entry) => entry.type === type).reduce((all, entry) => all + BigInt(entry[of] ?? 0), 0n)
    const names = entries.map(({ type, outpoint = '' }) => `${type} ${outpoint}`)
    if (new Set(names).size !== names.length) wrong.push(`booked twice: ${names.join(', ')}`)
    const back = sum('order-refund', 'amount')
    const sold = entries
      .filter(({ type, by }) => type === 'order-fee' && by === 'onchain')
      .reduce((all, { received = '0' }) => all + BigInt(received) / 1000n, 0n)
    const came = sum('order-deposit', 'amount')
    if (came !== back + sold + sum('order-dust', 'amount'))
      wrong.push(`${came} sat came, ${sold} were sold and ${back} sent back`)
    return wrong
  }

  override violations(): readonly string[] {
    const found = [...super.violations()]
    const money = this.money()
    const byLightning = money.filter(({ type, by }) => type === 'order-fee' && by === 'bolt11')
    const booked = byLightning.reduce((sum, { received = '0' }) => sum + BigInt(received), 0n)
    const taken = this.world.payers
      .flatMap(({ payments }) => payments)
      .reduce((sum, { outcome, amountIn }) => sum + (outcome?.status === 'settled' ? amountIn : 0n), 0n)
    if (booked !== taken) found.push(`books: orders say ${booked} msat came by Lightning, payers paid ${taken}`)
    return found
  }
}
