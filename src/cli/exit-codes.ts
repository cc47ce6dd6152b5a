import type { Failure } from '../kernel/errors.ts'

/** What `sluice` and `sluiced` end with; scripts may rely on these. */
export const EXIT = {
  OK: 0,
  /** Something failed that has no number of its own; `doctor` found an error. */
  FAILED: 1,
  /** Unknown command, option or argument. */
  USAGE: 2,
  /** sluiced or lnd cannot be reached. */
  UNREACHABLE: 3,
  /** A file, the socket or lnd may not be used by this user. */
  PERMISSION: 4,
  NOT_FOUND: 5,
  /** `reconcile` found a difference between the records and lnd or the chain. */
  DIFFERS: 6,
  TIMED_OUT: 7,
  CONFIG: 10,
  /** lnd's version, flags or permissions do not suit. */
  NOT_READY: 11,
  /** The database is locked, newer than this sluice or cannot be written. */
  STORE: 12,
  /** A second signal while stopping: ended at once. */
  INTERRUPTED: 130,
} as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

const BY_FAILURE: Readonly<Record<Failure['code'], ExitCode>> = {
  LND_UNAVAILABLE: EXIT.UNREACHABLE,
  LND_REFUSED: EXIT.FAILED,
  RECORD_UNREADABLE: EXIT.STORE,
  STORE_FAILED: EXIT.STORE,
  STORE_LOCKED: EXIT.STORE,
  STORE_NEWER: EXIT.STORE,
  CONFIG_INVALID: EXIT.CONFIG,
  NOT_READY: EXIT.NOT_READY,
  TIMED_OUT: EXIT.TIMED_OUT,
  LIMIT_REACHED: EXIT.FAILED,
  PROMISED: EXIT.FAILED,
}

export function exitCodeOf(failure: Failure): ExitCode {
  return BY_FAILURE[failure.code]
}
