import { setMaxListeners } from 'node:events'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { address } from 'bitcoinjs-lib'
import { type Ppm, type Sat, sat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { Handlers } from '../../lsps/base/method.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { lsps1 } from '../../lsps/lsps1/methods.ts'
import type { Lsps1Options } from '../../lsps/lsps1/schema.ts'
import { lsps7 } from '../../lsps/lsps7/methods.ts'
import { createRpcServer, service } from '../../lsps/rpc/server.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { Tokens } from '../../src/kernel/tokens.ts'
import type { HoldInvoiceRequest, Invoice, OnEvent } from '../../src/lnd/port.ts'
import type { Extended, OrderedChannel } from '../../src/orders/effects.ts'
import { extensionHandlers } from '../../src/orders/extension-handlers.ts'
import type { Lease } from '../../src/orders/extension-leases.ts'
import { Extensions } from '../../src/orders/extensions.ts'
import { type Caller, type OrdersHandlersConfig, ordersHandlers } from '../../src/orders/handlers.ts'
import type { ChannelNews } from '../../src/orders/news.ts'
import type { Receipt } from '../../src/orders/onchain.ts'
import { OrdersService } from '../../src/orders/service.ts'
import type { Order } from '../../src/orders/states.ts'
import { ManualClock } from '../../src/sandbox/manual-clock.ts'
import { SeededRandom } from '../../src/sandbox/random.ts'
import { sha256Hex } from '../../src/sandbox/switch.ts'
import { openMemoryStore, type SyncedBytes } from '../../src/store/memory.ts'
import { invoiceFor, NOW, OPTIONS } from '../unit/lsps/lsps1/orders.ts'
import { RULE } from '../unit/orders/samples.ts'
import { ALICE } from './lsp.ts'
import type { OrderAnswer } from './order-lsp.ts'

export const SOLD_AT_HEIGHT = 800_000
export const ORDER_EXPIRY_MS = 3_600_000
export const FEERATE = 2
const DEFAULT_LARGEST = sat(1_000_000_000n)
const PROGRAM_BYTES = 20

export type SellerConfig = {
  readonly options?: Lsps1Options
  readonly tokens?: readonly string[]
  /** What it takes off the price, by token, in millionths. */
  readonly discounts?: Readonly<Record<string, number>>
  readonly rejected?: readonly NodeId[]
  readonly notSelling?: string
  readonly maxUnpaidPerPeer?: number
  readonly lightning?: OrdersHandlersConfig['lightning']
  readonly onchain?: { readonly confirmations: number; readonly zeroConfPerOrder: Sat } | 'not-taken'
  readonly largestChannel?: Sat
  readonly feerate?: number | 'unknown'
  /** Feature bits of whoever asks; undefined: it is not connected. */
  readonly features?: readonly number[] | undefined
  readonly leases?: Readonly<Record<NodeId, readonly Lease[]>>
  readonly mostBlocks?: number
}

type Watcher = { readonly hash: string; readonly tell: OnEvent<Invoice> }

/**
 * Orders as they are sold: the handlers and the service of this program, on a node that only writes down what it is
 * asked for. What happens to invoices, addresses and channels happens when a test says so.
 */
export function createSeller(config: SellerConfig = {}) {
  const { options = OPTIONS, tokens = [], discounts = {}, rejected = [], features = [19], leases = {} } = config
  const clock = new ManualClock(NOW)
  const random = new SeededRandom(1)
  const bytes: SyncedBytes = new Map()
  const store = openMemoryStore({ bytes })
  const stopping = new AbortController()
  const { signal } = stopping
  setMaxListeners(0, signal)
  const asked: HoldInvoiceRequest[] = []
  const addresses: string[] = []
  const opened: OrderedChannel[] = []
  const settled: string[] = []
  const cancelled: string[] = []
  const refunds: { readonly address: string; readonly amount: Sat }[] = []
  const watchers = new Set<Watcher>()
  const standing = new Map<string, Receipt>()
  const unexpected: unknown[] = []

  const invoiceOf = (hash: string): Invoice & { request: string } => {
    const amount = asked.find(({ paymentHash }) => paymentHash === hash)?.amount ?? (0n as never)
    const state = settled.includes(hash) ? 'settled' : cancelled.includes(hash) ? 'canceled' : 'open'
    return { paymentHash: hash, state, amount, paid: 0n as never, htlcs: [], request: '' }
  }
  const lnd = {
    addHoldInvoice: async (request: HoldInvoiceRequest) => {
      asked.push(request)
      return invoiceFor(sat(request.amount / 1000n))
    },
    newAddress: async () => {
      const program = Buffer.from(random.hex(PROGRAM_BYTES), 'hex')
      const made = address.toBech32(program, 0, 'bc')
      addresses.push(made)
      return made
    },
    lookupInvoice: async (hash: string) => invoiceOf(hash),
    subscribeInvoice: async (hash: string, tell: OnEvent<Invoice>, until: AbortSignal) => {
      const watcher = { hash, tell }
      watchers.add(watcher)
      tell(invoiceOf(hash))
      await new Promise<void>((resolve) => until.addEventListener('abort', () => resolve(), { once: true }))
      watchers.delete(watcher)
    },
    settleInvoice: async (preimage: string) => void settled.push(sha256Hex(preimage)),
    cancelInvoice: async (hash: string) => void cancelled.push(hash),
    receipts: async () =>
      [...standing].map(([to, receipt]) => ({ ...receipt, address: to, rawTx: receipt.replaceable ? '01' : '00' })),
  }
  const orders: OrdersService = new OrdersService(
    {
      lnd,
      store,
      clock,
      log: silentLog,
      seed: new Uint8Array(32).fill(9),
      entropy: (length) => Uint8Array.from(Buffer.from(random.hex(length), 'hex')),
      readTransaction: (raw) => ({ inputs: [], signalsReplacement: raw === '01' }),
      openChannel: async (channel) => void opened.push(channel),
      withdrawChannel: async () => undefined,
      extend: (terms): Promise<Extended> => extensions.extend(terms),
      pay: async (refund) => void refunds.push(refund),
      appendMoney: () => [],
      alongside: () => [],
      onFatal: (error) => unexpected.push(error),
    },
    {
      expiryMs: ORDER_EXPIRY_MS,
      limits: { safetyBlocks: 30, openBlocks: 36, openWithinMs: 6 * 3_600_000 },
      maxUnpaid: 1_000,
      maxUnpaidPerPeer: config.maxUnpaidPerPeer ?? 100,
      bolt11: { enabled: config.lightning !== 'not-taken', cltvExpiry: 288 },
      zeroConfInAll: sat(1_000_000n),
      keepMs: 90 * 86_400_000,
    },
  )
  const onchain = config.onchain ?? { confirmations: 1, zeroConfPerOrder: sat(0n) }
  const handlersConfig: OrdersHandlersConfig = {
    network: 'mainnet',
    pricing: RULE,
    discounts: new Map(Object.entries(discounts).map(([name, ppm]) => [name, ppm as Ppm])),
    lightning: config.lightning ?? 'taken',
    ...(onchain === 'not-taken' ? {} : { onchain }),
  }
  const shared = {
    orders,
    tokens: new Tokens(
      tokens.map((token) => ({ name: token, token_sha256: sha256Hex(Buffer.from(token).toString('hex')) })),
    ),
    clock,
    notSelling: () => config.notSelling,
    feerate: async () => (config.feerate === 'unknown' ? undefined : (config.feerate ?? FEERATE)),
    signal,
  }
  const leasesOf = (client: NodeId) => leases[client] ?? []
  const extensions: Extensions = new Extensions({
    orders,
    clock,
    pricing: RULE,
    signal,
    height: () => SOLD_AT_HEIGHT,
    leases: async (client) => leasesOf(client),
  })
  const handlers = ordersHandlers(
    {
      ...shared,
      options: { current: () => options },
      rejection: (client) => (rejected.includes(client) ? 'not served' : undefined),
      largestChannel: () => config.largestChannel ?? DEFAULT_LARGEST,
      featuresOf: async () => ('features' in config ? config.features : features),
    },
    handlersConfig,
  )
  const server = createRpcServer<Caller>({
    services: [service<typeof lsps1, Caller>(lsps1, handlers), service<typeof lsps7, Caller>(lsps7, fromPeers())],
    onUnexpected: (error) => unexpected.push(error),
  })

  function fromPeers(): Handlers<typeof lsps7, Caller> {
    const all = extensionHandlers(
      {
        ...shared,
        extensions,
        limits: () => ({ height: SOLD_AT_HEIGHT, mostBlocks: config.mostBlocks ?? OPTIONS.max_channel_expiry_blocks }),
        times: (outpoint) =>
          Object.values(leases)
            .flat()
            .find((lease) => lease.outpoint === outpoint),
      },
      handlersConfig,
    )
    const of = (caller: Caller) => ({ peer: caller.kind === 'peer' ? caller.nodeId : ALICE })
    return {
      'lsps7.get_extendable_channels': (caller, params) => all['lsps7.get_extendable_channels'](of(caller), params),
      'lsps7.create_order': (caller, params) => all['lsps7.create_order'](of(caller), params),
      'lsps7.get_order': (caller, params) => all['lsps7.get_order'](of(caller), params),
    }
  }

  async function ask(method: string, params: unknown, caller: Caller): Promise<OrderAnswer> {
    const payload = utf8ToBytes(JSON.stringify({ jsonrpc: '2.0', id: 'a call', method, params }))
    const answer = await server.receive(caller, payload)
    return JSON.parse(new TextDecoder().decode(answer))
  }

  orders.onBlock(SOLD_AT_HEIGHT)
  const running = orders.start(signal)
  const settle = () => clock.settle(12)

  return {
    orders: orders.live,
    bytes,
    clock,
    asked,
    addresses,
    opened,
    settled,
    cancelled,
    refunds,
    unexpected,
    ask,
    call: (method: string, params: unknown, peer: NodeId = ALICE) =>
      ask(method, params, { kind: 'peer', nodeId: peer }),
    orderOf: (id: string): Order | undefined => orders.live.get(id),
    connect: (peer: NodeId = ALICE) => orders.onPeer(peer, true),
    /** The invoice of an order is paid, and held. */
    async hold(id: string, heldUntil = SOLD_AT_HEIGHT + 288): Promise<void> {
      const hash = orders.live.get(id)?.terms.bolt11?.paymentHash ?? ''
      const { amount, ...invoice } = invoiceOf(hash)
      for (const { hash: watched, tell } of watchers) {
        if (watched !== hash) continue
        const htlcs = [{ amount, expiryHeight: heldUntil, state: 'accepted' as const }]
        tell({ ...invoice, amount, state: 'accepted', paid: amount, htlcs })
      }
      await settle()
    },
    /** What stands at the address of an order now. */
    async deposit(id: string, receipt: Pick<Receipt, 'amount' | 'confirmations'> & Partial<Receipt>): Promise<void> {
      const to = orders.live.get(id)?.terms.onchain?.address ?? ''
      standing.set(to, { outpoint: `${'ab'.repeat(32)}:0`, replaceable: true, ...receipt })
      orders.onTransaction()
      await settle()
    },
    /** What became of the channel that was ordered last. */
    async channel(id: string, news: ChannelNews): Promise<void> {
      await orders.onFunding(id, opened.at(-1)?.pendingChannelId ?? '', news)
      await settle()
    },
    async pass(ms: number): Promise<void> {
      await clock.advance(ms)
      await settle()
    },
    async close(): Promise<void> {
      stopping.abort(new Error('the test is over'))
      await running
    },
    now: (): Timestamp => clock.now(),
  }
}

export type Seller = ReturnType<typeof createSeller>
