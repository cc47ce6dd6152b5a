import type { Sat } from '../base/amount.ts'
import type { Clock } from '../base/clock.ts'
import type { MethodTable, ParamsOf, ResultOf } from '../base/method.ts'
import type { Patience, RpcClient } from '../rpc/client.ts'
import type { ImpossibleChange } from './changes.ts'
import { OrderError, orderErrorOf } from './order-error.ts'
import type { PayableOption } from './payable.ts'
import type { OrderState, Payment } from './schema.ts'
import { isFinal } from './states.ts'
import { type UpdateOptions, updatesOf } from './updates.ts'

/**
 * How long one request waits, and when it is sent again. The repetition has the same id and bytes, so that an LSP
 * that keeps its replies takes one order (L0-44); one that does not takes two, and the wallet uses the answer that
 * came first: what nobody pays for costs nothing and ends by itself.
 */
export const ORDER_PATIENCE: Patience = { answerMs: 30_000, sends: 3, resendAfterMs: 8000 }

/** An order that was made, and the ways to pay for it that are within the cap, the cheapest first; never none. */
export type Placed<Order> = { readonly order: Order; readonly options: readonly PayableOption[] }

/** An order that exists at the LSP. Its id is all that needs to be kept. */
export interface OrderHandle<Order> {
  readonly id: string
  /** @throws OrderError */
  get(signal: AbortSignal): Promise<Order>
  /**
   * The order now and after each change, until it will not change any more. The loop throws OrderError: when the signal
   * aborts, when the LSP does not know the order, answers nonsense, takes something back (`onImpossible`), or did not
   * answer for two weeks. Everything else is waited out.
   */
  updates(options: UpdateOptions<Order>): AsyncIterable<Order>
}

/** @throws OrderError when nothing is left to pay by */
export function withinCap(options: readonly PayableOption[], maxFee: Sat): readonly PayableOption[] {
  const [cheapest] = options
  if (cheapest === undefined) throw new OrderError({ code: 'no-payment-option' })
  if (cheapest.fee > maxFee) throw new OrderError({ code: 'too-expensive', cheapest: cheapest.fee, cap: maxFee })
  return options.filter(({ fee }) => fee <= maxFee)
}

/** A call whose failures are told in the words of orders. */
export async function callAs<Table extends MethodTable, Name extends keyof Table & string>(
  client: RpcClient,
  table: Table,
  name: Name,
  params: ParamsOf<Table[Name]>,
  { signal, orderId }: { readonly signal: AbortSignal; readonly orderId?: string },
): Promise<ResultOf<Table[Name]>> {
  try {
    return await client.call(table, name, params, signal, ORDER_PATIENCE)
  } catch (error) {
    throw orderErrorOf(error, { method: name, signal, ...(orderId === undefined ? {} : { orderId }) })
  }
}

/** What sets one kind of order apart from the other. */
export type Kind<Order> = {
  readonly ask: (id: string, signal: AbortSignal) => Promise<Order>
  readonly textOf: (order: Order) => string
  readonly impossibleChange: (before: Order, after: Order) => ImpossibleChange | undefined
}

type AnyOrder = { readonly order_id: string; readonly order_state: OrderState; readonly payment: Payment }

/** Asks for one order by its id; what is answered about another one is refused. */
export function orderHandle<Order extends AnyOrder>(id: string, kind: Kind<Order>, clock: Clock): OrderHandle<Order> {
  async function get(signal: AbortSignal): Promise<Order> {
    const order = await kind.ask(id, signal)
    if (order.order_id === id) return order
    throw new OrderError({ code: 'bad-answer', what: 'it is about another order' })
  }
  const { textOf, impossibleChange } = kind
  const watched = { ask: get, textOf, isFinal, impossibleChange }
  return { id, get, updates: (options) => updatesOf(watched, clock, options) }
}
