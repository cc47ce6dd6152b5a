import { randomBytes } from 'node:crypto'
import { formatDatetime } from '../../lsps/base/datetime.ts'
import { formatOutpoint } from '../../lsps/base/outpoint.ts'
import { orderClient } from '../../lsps/lsps1/client.ts'
import type { Placed } from '../../lsps/lsps1/order-handle.ts'
import type { OrderResult } from '../../lsps/lsps1/schema.ts'
import { type ExtensionClient, extensionClient } from '../../lsps/lsps7/client.ts'
import type { ExtendableChannel, ExtensionResult } from '../../lsps/lsps7/schema.ts'
import { createRpcClient, type RpcClient } from '../../lsps/rpc/client.ts'
import { requestIds } from '../../lsps/rpc/request-id.ts'
import type { OrderRecord } from '../../src/admin/schema-orders.ts'
import { formatMilliseconds, formatMsat, formatSat, thousands } from '../../src/cli/format.ts'
import { renderPrice } from '../../src/cli/render-orders.ts'
import { describeInvoice } from './buying.ts'
import { EXTENSION_BLOCKS, HIGHEST_FEE, ORDER } from './order-terms.ts'
import { type PaidOrder, type Payable, payOrder, tellBalance } from './paying-orders.ts'
import type { Stage } from './stage.ts'

/** The LSP finds the block of a funding a little after everybody else knows it. */
const LISTED_POLL_MS = 250
const MSAT_PER_SAT = 1000n

export type BoughtOrder<Order> = Payable & PaidOrder<Order> & { readonly price: OrderRecord['price'] }

/** What happened in this part of the story. */
export type OrdersTold = {
  readonly channel: BoughtOrder<OrderResult>
  readonly outpoint: string
  /** What the wallet found of its own in the new channel, before it paid anything over it. Millisatoshi. */
  readonly pushed: bigint
  readonly extension: BoughtOrder<ExtensionResult>
  /** Until when the channel is promised to stay, before and after: the height, and the time as the wallet reads it. */
  readonly before: Until
  readonly after: Until
  readonly owned: bigint
}

export type Until = { readonly height: number; readonly time: string }

/** The same wallet orders a larger channel, pays for it from what it was paid, and has it kept for longer. */
export async function tellOrders(stage: Stage, owned: bigint): Promise<OrdersTold> {
  const { wallet, clock } = stage.world
  const client = createRpcClient({ transport: wallet.transport(), clock, newId: requestIds(randomBytes) })
  try {
    return await play(stage, client, owned)
  } finally {
    client.close()
  }
}

async function play(stage: Stage, client: RpcClient, owned: bigint): Promise<OrdersTold> {
  const { screen, world } = stage
  const { clock } = world
  const orders = orderClient({ client, clock })
  const extensions = extensionClient({ client, clock })

  screen.heading('5. The same wallet orders a larger channel (LSPS1)')
  const payable = await orderChannel(stage, orders)

  screen.heading('6. It pays from what it was paid; times count from here')
  const channel = { ...payable, ...(await payOrder(stage, payable, orders.order(payable.id))) }
  const outpoint = outpointOf(channel.order)
  const afterChannel = await stage.balance(owned - channel.paid + ORDER.client_balance_sat * MSAT_PER_SAT)
  const pushed = (await ownChannel(stage, outpoint)).owned
  tellBalance(stage, afterChannel)
  stage.tell({ who: 'wallet', what: `of that ${formatMsat(`${pushed}`)} in the new one`, details: [outpoint] })

  screen.heading('7. It has the new channel kept for longer (LSPS7)')
  await stage.confirm()
  const listed = await findLease(stage, extensions, payable.id)
  const wanted = await orderExtension(stage, extensions, listed)
  const extension = { ...wanted, ...(await payOrder(stage, wanted, extensions.order(wanted.id))) }
  const before = { height: listed.expiration_block, time: wanted.until }
  const now = await findLease(stage, extensions, payable.id)
  const after = { height: now.expiration_block, time: formatDatetime(extension.order.channel.expires_at) }
  tellUntil(stage, 'before', before)
  tellUntil(stage, 'after', after)
  const afterAll = await stage.balance(afterChannel - extension.paid)
  tellBalance(stage, afterAll)
  return { channel, outpoint, pushed, extension, before, after, owned: afterAll }
}

