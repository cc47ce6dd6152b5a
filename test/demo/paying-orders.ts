import type { OrderHandle } from '../../lsps/lsps1/order-handle.ts'
import type { OrderState, Payment } from '../../lsps/lsps1/schema.ts'
import { isFinal } from '../../lsps/lsps1/states.ts'
import { formatMsat, formatSat } from '../../src/cli/format.ts'
import { HopelessError } from '../stack/wait.ts'
import { orderMoment } from './order-steps.ts'
import { pause } from './pause.ts'
import type { Stage } from './stage.ts'
import { type Moment, Timeline } from './timeline.ts'
import { watch } from './watch.ts'

/** The wallet asks for its order so often, within what an operator's limits let every wallet do: first often, then less. */
const EAGER_MS = 50
const EAGER_READS = 10
const PATIENT_MS = 250
const MSAT_PER_SAT = 1000n

type AnyOrder = { readonly order_id: string; readonly order_state: OrderState; readonly payment: Payment }

/** What is to be paid, as its order says. Satoshi. */
export type Payable = { readonly id: string; readonly total: bigint; readonly invoice: string }

export type PaidOrder<Order> = {
  readonly order: Order
  readonly paymentHash: string
  /** What left the wallet for it, by the wallet's own account. Millisatoshi. */
  readonly paid: bigint
  readonly startedAt: number
  /** From sending the payment to the wallet's having the preimage. */
  readonly ms: number
  readonly told: readonly Moment[]
}

/** The wallet pays for an order from what it has, and reads it to its end; told as it happens. */
export async function payOrder<Order extends AnyOrder>(
  stage: Stage,
  { id, total, invoice }: Payable,
  handle: OrderHandle<Order>,
): Promise<PaidOrder<Order>> {
  const { world, signal } = stage
  const { wallet, clock } = world
  const timeline = new Timeline()
  let startedAt = clock.now()
  const steps = async () => {
    const record = await stage.order(id)
    return record.steps.map((step) => orderMoment(record, step))
  }
  const tell = (moment: Moment) => stage.tell(moment, startedAt)
  const watching = await watch({ world, timeline, operator: steps, tell })
  try {
    startedAt = clock.now()
    timeline.add({ at: startedAt, who: 'wallet', what: `sends ${formatSat(`${total}`)} to the invoice of the order` })
    const reading = readToTheEnd(stage, handle, timeline)
    reading.catch(() => undefined) // a payment that fails says more
    const { fee } = await wallet.pay(invoice, signal)
    const ms = clock.now() - startedAt
    const order = await reading
    const booked = await stage.waitFor(async () => {
      const record = await stage.order(id)
      return record.booked === true && record.bolt11 !== undefined ? record.bolt11 : undefined
    }, 'sluiced to book the order')
    const paid = total * MSAT_PER_SAT + fee
    return { order, paymentHash: booked.payment_hash, paid, startedAt, ms, told: timeline.told }
  } finally {
    await watching.stop()
  }
}

/** Tells each state that the wallet reads, up to the one that stays. */
function readToTheEnd<Order extends AnyOrder>(
  stage: Stage,
  handle: OrderHandle<Order>,
  timeline: Timeline,
): Promise<Order> {
  const { world, signal } = stage
  let last = 'CREATED, EXPECT_PAYMENT' // what it read when it ordered
  let reads = 0
  const read = async () => {
    if (reads >= EAGER_READS) await pause(PATIENT_MS)
    reads += 1
    const order = await handle.get(signal)
    const words = `${order.order_state}, ${order.payment.bolt11?.state ?? 'no payment'}`
    if (words !== last) timeline.add({ at: world.clock.now(), who: 'wallet', what: `reads its order: ${words}` })
    last = words
    if (order.order_state === 'FAILED') throw new HopelessError(`order ${handle.id} failed`)
    return isFinal(order) ? order : undefined
  }
  return stage.waitFor(read, `order ${handle.id} to be completed and paid`, EAGER_MS)
}

/** What the wallet owns now, as a line of the story. */
export function tellBalance(stage: Stage, owned: bigint): void {
  const channels = stage.world.wallet.channels().length
  stage.tell({ who: 'wallet', what: `owns ${formatMsat(`${owned}`)} in ${channels} channels` })
}
