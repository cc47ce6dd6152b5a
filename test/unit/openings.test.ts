import { Transaction } from 'bitcoinjs-lib'
import { describe, expect, it } from 'vitest'
import type { Inventory } from '../../src/inventory/inventory.ts'
import { countOpenings, unconfirmedOf } from '../../src/openings.ts'
import { abandonedPayout, paidPayout, planned, signedPayout, TXID } from './funding/payout-samples.ts'
import { ordered, refused } from './funding/samples.ts'

const COIN = `${'cd'.repeat(32)}:1`

/** A transaction that spends this one coin, in hex. */
function spending(): string {
  const transaction = new Transaction()
  transaction.addInput(Uint8Array.from(Buffer.from('cd'.repeat(32), 'hex')), 1)
  transaction.addOutput(new Uint8Array(22), 1_000n)
  return transaction.toHex()
}

describe('transactions of ours that are in no block', () => {
  it('are also the payouts: their change may pay for more, as far as the operator lets it', () => {
    const [version] = signedPayout().versions
    if (version === undefined) throw new Error('the sample has no version')
    const sent = signedPayout({ versions: [{ ...version, raw: spending() }], told: true })
    expect(unconfirmedOf([], [], [planned(), sent, paidPayout(), abandonedPayout()])).toEqual([
      { txid: TXID, inputs: [COIN] },
    ])
  })
})

describe('a channel that its peer refused', () => {
  const failures = (funding: Parameters<ReturnType<typeof countOpenings>['onCommitted']>[0]) => {
    const told: string[] = []
    const inventory = {
      follow: () => undefined,
      failed: (_: string, how: string) => told.push(how),
    } as never as Inventory
    countOpenings(inventory).onCommitted(funding)
    return told
  }

  it('makes it wait with its next sale', () => {
    expect(failures(refused('client-refused'))).toEqual(['refused the channel'])
    expect(failures(refused('client-gone'))).toEqual(['vanished'])
    expect(failures(refused('failed'))).toEqual([])
  })

  it('makes it wait for nothing when it was ordered: over HTTP anybody may have done that in its name', () => {
    expect(failures(ordered(refused('client-refused')))).toEqual([])
    expect(failures(ordered(refused('client-gone')))).toEqual([])
  })
})