async function orderChannel(
  stage: Stage,
  orders: ReturnType<typeof orderClient>,
): Promise<Payable & { readonly price: OrderRecord['price'] }> {
  const { signal, world } = stage
  stage.tell({ who: 'wallet', what: 'asks what can be ordered (lsps1.get_info)' })
  const sinceAsked = stopwatch(stage)
  const options = await orders.getInfo(signal)
  const { min_channel_balance_sat: least, max_channel_balance_sat: most, max_channel_expiry_blocks: blocks } = options
  stage.tell({
    who: 'operator',
    what: `answers after ${sinceAsked()}:`,
    details: [
      `channels of ${formatSat(`${least}`)} to ${formatSat(`${most}`)},`,
      `kept open for up to ${thousands(blocks)} blocks`,
    ],
  })
  stage.tell({
    who: 'wallet',
    what: 'orders one (lsps1.create_order):',
    details: [
      `${formatSat(`${ORDER.lsp_balance_sat}`)} of the operator's, ${formatSat(`${ORDER.client_balance_sat}`)} of its own,`,
      `for ${thousands(ORDER.channel_expiry_blocks)} blocks, usable at once`,
    ],
  })
  const sinceOrdered = stopwatch(stage)
  const placed = await orders.createOrder({ order: ORDER, maxFee: HIGHEST_FEE, signal })
  const payable = await tellPrice(stage, placed, sinceOrdered())
  const own = formatSat(`${ORDER.client_balance_sat}`)
  stage.tell({
    who: 'wallet',
    what: `is to pay ${formatSat(`${payable.total}`)}: the fee and its own ${own}`,
    details: [invoiceLine(payable)],
  })
  if (world.wallet.owned() < payable.total * MSAT_PER_SAT) throw new Error('the wallet cannot pay for the order')
  return payable
}

type WantedExtension = Payable & { readonly price: OrderRecord['price']; readonly until: string }

async function orderExtension(
  stage: Stage,
  extensions: ExtensionClient,
  listed: ExtendableChannel,
): Promise<WantedExtension> {
  const { signal } = stage
  stage.tell({
    who: 'wallet',
    what: `orders ${thousands(EXTENSION_BLOCKS)} blocks more (lsps7.create_order) for`,
    details: [listed.short_channel_id],
  })
  const sinceAsked = stopwatch(stage)
  const order = {
    short_channel_id: listed.short_channel_id,
    channel_extension_expiry_blocks: EXTENSION_BLOCKS,
  }
  const placed = await extensions.createOrder({ order, maxFee: HIGHEST_FEE, signal })
  const payable = await tellPrice(stage, placed, sinceAsked())
  stage.tell({ who: 'wallet', what: `is to pay ${formatSat(`${payable.total}`)}`, details: [invoiceLine(payable)] })
  return { ...payable, until: formatDatetime(placed.order.channel.expires_at) }
}

/** The order's id, and how the operator came to the price. */
async function tellPrice(
  stage: Stage,
  { order, options }: Placed<{ readonly order_id: string }>,
  took: string,
): Promise<Payable & { readonly price: OrderRecord['price'] }> {
  const option = options.find(({ method }) => method === 'bolt11')
  if (option?.method !== 'bolt11') throw new Error('the order cannot be paid by Lightning')
  const { price } = await stage.order(order.order_id)
  stage.tell({
    who: 'operator',
    what: `answers after ${took}, with an order and its price:`,
    details: [order.order_id, ...renderPrice(price).split('\n')],
  })
  if (price.fee_sat !== `${option.fee}`)
    throw new Error(`the formula says ${price.fee_sat} sat, the order ${option.fee}`)
  return { id: order.order_id, total: option.total, invoice: option.invoice, price }
}

/** The channel of the order, once its funding is in a block that the operator has found. */
async function findLease(stage: Stage, extensions: ExtensionClient, order: string): Promise<ExtendableChannel> {
  stage.tell({ who: 'wallet', what: 'asks for its channels (lsps7.get_extendable_channels)' })
  const find = async () => {
    const channels = await extensions.getExtendableChannels(stage.signal)
    return channels.length < stage.world.wallet.channels().length ? undefined : channels
  }
  const channels = await stage.waitFor(find, "the operator to find the channel's block", LISTED_POLL_MS)
  stage.tell({
    who: 'operator',
    what: 'answers:',
    details: channels.map(
      ({ short_channel_id: scid, expiration_block: until, original_order: from }) =>
        `${scid}, bought by ${from?.service ?? 'nobody'}, until block ${thousands(until)}`,
    ),
  })
  const channel = channels.find(({ original_order: from }) => from?.id === order)
  if (channel === undefined) throw new Error(`the channel of order ${order} cannot be extended`)
  return channel
}

function outpointOf({ order_id: id, channel }: OrderResult): string {
  if (channel === null) throw new Error(`order ${id} has no channel`)
  return formatOutpoint(channel.funding_outpoint)
}

function ownChannel(stage: Stage, outpoint: string) {
  const find = () => stage.world.wallet.channels().find((channel) => channel.outpoint === outpoint)
  return stage.waitFor(find, `the wallet to know channel ${outpoint}`)
}

function tellUntil(stage: Stage, when: string, { height, time }: Until): void {
  const short = time.replace(/\.\d+Z$/, 'Z')
  stage.tell({ who: 'wallet', what: `${when}: promised until block ${thousands(height)} and ${short}` })
}

function invoiceLine({ invoice }: Payable): string {
  return describeInvoice({ text: invoice, paymentHash: '' })
}

function stopwatch({ world: { clock } }: Stage): () => string {
  const from = clock.now()
  return () => formatMilliseconds(clock.now() - from)
}
