import { Psbt, Transaction } from 'bitcoinjs-lib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sat } from '../../../lsps/base/amount.ts'
import { arriving, dearer, draftOf, dustOf, lockIdOf, txidOf, usualFee } from '../../../src/funding/payout-psbt.ts'
import type { PayoutOrder } from '../../../src/funding/payout-states.ts'
import { addressOf, fundedPsbt, signPsbt, witnessScript } from '../../../src/sandbox/psbt.ts'

const TO = witnessScript(new Uint8Array(20).fill(9))
const OURS = witnessScript(new Uint8Array(20).fill(3))
const ORDER: PayoutOrder = { id: 'a refund', owner: 'order:7', address: addressOf(TO), amount: sat(100_000n) }

/** What lnd makes: coins of these values, the payment and the change, which may come first. */
function made({ coins, payment, change, first }: { coins: bigint[]; payment: bigint; change?: bigint; first?: true }) {
  const inputs = coins.map((value, index) => ({ outpoint: `${'aa'.repeat(32)}:${index}`, script: OURS, value }))
  const pays = { script: TO, value: payment }
  const rest = change === undefined ? [] : [{ script: OURS, value: change }]
  return fundedPsbt(inputs, first === true ? [...rest, pays] : [pays, ...rest])
}

function outputs(psbt: string): { readonly payment: bigint; readonly change: bigint } {
  const { outs } = Transaction.fromBuffer(Psbt.fromBase64(psbt).data.globalMap.unsignedTx.toBuffer())
  const isPayment = ({ script }: { script: Uint8Array }) => Buffer.from(script).equals(Buffer.from(TO))
  const sum = (wanted: boolean) =>
    outs.filter((output) => isPayment(output) === wanted).reduce((total, { value }) => total + value, 0n)
  return { payment: sum(true), change: sum(false) }
}

describe('the transaction of a payout', () => {
  it('pays the amount less exactly what miners take, wherever lnd put the change', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 200n, max: 5_000n }),
        fc.bigInt({ min: 200n, max: 5_000n }),
        fc.bigInt({ min: 20_000n, max: 1_000_000n }),
        fc.boolean(),
        (expected, real, change, isFirst) => {
          const payment = ORDER.amount - expected
          const coins = [payment + change + real]
          const psbt = made({ coins, payment, change, ...(isFirst ? { first: true } : {}) })
          const draft = draftOf(psbt, ORDER, 5)
          const now = outputs(draft.psbt)
          expect(draft.fee).toBe(real)
          expect(now.payment).toBe(ORDER.amount - real)
          expect(now.payment + now.change + real).toBe(coins[0])
          expect(() => signPsbt(draft.psbt)).not.toThrow()
          expect(txidOf(draft.psbt)).toBe(Transaction.fromHex(signPsbt(draft.psbt)).getId())
        },
      ),
    )
  })

  it('stays as lnd made it when there is no change to settle with', () => {
    const psbt = made({ coins: [100_000n], payment: 99_000n })
    expect(draftOf(psbt, ORDER, 5)).toEqual({ psbt, fee: 1_000n, satPerVbyte: 5 })
  })

  it('stays as lnd made it when the change would become dust', () => {
    const psbt = made({ coins: [100_200n], payment: 99_000n, change: 400n })
    expect(draftOf(psbt, ORDER, 5).psbt).toBe(psbt)
  })

  it('is refused when it does not pay the address, or somebody else as well', () => {
    const elsewhere = { ...ORDER, address: addressOf(witnessScript(new Uint8Array(20).fill(8))) }
    expect(() => draftOf(made({ coins: [100_000n], payment: 90_000n, change: 9_000n }), elsewhere, 5)).toThrow('payout')
  })

  it('is replaced by a dearer one only without change, up to the most that it may cost', () => {
    const draft = draftOf(made({ coins: [100_000n], payment: 99_000n }), ORDER, 5)
    const most = { vbytes: 110, fee: sat(5_000n) }
    const next = dearer({ draft, order: ORDER }, 15, most)
    expect(next?.fee).toBe(2_100n)
    expect(outputs(next?.psbt ?? '').payment).toBe(97_900n)
    expect(dearer({ draft, order: ORDER }, 5, most)).toBeUndefined()
    expect(dearer({ draft, order: ORDER }, 100, most)).toBeUndefined()
    const withChange = draftOf(made({ coins: [200_000n], payment: 99_000n, change: 100_000n }), ORDER, 5)
    expect(dearer({ draft: withChange, order: ORDER }, 15, most)).toBeUndefined()
  })
})

describe('what arrives', () => {
  it('is the amount less the fee, and nothing at all when that is dust', () => {
    expect(dustOf(ORDER.address)).toBe(294n)
    expect(arriving(ORDER, sat(1_000n))).toBe(99_000n)
    expect(arriving({ ...ORDER, amount: sat(1_294n) }, sat(1_000n))).toBe(294n)
    expect(arriving({ ...ORDER, amount: sat(1_293n) }, sat(1_000n))).toBeUndefined()
  })

  it('is counted with the usual size of a payment', () => {
    expect(usualFee(ORDER.address, 2)).toBe(306n)
  })
})

describe('the lock of a payout', () => {
  it('is 32 bytes for a name of any length', () => {
    expect(lockIdOf('a')).toMatch(/^[0-9a-f]{64}$/)
    expect(lockIdOf('a')).not.toBe(lockIdOf('b'))
  })
})
