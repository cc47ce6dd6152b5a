import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 25

export type WaitOptions = {
  /** Milliseconds from now. */
  readonly deadline: number
  /** Completes the sentence "waited N ms for ...". */
  readonly what: string
  readonly pollMs?: number
  readonly signal?: AbortSignal
}

/** Thrown by a condition that can never come true any more: ends the wait. */
export class HopelessError extends Error {
  override readonly name = 'HopelessError'
}

/**
 * Asks until the answer is neither undefined nor false, and returns it. A condition that throws counts as not yet true
 * (unless it throws a HopelessError); what it threw last is the cause of the error.
 *
 * @throws Error naming what was waited for, after the deadline; the signal's reason when that aborts
 */
export async function waitFor<T>(condition: () => T | Promise<T>, options: WaitOptions): Promise<NonNullable<T>> {
  const start = performance.now()
  let failure: unknown
  for (;;) {
    options.signal?.throwIfAborted()
    try {
      const answer = await condition()
      if (answer !== undefined && answer !== null && answer !== false) return answer
      failure = undefined
    } catch (error) {
      if (error instanceof HopelessError) throw error
      failure = error
    }
    const waited = performance.now() - start
    if (waited > options.deadline) {
      const last = failure === undefined ? '' : ` (last error: ${reasonOf(failure)})`
      throw new Error(`waited ${Math.round(waited)} ms for ${options.what}${last}`, { cause: failure })
    }
    await sleep(options.pollMs ?? POLL_MS, undefined, { signal: options.signal })
  }
}

/** A promise of the test's own with a deadline that says what it was for. */
export async function within<T>(promise: Promise<T>, options: WaitOptions): Promise<T> {
  const stop = new AbortController()
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal])
  const late = sleep(options.deadline, undefined, { signal }).then(
    () => {
      throw new Error(`waited ${options.deadline} ms for ${options.what}`)
    },
    () => {
      options.signal?.throwIfAborted()
      return undefined as never
    },
  )
  try {
    return await Promise.race([promise, late])
  } finally {
    stop.abort()
  }
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** A promise with its ends outside (`Promise.withResolvers` needs Node 22). */
export function deferred<T>(): {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (reason: unknown) => void
} {
  let resolve: (value: T) => void = () => undefined
  let reject: (reason: unknown) => void = () => undefined
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}

/** As `Promise.all`, but rejects only when all have ended: nothing is started any more while its owner cleans up. */
export async function allEnded<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises)
  return Promise.all(promises)
}
