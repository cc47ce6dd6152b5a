import { isFree, type Receipt, sumOf } from './onchain.ts'
import type { Order } from './states.ts'

/** Nothing in these that the order does not know: the common case of an order that has ended. */
export function isKnown({ tag, payment }: Order, receipts: readonly Receipt[]): boolean {
  if (tag !== 'completed' && tag !== 'failed') return false
  const known = new Map(payment.deposits.map((deposit) => [deposit.outpoint, deposit]))
  return receipts.every(({ outpoint, confirmations }) => {
    const deposit = known.get(outpoint)
    return deposit !== undefined && deposit.booked === true && deposit.gone === undefined && confirmations > 0
  })
}

/** What would be lost if the payment of this order were double-spent. */
export function riskOf(order: Order): bigint {
  const { onchain, total } = order.terms
  if (onchain?.confirmations !== 0 || order.tag === 'created' || order.tag === 'failed') return 0n
  if (order.by !== 'onchain' || (order.tag === 'completed' && (order.booked || order.lost !== undefined))) return 0n
  const confirmed = order.payment.deposits.filter(
    (deposit) => deposit.confirmations > 0 && (isFree(deposit) || (deposit.sold ?? 0n) > 0n),
  )
  return sumOf(confirmed) >= total ? 0n : total
}
