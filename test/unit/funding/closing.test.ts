import { describe, expect, it } from 'vitest'
import type { Msat } from '../../../lsps/base/amount.ts'
import { sat } from '../../../lsps/base/amount.ts'
import { isEmpty, paysOnlyUs } from '../../../src/funding/closing.ts'
import { EXPIRY_MARGIN_BLOCKS, mustBePublished } from '../../../src/funding/follow.ts'
import type { Channel } from '../../../src/lnd/port.ts'
import { spendTx, witnessScript } from '../../../src/sandbox/psbt.ts'
import { CHANNEL, OUTPOINT } from './samples.ts'

const AGREED = 0xffffffff
const REPLACEABLE = 0xfffffffd
const COMMITMENT = 0x80a1b2c3
const output = (value: bigint) => ({ script: witnessScript(new Uint8Array(20).fill(4)), value })
const OURS = output(199_000n)
const THEIRS = output(20_000n)
const ANCHOR = output(330n)
const HEIGHT = 800_000

const outgoing = (expiryHeight: number, change: object = {}): Channel => ({
  ...CHANNEL,
  pendingHtlcs: [
    { incoming: false, htlcIndex: 0n, amount: 1000n as Msat, expiryHeight, paymentHash: 'ab'.repeat(32), ...change },
  ],
})

describe('a channel', () => {
  it('is empty while nothing is or was in it for the peer', () => {
    expect(isEmpty(CHANNEL)).toBe(true)
    expect(isEmpty({ ...CHANNEL, remoteBalance: sat(1n) })).toBe(false)
    expect(isEmpty({ ...CHANNEL, totalSent: sat(1n) })).toBe(false)
    expect(isEmpty(outgoing(HEIGHT))).toBe(false)
  })

  it('is due for its funding when something settled in it, or a payment comes near its expiry', () => {
    expect(mustBePublished(CHANNEL, HEIGHT)).toBe(false)
    expect(mustBePublished({ ...CHANNEL, totalSent: sat(1n) }, HEIGHT)).toBe(true)
    expect(mustBePublished({ ...CHANNEL, remoteBalance: sat(1n) }, HEIGHT)).toBe(true)
    expect(mustBePublished(outgoing(HEIGHT + EXPIRY_MARGIN_BLOCKS + 1), HEIGHT)).toBe(false)
    expect(mustBePublished(outgoing(HEIGHT + EXPIRY_MARGIN_BLOCKS), HEIGHT)).toBe(true)
    expect(mustBePublished(outgoing(HEIGHT - 5), HEIGHT)).toBe(true)
    expect(mustBePublished(outgoing(HEIGHT, { incoming: true }), HEIGHT)).toBe(false)
  })
})

describe('a closing transaction', () => {
  it.each([AGREED, REPLACEABLE])('that was agreed on pays only us when it has one output: %i', (sequence) => {
    for (const payments of ['possible', 'ruled-out'] as const) {
      expect(paysOnlyUs(spendTx(OUTPOINT, [OURS], sequence), payments)).toBe(true)
      expect(paysOnlyUs(spendTx(OUTPOINT, [OURS, THEIRS], sequence), payments)).toBe(false)
      expect(paysOnlyUs(spendTx(OUTPOINT, [OURS, ANCHOR], sequence), payments)).toBe(false)
    }
  })

  it('that is a commitment pays only us when it has our anchor besides, and payments too small to show are ruled out', () => {
    const empty = spendTx(OUTPOINT, [ANCHOR, OURS], COMMITMENT)
    expect(paysOnlyUs(empty, 'ruled-out')).toBe(true)
    expect(paysOnlyUs(empty, 'possible')).toBe(false)
    expect(paysOnlyUs(spendTx(OUTPOINT, [ANCHOR, ANCHOR, OURS, THEIRS], COMMITMENT), 'ruled-out')).toBe(false)
  })
})
