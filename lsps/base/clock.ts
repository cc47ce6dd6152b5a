import type { Timestamp } from './datetime.ts'

/** Time as a port: nothing but the kernel's clock may read the machine's. */
export interface Clock {
  now(): Timestamp
  /** Resolves after `ms`; rejects with the signal's reason when that aborts first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}
