import { Psbt, Transaction } from 'bitcoinjs-lib'
import type { Outpoint } from '../lnd/port.ts'

/**
 * The channel's outpoint in a funded PSBT: the output equal to the template's only one (change may come first). All
 * inputs are segwit, so the txid is final before anything is signed.
 * @throws Error when the output is not there exactly once
 */
export function fundingOutpoint(funded: string, template: string): Outpoint {
  const wanted = templateOutput(template)
  const psbt = Psbt.fromBase64(funded)
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

/** Magic, key and length of the global map's first entry, version of its transaction. */
const BEFORE_INPUT_COUNT = 5 + 3 + 4
const VALUE_BYTES = 8

/**
 * The output that lnd asks for. Read by hand: a transaction without inputs starts like one with a witness (`00 01`),
 * and bitcoinjs-lib takes it for one.
 * @throws Error unless it has no input and exactly one output with a witness program
 */
function templateOutput(template: string): { readonly script: Uint8Array; readonly value: bigint } {
  const bytes = Buffer.from(template, 'base64')
  const [inputs, outputs] = [bytes[BEFORE_INPUT_COUNT], bytes[BEFORE_INPUT_COUNT + 1]]
  if (inputs !== 0 || outputs !== 1) throw new Error('the funding template is not a PSBT with one output and no input')
  const at = BEFORE_INPUT_COUNT + 2
  const length = bytes[at + VALUE_BYTES] ?? 0
  const from = at + VALUE_BYTES + 1
  if (length === 0 || from + length > bytes.length) throw new Error('the output of the funding template is cut off')
  return { script: bytes.subarray(from, from + length), value: bytes.readBigUInt64LE(at) }
}

function unsignedTransaction(psbt: Psbt): Transaction {
  return Transaction.fromBuffer(psbt.data.globalMap.unsignedTx.toBuffer())
}

/** Block-explorer byte order. */
export function transactionId(raw: string): string {
  return Transaction.fromHex(raw).getId()
}
