import type { Order } from './states.ts'

/** Pure: what an operator may do to an order, and what would happen. Nothing here takes money or closes a channel. */

/** `cancel` gives up what nobody has paid; `refund` gives back what was paid and not served. */
export type OperatorAction = 'cancel' | 'refund'

/** What would be done, in sentences; or why nothing is. */
export type Plan = { readonly does: readonly string[] } | { readonly refused: string }

/** Why the order ends, for its client to read. */
export const OPERATOR_REASON = {
  cancel: 'cancelled by the operator',
  refund: 'given back by the operator',
} as const satisfies Readonly<Record<OperatorAction, string>>

/** Total: for every order and both actions. */
export function planOf(order: Order, action: OperatorAction): Plan {
  const { id } = order.terms
  switch (order.tag) {
    case 'completed':
      return { refused: served(order) }
    case 'failed':
      return { refused: ended(order) }
    case 'created': {
      const came = order.payment.deposits.length > 0
      if (action === 'refund' && !came) return { refused: `nobody has paid it: sluice orders cancel ${id}` }
      if (action === 'cancel' && came)
        return { refused: `something was paid to its address: sluice orders refund ${id}` }
      return {
        does: [...endsInvoice(order), ...sendsBack(order), 'the order is FAILED then, and its client reads why'],
      }
    }
    case 'paid':
    case 'opening':
      if (action === 'cancel') return { refused: `it is paid: sluice orders refund ${id}` }
      return {
        does: [...stopsOpening(order), ...givesBack(order), 'the order is FAILED then, and its client reads why'],
      }
  }
}

function served({ terms, channel }: Extract<Order, { tag: 'completed' }>): string {
  if (terms.purpose.type === 'extension') return 'it is completed: the longer life of its channel is promised already'
  return `it is completed: its channel ${channel.outpoint} was published, and its lifetime is promised`
}

function ended({ payment }: Extract<Order, { tag: 'failed' }>): string {
  const back = payment.deposits.filter(({ refund }) => refund !== undefined)
  const waiting = back.filter(({ refund }) => refund?.stage === 'owed' || refund?.stage === 'asked')
  if (payment.invoice === 'cancelling') return 'it has failed: lnd is being told to give the payment back'
  if (waiting.length > 0)
    return `it has failed: ${waiting.length} refunds are on their way, each as soon as it is confirmed`
  return back.length > 0
    ? 'it has failed, and everything that came was sent back'
    : 'it has failed, and nothing came for it'
}

function endsInvoice({ payment: { invoice } }: Order): readonly string[] {
  return invoice === 'open' ? ['its invoice is cancelled: nobody can pay it any more'] : []
}

function sendsBack({ payment, terms }: Order): readonly string[] {
  if (payment.deposits.length === 0) return []
  const sum = payment.deposits.reduce((all, { amount }) => all + amount, 0n)
  const to = terms.refundAddress ?? 'its refund address'
  return [`${sum} sat that came on chain go back to ${to}, less the fee, as soon as they are confirmed`]
}

function givesBack(order: Extract<Order, { tag: 'paid' | 'opening' }>): readonly string[] {
  const held = order.by === 'bolt11' ? ['the payment that lnd holds goes back to its payer'] : endsInvoice(order)
  return [...held, ...sendsBack(order)]
}

function stopsOpening(order: Extract<Order, { tag: 'paid' | 'opening' }>): readonly string[] {
  if (order.tag === 'paid') return ['no channel is opened for it']
  return ['its channel is withdrawn; if its funding is signed by then, it is published and the order completes instead']
}
