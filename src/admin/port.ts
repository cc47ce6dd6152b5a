import type { Decision, DrainReport, FlightRecord, Quote, ReconcileReport, SaleSummary, Status } from './schema.ts'
import type { OrderAction, OrderOutcome, OrderRecord, OrderSummary } from './schema-orders.ts'
import type { ClosableList, PromiseList } from './schema-promises.ts'
import type { LiquidityRequest, WebhookList, WebhookRecord, WebhookTest, WebhookTestOrder } from './schema-webhooks.ts'

export type SalesQuery = {
  /** Only sales in this state. */
  readonly state?: string
  /** At most this many, newest first. */
  readonly limit: number
  /** The id of a sale: only older ones. */
  readonly before?: string
}

export type QuoteQuery = {
  /** The short name of a token. */
  readonly token?: string
  /** A payment, in msat. */
  readonly amount?: bigint
}

export type DecisionsQuery = {
  /** In milliseconds since the epoch. */
  readonly since: number
  /** At most this many, the newest. */
  readonly limit: number
  /** Only of this sale, with what became of each payment to it. */
  readonly sale?: string
}

/** As for sales, by the id of an order. */
export type OrdersQuery = SalesQuery

export type PromisesQuery = {
  /** Only promises in this state; left out: those whose channels stand. */
  readonly state?: string
  readonly limit: number
}

/** At most this many clients. */
export type WebhooksQuery = { readonly limit: number }

/** What the admin interface needs of the daemon; `sidecar.ts` provides it. */
export interface AdminPort {
  status(signal: AbortSignal): Promise<Status>
  /** Whether it drains, and what it is still needed for. */
  drain(): Promise<DrainReport>
  /** Compares the records with lnd and the chain. */
  reconcile(signal: AbortSignal): Promise<ReconcileReport>
  /** On disk when it resolves; saying it again changes nothing. So also the end. */
  beginDrain(): Promise<DrainReport>
  endDrain(): Promise<DrainReport>
  /** Undefined when there is no token of that name. */
  quote(query: QuoteQuery, signal: AbortSignal): Promise<Quote | undefined>
  /** Oldest first; undefined when there is no such sale. */
  decisions(query: DecisionsQuery, signal: AbortSignal): Promise<readonly Decision[] | undefined>
  /** Undefined when there is no sale `before`. */
  jitList(query: SalesQuery, signal: AbortSignal): Promise<readonly SaleSummary[] | undefined>
  /** `id` is a sale's id, its scid or a payment hash; undefined when there is none. */
  jitShow(id: string, signal: AbortSignal): Promise<FlightRecord | undefined>
  /** Undefined when there is no order `before`. */
  orderList(query: OrdersQuery, signal: AbortSignal): Promise<readonly OrderSummary[] | undefined>
  /** `id` is an order's id or the hash of its payment; undefined when there is none. */
  orderShow(id: string): Promise<OrderRecord | undefined>
  /** Says what would be done, and does it when it is confirmed; undefined when there is no such order. */
  orderAct(id: string, action: OrderAction): Promise<OrderOutcome | { readonly refused: string } | undefined>
  /** Promised lifetimes: those that end next first, or the newest of those that ended. */
  promises(query: PromisesQuery, signal: AbortSignal): Promise<PromiseList>
  /** Channels that may be closed now that their promise is over, and what speaks for it. Closes nothing. */
  closable(signal: AbortSignal): Promise<ClosableList>
  /** Clients with webhooks; none when webhooks are off. */
  webhookList(query: WebhooksQuery): Promise<WebhookList>
  /** Undefined when there is no such client, or it has no webhook. */
  webhookShow(client: string): Promise<WebhookRecord | undefined>
  /** Calls webhooks of a client now, once each; undefined as above, and none when none has the name. */
  webhookTest(client: string, order: WebhookTestOrder, signal: AbortSignal): Promise<WebhookTest | undefined>
  /** Calls a client that is away, since some of what is in its channels is wanted back; undefined as above. */
  requestLiquidity(client: string): Promise<LiquidityRequest | undefined>
}
