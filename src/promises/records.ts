import { Table } from '../store/table.ts'
import { EndedPromise, LifetimePromise } from './states.ts'

const TIME_DIGITS = 15

/** By outpoint. */
export const livePromises = new Table('promises-live', LifetimePromise)
/** By time and outpoint. */
export const endedPromises = new Table('promises-ended', EndedPromise)
/** The same of those that our side broke: found without reading all. */
export const brokenPromises = new Table('promises-broken', EndedPromise)

export function endedKey(at: number, outpoint: string): string {
  return `${at.toString().padStart(TIME_DIGITS, '0')}/${outpoint}`
}
