import { address, Psbt, Transaction } from 'bitcoinjs-lib'
import { type Sat, sat } from '../../lsps/base/amount.ts'
import type { FundingTemplate, Outpoint } from '../lnd/port.ts'

/** Opcodes of witness versions 1 to 16 start after this one. */
const OP_1_MINUS_ONE = 0x50

/** The witness program that an address stands for, as a script in hex; the same on every network. */
function scriptOf(bech32: string): string {
  const { version, data } = address.fromBech32(bech32)
  const opcode = version === 0 ? 0 : OP_1_MINUS_ONE + version
  return Buffer.from([opcode, data.length, ...data]).toString('hex')
}

/**
 * The channel's outpoint in a funded PSBT: the output that pays the template's address its amount (change may come
 * first). All inputs are segwit, so the txid is final before anything is signed. The template itself is not read:
 * a transaction without inputs and with one output looks like the segwit marker to most parsers.
 * @throws Error when the output is not there exactly once
 */
export function fundingOutpoint(funded: string, template: Pick<FundingTemplate, 'address' | 'amount'>): Outpoint {
  const psbt = Psbt.fromBase64(funded)
  const script = scriptOf(template.address)
  const matches = psbt.txOutputs
    .map((output, index) => ({ output, index }))
    .filter(({ output }) => output.value === template.amount && Buffer.from(output.script).toString('hex') === script)
  const [match, second] = matches
  if (match === undefined || second !== undefined) {
    throw new Error(`the funded PSBT pays the channel ${matches.length} times, expected once`)
  }
  return `${Transaction.fromBuffer(psbt.data.globalMap.unsignedTx.toBuffer()).getId()}:${match.index}`
}

/** Block-explorer byte order. */
export function transactionId(raw: string): string {
  return Transaction.fromHex(raw).getId()
}

/** The outpoints that a transaction spends. */
export function inputsOf(raw: string): readonly Outpoint[] {
  return spentBy(Transaction.fromHex(raw))
}

/** BIP 125: the highest sequence number of an input that says that its transaction may be replaced. */
const HIGHEST_REPLACEABLE_SEQUENCE = 0xfffffffd

/** Whether a transaction says of itself that it may be replaced; what it depends on may say so too. */
export function signalsReplacement(raw: string): boolean {
  return Transaction.fromHex(raw).ins.some(({ sequence }) => sequence <= HIGHEST_REPLACEABLE_SEQUENCE)
}

/** The same before it is signed, base64. */
export function inputsOfPsbt(psbt: string): readonly Outpoint[] {
  return spentBy(Transaction.fromBuffer(Psbt.fromBase64(psbt).data.globalMap.unsignedTx.toBuffer()))
}

/** What an unsigned transaction spends, and how much that is. */
export function coinsOfPsbt(psbt: string): readonly { readonly outpoint: Outpoint; readonly amount: Sat }[] {
  const { inputs } = Psbt.fromBase64(psbt).data
  return inputsOfPsbt(psbt).map((outpoint, index) => ({
    outpoint,
    amount: sat(inputs[index]?.witnessUtxo?.value ?? 0n),
  }))
}

function spentBy({ ins }: Transaction): readonly Outpoint[] {
  return ins.map(({ hash, index }) => `${Buffer.from(hash).reverse().toString('hex')}:${index}`)
}
