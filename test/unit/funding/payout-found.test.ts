import { address, networks, Transaction } from 'bitcoinjs-lib'
import { describe, expect, it } from 'vitest'
import { versionsOf } from '../../../src/funding/payout-psbt.ts'
import { PAYOUT } from './payout-samples.ts'

/** A transaction that spends one coin, named by a byte, and pays so much to an address. */
function paying(coin: number, value: bigint, to = PAYOUT.address) {
  const transaction = new Transaction()
  transaction.addInput(new Uint8Array(32).fill(coin), 0)
  transaction.addOutput(address.toOutputScript(to, networks.regtest), value)
  return { txid: transaction.getId(), raw: transaction.toHex() }
}

const STRANGER = 'bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry'

describe('transactions of lnd under the label of a payout', () => {
  it('are nothing when none pays it', () => {
    expect(versionsOf([], PAYOUT)).toBeUndefined()
    expect(versionsOf([{ ...paying(1, 90_000n, STRANGER), confirmations: 3 }], PAYOUT)).toBeUndefined()
    expect(versionsOf([{ ...paying(1, PAYOUT.amount + 1n), confirmations: 3 }], PAYOUT)).toBeUndefined()
  })

  it('are all that spend the same coins, the dearest last: any of them may be the one that is mined', () => {
    const [first, dearer] = [paying(1, 99_000n), paying(1, 95_000n)]
    const found = versionsOf(
      [dearer, first].map((one) => ({ ...one, confirmations: 0 })),
      PAYOUT,
    )
    expect(found?.map(({ txid, fee }) => [txid, fee])).toEqual([
      [first.txid, 1_000n],
      [dearer.txid, 5_000n],
    ])
  })

  it('are those that spend what the deepest one spends', () => {
    const [dead, mined] = [paying(1, 99_000n), paying(2, 95_000n)]
    const found = [
      { ...dead, confirmations: 0 },
      { ...mined, confirmations: 2 },
    ]
    expect(versionsOf(found, PAYOUT)?.map(({ txid }) => txid)).toEqual([mined.txid])
  })
})
