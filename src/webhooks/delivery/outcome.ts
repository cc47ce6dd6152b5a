/** What became of one attempt. Whether there is another one is for the caller to decide. */
export type Outcome =
  /** An HTTP response began to arrive; only its status is of interest (L5-45). Redirects are answers too. */
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'no-answer'; readonly why: Why; readonly detail: string }

export type Why =
  /** Nothing may be sent there: the URL, or an address that its host leads to. */
  | 'refused'
  /** Its name has no address, or nobody said so in time. */
  | 'unresolved'
  /** No connection to it, or to the proxy. */
  | 'unreachable'
  /** The proxy would not connect to it. */
  | 'proxy'
  /** Its certificate is not valid for this name, or it speaks no TLS. */
  | 'tls'
  /** Connected, and no response within the time. */
  | 'timeout'
  /** The connection ended early, or what came is no HTTP within the limits. */
  | 'broken'
  /** Too much waits for this host or for all; nothing was tried. */
  | 'busy'

/** Carries the reason through the HTTP library; it never leaves this folder. */
export class Undelivered extends Error {
  override readonly name = 'Undelivered'
  readonly why: Why

  constructor(why: Why, detail: string, cause?: unknown) {
    super(detail, { cause })
    this.why = why
  }
}

export function noAnswer(why: Why, detail: string): Outcome {
  return { kind: 'no-answer', why, detail }
}

/** What a failed attempt says: ours by its reason, the HTTP library's as a broken exchange. Neither tells the URL. */
export function outcomeOf(error: unknown): Outcome {
  if (error instanceof Undelivered) return noAnswer(error.why, error.message)
  return noAnswer('broken', reasonOf(error))
}

/** A code such as ECONNREFUSED where there is one: messages of libraries may repeat what was sent. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
