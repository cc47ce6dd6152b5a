import { address, networks, Psbt, Transaction } from 'bitcoinjs-lib'
import type { Outpoint } from '../lnd/port.ts'
import { refuse } from './failures.ts'

export const NETWORK = networks.regtest

/** Upper bounds on virtual sizes of the parts of a transaction with p2wpkh inputs, in bytes. */
const BASE_VBYTES = 11
const INPUT_VBYTES = 68
const OUTPUT_VBYTES = 43
const SIGNATURE_BYTES = 71
const PUBLIC_KEY_BYTES = 33

export type TxOutput = { readonly script: Uint8Array; readonly value: bigint }
export type TxInput = { readonly outpoint: Outpoint; readonly script: Uint8Array; readonly value: bigint }

/** A witness program of version 0: 20 bytes is p2wpkh, 32 bytes p2wsh. */
export function witnessScript(program: Uint8Array): Uint8Array {
  return Uint8Array.from([0, program.length, ...program])
}

export function addressOf(script: Uint8Array): string {
  return address.fromOutputScript(script, NETWORK)
}

export function scriptOf(bech32: string): Uint8Array {
  return address.toOutputScript(bech32, NETWORK)
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

export function outpointOf(txid: string, index: number): Outpoint {
  return `${txid}:${index}`
}

/** Virtual bytes of a transaction with so many p2wpkh inputs and outputs, rounded up. */
export function vbytes(inputs: number, outputs: number): number {
  return BASE_VBYTES + inputs * INPUT_VBYTES + outputs * OUTPUT_VBYTES
}

/**
 * A PSBT without inputs and with one output, byte for byte as lnd writes it. bitcoinjs-lib cannot read it (without
 * inputs its transaction looks like one with a witness), nor can it write it.
 */
export function templatePsbt(output: TxOutput): string {
  const value = Buffer.alloc(8)
  value.writeBigUInt64LE(output.value)
  const transaction = Buffer.concat([
    Buffer.from([2, 0, 0, 0, 0, 1]),
    value,
    Buffer.from([output.script.length]),
    output.script,
    Buffer.alloc(4),
  ])
  const head = Buffer.from([0x70, 0x73, 0x62, 0x74, 0xff, 1, 0, transaction.length])
  return Buffer.concat([head, transaction, Buffer.from([0, 0])]).toString('base64')
}

/** The outputs of a template as `templatePsbt` (and lnd) writes it. */
export function readTemplate(template: string): readonly TxOutput[] {
  const bytes = Buffer.from(template, 'base64')
  const outputs: TxOutput[] = []
  let at = 8 + 5
  const count = bytes[at] ?? 0
  at += 1
  for (let index = 0; index < count; index += 1) {
    const length = bytes[at + 8] ?? 0
    const end = at + 9 + length
    if (end > bytes.length) refuse('error parsing PSBT: unexpected EOF')
    outputs.push({ value: bytes.readBigUInt64LE(at), script: Uint8Array.from(bytes.subarray(at + 9, end)) })
    at = end
  }
  return outputs
}

export function fundedPsbt(inputs: readonly TxInput[], outputs: readonly TxOutput[]): string {
  const psbt = new Psbt({ network: NETWORK })
  for (const input of inputs) {
    const [hash, index] = input.outpoint.split(':')
    const witnessUtxo = { script: input.script, value: input.value }
    psbt.addInput({ hash: hash ?? '', index: Number(index), witnessUtxo })
  }
  for (const output of outputs) psbt.addOutput({ script: output.script, value: output.value })
  return psbt.toBase64()
}

/** A transaction as the simulated chain and wallet read it. */
export type ParsedTx = {
  readonly txid: string
  readonly inputs: readonly Outpoint[]
  readonly outputs: readonly TxOutput[]
}

function parsed(transaction: Transaction): ParsedTx {
  return {
    txid: transaction.getId(),
    inputs: transaction.ins.map((input) => outpointOf(Buffer.from(input.hash).reverse().toString('hex'), input.index)),
    outputs: transaction.outs,
  }
}

function unsigned(psbt: string): Transaction {
  try {
    const read = Psbt.fromBase64(psbt, { network: NETWORK })
    return Transaction.fromBuffer(read.data.globalMap.unsignedTx.toBuffer())
  } catch (error) {
    return refuse(`error parsing PSBT: ${error instanceof Error ? error.message : 'unreadable'}`)
  }
}

export function readPsbt(psbt: string): ParsedTx {
  return parsed(unsigned(psbt))
}

export function readTx(raw: string): ParsedTx {
  try {
    return parsed(Transaction.fromHex(raw))
  } catch {
    return refuse('unable to deserialize tx')
  }
}

/** Puts a witness of the usual size into each input; nobody in the sandbox checks signatures. */
export function signPsbt(psbt: string): string {
  const transaction = unsigned(psbt)
  for (const [index] of transaction.ins.entries()) {
    transaction.setWitness(index, [
      new Uint8Array(SIGNATURE_BYTES).fill(0x30),
      new Uint8Array(PUBLIC_KEY_BYTES).fill(2),
    ])
  }
  return transaction.toHex()
}

/** A signed transaction that spends one outpoint: the simulated commitment and closing transactions. */
export function spendTx(outpoint: Outpoint, outputs: readonly TxOutput[], sequence: number): string {
  const [hash, index] = outpoint.split(':')
  const transaction = new Transaction()
  transaction.version = 2
  transaction.addInput(Uint8Array.from(Buffer.from(hash ?? '', 'hex').reverse()), Number(index), sequence)
  for (const output of outputs) transaction.addOutput(output.script, output.value)
  transaction.setWitness(0, [new Uint8Array(SIGNATURE_BYTES).fill(0x30)])
  return transaction.toHex()
}
