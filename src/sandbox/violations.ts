/** What must never happen; each is money lost, money that cannot be explained, or a promise broken. */
export type ViolationKind =
  /** A FAIL (or an auto-fail) on a circuit whose outgoing HTLC is alive: the LSP pays twice. */
  | 'fail-in-flight'
  /** An answer for a circuit that the node does not hold: it ends the stream for the whole node. */
  | 'late-answer'
  /** The peer has the preimage, the payer has its money back. */
  | 'money-lost'
  /** Channel balances, HTLCs and capacity do not add up. */
  | 'not-conserved'
  /** Two channels for one pending channel id or one sale. */
  | 'opened-twice'
  /** A transaction pays a funding script for which there is no channel. */
  | 'coins-lost'
  /** A coin is locked for a channel that will not use it. */
  | 'lease-left'
  /** An HTLC that nobody holds and nobody forwarded, or that is still there at the end. */
  | 'htlc-forgotten'
  /** A sale that the LSP books as paid went out without its fee. */
  | 'fee-missing'
  /** Money moved over a channel whose funding was never published. */
  | 'unpublished'

export type Violation = { readonly kind: ViolationKind; readonly detail: string }

/** Violations seen while the world runs. */
export class Violations {
  readonly seen: Violation[] = []

  add(kind: ViolationKind, detail: string): void {
    this.seen.push({ kind, detail })
  }
}
