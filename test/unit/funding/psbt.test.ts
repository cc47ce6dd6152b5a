import { address, Transaction } from 'bitcoinjs-lib'
import { describe, expect, it } from 'vitest'
import { sat } from '../../../lsps/base/amount.ts'
import { fundingOutpoint, transactionId } from '../../../src/funding/psbt.ts'
import { addressOf, fundedPsbt, signPsbt, type TxOutput, witnessScript } from '../../../src/sandbox/psbt.ts'

const AMOUNT = sat(200_000n)
/** A channel's output: a witness program of version 0 with 32 bytes. */
const CHANNEL: TxOutput = { script: witnessScript(new Uint8Array(32).fill(1)), value: AMOUNT }
const CHANGE: TxOutput = { script: witnessScript(new Uint8Array(20).fill(2)), value: 12_345n }
const COIN = { outpoint: `${'aa'.repeat(32)}:3`, script: witnessScript(new Uint8Array(20).fill(3)), value: 300_000n }
const TEMPLATE = { address: addressOf(CHANNEL.script), amount: AMOUNT }

const fund = (...outputs: readonly TxOutput[]) => fundedPsbt([COIN], outputs)

describe('the outpoint of a channel in its funded PSBT', () => {
  it('is the output that pays the channel, also when change comes first', () => {
    expect(fundingOutpoint(fund(CHANNEL, CHANGE), TEMPLATE)).toMatch(/^[0-9a-f]{64}:0$/)
    expect(fundingOutpoint(fund(CHANGE, CHANNEL), TEMPLATE)).toMatch(/^[0-9a-f]{64}:1$/)
  })

  it('has the txid that the transaction has once it is signed', () => {
    const psbt = fund(CHANGE, CHANNEL)
    expect(fundingOutpoint(psbt, TEMPLATE)).toBe(`${transactionId(signPsbt(psbt))}:1`)
  })

  it('is found by a taproot address of any network', () => {
    const script = Uint8Array.from([0x51, 32, ...new Uint8Array(32).fill(4)])
    for (const prefix of ['bc', 'tb', 'bcrt']) {
      const taproot = { address: address.toBech32(script.subarray(2), 1, prefix), amount: AMOUNT }
      expect(fundingOutpoint(fund({ script, value: AMOUNT }), taproot)).toMatch(/:0$/)
    }
  })

  it('is no output with the amount alone, nor with the address alone', () => {
    const wrong = [
      { ...CHANNEL, value: AMOUNT - 1n },
      { ...CHANGE, value: AMOUNT },
    ]
    expect(() => fundingOutpoint(fund(...wrong), TEMPLATE)).toThrow('pays the channel 0 times')
  })

  it('is refused when two outputs could be it', () => {
    expect(() => fundingOutpoint(fund(CHANNEL, CHANNEL), TEMPLATE)).toThrow('pays the channel 2 times')
  })
})

describe('the id of a raw transaction', () => {
  it('does not depend on its signatures', () => {
    const psbt = fund(CHANNEL)
    const signed = signPsbt(psbt)
    const bare = Transaction.fromHex(signed)
    for (const input of bare.ins) input.witness = []
    expect(transactionId(signed)).toBe(transactionId(bare.toHex()))
  })
})
