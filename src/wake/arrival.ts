/** What is known of an HTLC for a client that is away, in the tick in which it comes. */
export type Arrival = {
  /** A sale has it on record. */
  readonly isOfSale: boolean
  /** It was handed on before. */
  readonly wentOn: boolean
  /** It waits already: lnd offers it again. */
  readonly isWaiting: boolean
  /** The client has a webhook. */
  readonly isReachable: boolean
  /** lnd fails it in a few blocks. */
  readonly isExpiring: boolean
  /** The client did not come the last times. */
  readonly isPaused: boolean
  /** More would be held than the operator wants. */
  readonly isTooMuch: boolean
}

export type WhyOn =
  | 'a sale answers it'
  | 'it went on before'
  | 'its client has no webhook'
  | 'it expires soon'
  | 'its client did not come the last times'
  | 'as much is held as may be'

/** Why it does not wait; undefined when it does. What went on once is never held: its forward may be under way. */
export function whyOn(arrival: Arrival): WhyOn | undefined {
  if (arrival.isOfSale) return 'a sale answers it'
  if (arrival.wentOn) return 'it went on before'
  if (arrival.isWaiting) return undefined
  if (!arrival.isReachable) return 'its client has no webhook'
  if (arrival.isExpiring) return 'it expires soon'
  if (arrival.isPaused) return 'its client did not come the last times'
  if (arrival.isTooMuch) return 'as much is held as may be'
  return undefined
}
