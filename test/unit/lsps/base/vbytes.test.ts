import { Transaction } from 'bitcoinjs-lib'
import { describe, expect, it } from 'vitest'
import { COOPERATIVE_CLOSE_VBYTES, EXPECTED_CLOSE_VBYTES, OPEN_VBYTES } from '../../../../lsps/base/vbytes.ts'

const OUTPUT_SCRIPT = new Uint8Array(34)

/** One input with this witness, two outputs of P2WSH or P2TR. */
function sizeOf(witness: readonly number[]): number {
  const transaction = new Transaction()
  transaction.addInput(new Uint8Array(32), 0)
  transaction.setWitness(
    0,
    witness.map((length) => new Uint8Array(length)),
  )
  transaction.addOutput(OUTPUT_SCRIPT, 1n)
  transaction.addOutput(OUTPUT_SCRIPT, 1n)
  return transaction.virtualSize()
}

describe('the sizes that costs are reckoned with', () => {
  it('are those of an opening transaction with one coin of the wallet', () => {
    expect(OPEN_VBYTES).toBe(165)
    expect(sizeOf([72, 33])).toBe(OPEN_VBYTES)
  })

  it('are those of a close that both sides agree on', () => {
    expect(COOPERATIVE_CLOSE_VBYTES).toBe(193)
    expect(sizeOf([0, 73, 73, 71])).toBe(COOPERATIVE_CLOSE_VBYTES)
  })

  it('count one close in ten as forced', () => {
    expect(EXPECTED_CLOSE_VBYTES).toBe(Math.ceil((9 * 193 + 606) / 10))
  })
})
