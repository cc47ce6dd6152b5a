import { Psbt, Transaction } from 'bitcoinjs-lib'
import type { Outpoint } from '../lnd/port.ts'

/**
 * The channel's outpoint in a funded PSBT: the output equal to the template's only one (change may come first). All
 * inputs are segwit, so the txid is final before anything is signed.
 * @throws Error when the output is not there exactly once
 */
export function fundingOutpoint(funded: string, template: string): Outpoint {
  const wanted = Psbt.fromBase64(template).txOutputs[0]
  const psbt = Psbt.fromBase64(funded)
  if (wanted === undefined) throw new Error('the funding template has no output')
  const script = Buffer.from(wanted.script).toString('hex')
  const matches = psbt.txOutputs
    .map((output, index) => ({ output, index }))
    .filter(({ output }) => output.value === wanted.value && Buffer.from(output.script).toString('hex') === script)
  const [match, second] = matches
  if (match === undefined || second !== undefined) {
    throw new Error(`the funded PSBT pays the channel ${matches.length} times, expected once`)
  }
  return `${unsignedTransaction(psbt).getId()}:${match.index}`
}

function unsignedTransaction(psbt: Psbt): Transaction {
  return Transaction.fromBuffer(psbt.data.globalMap.unsignedTx.toBuffer())
}

/** Block-explorer byte order. */
export function transactionId(raw: string): string {
  return Transaction.fromHex(raw).getId()
}
