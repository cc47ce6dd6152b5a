import { describe, expect, it } from 'vitest'
import { type Arrival, whyOn } from '../../../src/wake/arrival.ts'

const WAITS: Arrival = {
  isOfSale: false,
  wentOn: false,
  isWaiting: false,
  isReachable: true,
  isExpiring: false,
  isPaused: false,
  isTooMuch: false,
}

const TABLE: readonly (readonly [what: string, change: Partial<Arrival>, why: string | undefined])[] = [
  ['for a client that can be called', {}, undefined],
  ['that a sale answers', { isOfSale: true }, 'a sale answers it'],
  ['that went on before', { wentOn: true }, 'it went on before'],
  ['for a client without a webhook', { isReachable: false }, 'its client has no webhook'],
  ['that lnd fails soon', { isExpiring: true }, 'it expires soon'],
  ['for a client that never comes', { isPaused: true }, 'its client did not come the last times'],
  ['when the room is full', { isTooMuch: true }, 'as much is held as may be'],
  ['that waits already, whatever has changed', { isWaiting: true, isReachable: false, isExpiring: true }, undefined],
  [
    'that waits already, in a room that is full with it',
    { isWaiting: true, isPaused: true, isTooMuch: true },
    undefined,
  ],
  ['that waits already and is of a sale', { isWaiting: true, isOfSale: true }, 'a sale answers it'],
  ['that waits already and went on', { isWaiting: true, wentOn: true }, 'it went on before'],
]

describe('an HTLC', () => {
  it.each(TABLE)('%s', (_, change, why) => {
    expect(whyOn({ ...WAITS, ...change })).toBe(why)
  })
})
