import type { LightningState, OnchainState, OrderResult, OrderState, Payment } from './schema.ts'

/** The ways to pay for an order. */
export const PAYMENT_METHODS = ['bolt11', 'bolt12', 'onchain'] as const
export type PaymentMethod = (typeof PAYMENT_METHODS)[number]

/** What of an order has states: absent are the payment options that it does not have. */
export type OrderStates = {
  readonly order: OrderState
  readonly bolt11?: LightningState | undefined
  readonly bolt12?: LightningState | undefined
  readonly onchain?: OnchainState | undefined
}

/** What happens to an order, in the words of bLIP-51. */
export type OrderEvent =
  /** By Lightning: all of it is held. On chain: it is confirmed. */
  | { readonly type: 'payment-received'; readonly method: PaymentMethod }
  /** The funding transaction is published. */
  | { readonly type: 'channel-opened' }
  /** The channel could not be opened, or nothing was paid in time: what was paid goes back. */
  | { readonly type: 'failed' }

const TAKEN: ReadonlySet<LightningState | OnchainState> = new Set(['HOLD', 'PAID'])

/** Whether money of the client is with the LSP. */
function isPaid(states: OrderStates): boolean {
  return PAYMENT_METHODS.some((method) => {
    const state = states[method]
    return state !== undefined && TAKEN.has(state)
  })
}

/** Every option that the order has, in its new state. */
function withOptions(
  states: OrderStates,
  order: OrderState,
  lightning: (state: LightningState, method: PaymentMethod) => LightningState,
  onchain: (state: OnchainState) => OnchainState,
): OrderStates {
  const { bolt11, bolt12, onchain: chain } = states
  return {
    order,
    ...(bolt11 === undefined ? {} : { bolt11: lightning(bolt11, 'bolt11') }),
    ...(bolt12 === undefined ? {} : { bolt12: lightning(bolt12, 'bolt12') }),
    ...(chain === undefined ? {} : { onchain: onchain(chain) }),
  }
}

/** The one that is paid; the invoices of the others are cancelled (L1-80), an address cannot be. */
function paidBy(states: OrderStates, paid: PaymentMethod): OrderStates {
  return withOptions(
    states,
    'CREATED',
    (_, method) => (method === paid ? 'HOLD' : 'REFUNDED'),
    (state) => (paid === 'onchain' ? 'PAID' : state),
  )
}

/**
 * How bLIP-51 has an order go on (L1-67 to L1-69, L1-72, L1-76, L1-93); undefined when this cannot happen to an order
 * in these states: a payment by an option that it does not have, a second payment, a channel that nobody paid for, and
 * anything after the end.
 */
export function statesAfter(states: OrderStates, event: OrderEvent): OrderStates | undefined {
  if (states.order !== 'CREATED') return undefined
  switch (event.type) {
    case 'payment-received':
      return states[event.method] === 'EXPECT_PAYMENT' && !isPaid(states) ? paidBy(states, event.method) : undefined
    case 'channel-opened':
      if (!isPaid(states)) return undefined
      return withOptions(
        states,
        'COMPLETED',
        (state) => (state === 'HOLD' ? 'PAID' : state),
        (state) => state,
      )
    case 'failed':
      return withOptions(
        states,
        'FAILED',
        () => 'REFUNDED',
        () => 'REFUNDED',
      )
  }
}

/** The states of an order as it was answered. */
export function statesOf({ order_state, payment }: Pick<OrderResult, 'order_state' | 'payment'>): OrderStates {
  const { bolt11, bolt12, onchain } = payment
  return {
    order: order_state,
    ...(bolt11 === undefined ? {} : { bolt11: bolt11.state }),
    ...(bolt12 === undefined ? {} : { bolt12: bolt12.state }),
    ...(onchain === undefined ? {} : { onchain: onchain.state }),
  }
}

/**
 * Whether an order will not change any more: it ended, no preimage is still to be released, and no refund is still to
 * be paid.
 */
export function isFinal(order: { readonly order_state: OrderState; readonly payment: Payment }): boolean {
  const states = statesOf(order)
  if (states.order === 'CREATED' || states.bolt11 === 'HOLD' || states.bolt12 === 'HOLD') return false
  return states.order === 'COMPLETED' || states.onchain !== 'PAID'
}
