import type { SimWallet } from '../../../src/sandbox/wallet.ts'
import { type OrderSimulation, type OrderState, REFUND_ADDRESS } from '../order-simulation.ts'

/** What the stories of orders have in common. */

export const REFUNDABLE = { refund_onchain_address: REFUND_ADDRESS }
export const ORDINARY = { required_channel_confirmations: 3, client_balance_sat: '200000' }
const MOST_BLOCKS = 60
const MOST_ATTEMPTS = 5
/** LSPS0: the client may try again later. */
const CLIENT_REJECTED = 1

/** Pays the invoice; how that ended. */
export async function pay(
  simulation: OrderSimulation,
  order: Pick<OrderState, 'payment'>,
): Promise<'settled' | 'failed'> {
  const { result } = simulation.payInvoice(order)
  return (await simulation.outcome(result, 'the payment to end')).status
}

export function total({ payment }: Pick<OrderState, 'payment'>): bigint {
  return BigInt(payment.onchain?.order_total_sat ?? 0)
}

/** Blocks, some seconds apart, until it is so. */
export async function mineUntil(
  simulation: OrderSimulation,
  { isOver, what }: { readonly isOver: () => boolean; readonly what: string },
): Promise<void> {
  for (let block = 0; block < MOST_BLOCKS; block += 1) {
    if (isOver()) return
    await simulation.advance(20_000)
    simulation.world.mine(1)
  }
  throw new Error(`${MOST_BLOCKS} blocks were not enough for ${what}`)
}

export async function mineUntilOver(simulation: OrderSimulation, order: OrderState): Promise<void> {
  await mineUntil(simulation, { isOver: () => !simulation.isLive(order), what: 'the order to be over' })
}

/** The daemon is down for a long time: it finds deadlines passed when it starts. */
export async function stayDown(simulation: OrderSimulation, ms: number): Promise<void> {
  simulation.kill()
  await simulation.clock.advance(ms)
  await simulation.until(() => simulation.isRunning, 'the sidecar to run again')
}

/** It is on disk in this state, or went beyond it. */
export async function reach(simulation: OrderSimulation, order: OrderState, ...tags: readonly string[]): Promise<void> {
  const isThere = () => tags.includes(simulation.tag(order) ?? '') || !simulation.isLive(order)
  await simulation.until(isThere, `the order to be ${tags}`)
}

/** What an operator does; asked again when the daemon dies before it answers. */
export async function operate(
  simulation: OrderSimulation,
  order: OrderState,
  action: 'cancel' | 'refund',
): Promise<void> {
  for (let isDone = false; !isDone; ) {
    await simulation.until(() => simulation.isRunning, 'the sidecar to run')
    const asked = simulation.starts
    simulation.sidecar.admin.orderAct(order.order_id, { action, confirmed: true }).then(
      () => {
        isDone = true
      },
      () => undefined,
    )
    await simulation.until(() => isDone || simulation.starts !== asked, 'the answer to the operator')
  }
}

/** A wallet that was sold a channel, paid for by Lightning and confirmed. */
export async function withChannel(simulation: OrderSimulation): Promise<SimWallet> {
  const wallet = simulation.client()
  const order = await simulation.order(wallet)
  await pay(simulation, order)
  await mineUntil(simulation, { isOver: () => simulation.underWay === 0, what: 'the channel to be confirmed' })
  return wallet
}

/** An order of a longer life for the only channel of a wallet. */
export async function extension(simulation: OrderSimulation, wallet: SimWallet): Promise<OrderState> {
  const list = await askUntilServed(simulation, wallet, ['lsps7.get_extendable_channels', {}])
  const { extendable_channels: channels } = list as {
    readonly extendable_channels: readonly { readonly short_channel_id: string }[]
  }
  const wanted = {
    short_channel_id: channels[0]?.short_channel_id ?? '',
    channel_extension_expiry_blocks: 2016,
    ...REFUNDABLE,
  }
  return (await askUntilServed(simulation, wallet, ['lsps7.create_order', wanted])) as OrderState
}

/** Told to try again later, a client does. */
async function askUntilServed(
  simulation: OrderSimulation,
  wallet: SimWallet,
  [method, params]: readonly [method: string, params: object],
): Promise<unknown> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    try {
      return await simulation.ask(wallet, method, params)
    } catch (error) {
      if ((error as { code?: number }).code !== CLIENT_REJECTED) throw error
      await simulation.advance(1_000)
    }
  }
  throw new Error(`${method} was refused ${MOST_ATTEMPTS} times`)
}
