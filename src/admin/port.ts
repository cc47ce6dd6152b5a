import type { FlightRecord, SaleSummary, Status } from './schema.ts'

export type SalesQuery = {
  /** Only sales in this state. */
  readonly state?: string
  /** At most this many, newest first. */
  readonly limit: number
  /** The id of a sale: only older ones. */
  readonly before?: string
}

/** What the admin interface needs of the daemon; `sidecar.ts` provides it. */
export interface AdminPort {
  status(signal: AbortSignal): Promise<Status>
  jitList(query: SalesQuery, signal: AbortSignal): Promise<readonly SaleSummary[]>
  /** `id` is a sale's id, its scid or a payment hash; undefined when there is none. */
  jitShow(id: string, signal: AbortSignal): Promise<FlightRecord | undefined>
}
