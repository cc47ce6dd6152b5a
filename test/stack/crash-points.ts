import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { METHODS, type Method } from '../../src/lnd/methods.ts'

const HOOK = pathToFileURL(join(import.meta.dirname, 'crash-hook.mjs')).href

/** A moment of sluiced: right before or right after the first synced write that puts a matching record to a table. */
export type CrashPoint = {
  readonly when: 'before' | 'after'
  readonly table: string
  /** A regular expression over the record as it is stored. */
  readonly record: string
}

/** A call to lnd, by its name in `src/lnd/methods.ts`: before any of it is sent, or with the answer there and unread. */
export type AtCall = { readonly when: 'calling' | 'answered'; readonly call: Method }

/** When lnd offers it an HTLC and it has not answered. */
export type AtOffer = { readonly when: 'offered' }

export type CrashOptions = {
  /** Written when the point is reached: shows that it was. */
  readonly file: string
  /** Who dies, in this order: process ids, or sluiced itself. */
  readonly victims: readonly (number | 'sluiced')[]
}

/** The environment that makes sluiced kill itself or others at the point, once. */
export function crashAt(point: CrashPoint | AtCall | AtOffer, options: CrashOptions): Readonly<Record<string, string>> {
  const path = 'call' in point ? { path: `/${METHODS[point.call]}` } : {}
  return {
    NODE_OPTIONS: `--import=${HOOK}`,
    SLUICE_CRASH_POINT: JSON.stringify({ ...point, ...path, ...options }),
  }
}

export function wasReached({ file }: Pick<CrashOptions, 'file'>): boolean {
  return existsSync(file)
}
