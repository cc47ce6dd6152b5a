/** Everything that goes wrong on purpose, as data: the operator's log and exit message are made from it. */
export type Failure =
  /** The node could not be asked, or it is unknown whether it did what was asked. */
  | { readonly code: 'LND_UNAVAILABLE'; readonly call: string; readonly detail: string }
  /** The node answered that it did not do it, in its own words. */
  | { readonly code: 'LND_REFUSED'; readonly call: string; readonly detail: string }
  | { readonly code: 'RECORD_UNREADABLE'; readonly table: string; readonly key: string; readonly detail: string }
  | { readonly code: 'STORE_FAILED'; readonly detail: string }
  | { readonly code: 'STORE_LOCKED'; readonly path: string }
  | { readonly code: 'STORE_NEWER'; readonly found: number; readonly known: number }
  | { readonly code: 'CONFIG_INVALID'; readonly path: string; readonly detail: string }
  | { readonly code: 'NOT_READY'; readonly findings: readonly string[] }
  | { readonly code: 'TIMED_OUT'; readonly waitedFor: string; readonly ms: number }
  | { readonly code: 'LIMIT_REACHED'; readonly limit: string; readonly value: number }
  /** A close that would break the promised lifetime of a channel. */
  | { readonly code: 'PROMISED'; readonly outpoint: string; readonly promised: string }

const RETRYABLE: ReadonlySet<Failure['code']> = new Set(['LND_UNAVAILABLE', 'TIMED_OUT'])

/** The only error that the daemon throws on purpose, besides the peer's `RpcFault`. */
export class SidecarError extends Error {
  override readonly name = 'SidecarError'
  readonly failure: Failure

  constructor(failure: Failure, cause?: unknown) {
    super(describeFailure(failure), { cause })
    this.failure = failure
  }

  get retryable(): boolean {
    return RETRYABLE.has(this.failure.code)
  }
}

/** One line for the operator: the thing, the value and the fix. */
export function describeFailure(failure: Failure): string {
  switch (failure.code) {
    case 'LND_UNAVAILABLE':
      return `lnd did not answer ${failure.call}: ${failure.detail}. Is lnd running and reachable at the configured address?`
    case 'LND_REFUSED':
      return `lnd refused ${failure.call}: ${failure.detail}`
    case 'RECORD_UNREADABLE':
      return `record ${failure.key} of table ${failure.table} cannot be read: ${failure.detail}. Restore a backup or upgrade sluice.`
    case 'STORE_FAILED':
      return `the database could not be written: ${failure.detail}. Check disk space and permissions, then start again.`
    case 'STORE_LOCKED':
      return `the database ${failure.path} is in use. Is another sluiced running? Stop it first.`
    case 'STORE_NEWER':
      return `the database was written by a newer sluice (format ${failure.found}, this one knows ${failure.known}). Upgrade sluice.`
    case 'CONFIG_INVALID':
      return `config ${failure.path}: ${failure.detail}`
    case 'NOT_READY':
      return `not ready to start:\n${failure.findings.map((finding) => `  - ${finding}`).join('\n')}`
    case 'TIMED_OUT':
      return `waited ${failure.ms} ms for ${failure.waitedFor}`
    case 'LIMIT_REACHED':
      return `limit ${failure.limit} (${failure.value}) reached`
    case 'PROMISED':
      return `channel ${failure.outpoint} is not closed: it is ${failure.promised}`
  }
}

/** True for a refusal of the node whose words match. */
export function refusedWith(error: unknown, words: RegExp): boolean {
  return error instanceof SidecarError && error.failure.code === 'LND_REFUSED' && words.test(error.failure.detail)
}
