import { address, crypto, Psbt, Transaction } from 'bitcoinjs-lib'
import { type Sat, sat } from '../../lsps/base/amount.ts'
import type { LabelledTransaction } from '../lnd/port.ts'
import type { PayoutDraft, PayoutOrder, PayoutVersion, PayoutVersions } from './payout-states.ts'
import { inputsOf } from './psbt.ts'

/** Pure: what of a payout arrives, what miners take, and the transaction that says so. Amounts in satoshi. */

/** Opcodes of witness versions 1 to 16 start after this one. */
const OP_1_MINUS_ONE = 0x50
/** Virtual bytes of a transaction with one input (P2WPKH, the larger of the wallet's) and one output for change (P2TR). */
const BASE_VBYTES = 11 + 68 + 43
/** Of an output beside its script: value and length. */
const OUTPUT_BYTES = 9
/** Nobody relays an output that costs more to spend than this many satoshi for each of its bytes. */
const DUST_SAT_PER_BYTE = 3
/** What spending a witness output takes, in virtual bytes, as the rule for dust counts it. */
const SPEND_VBYTES = 67
/** How much dearer, per virtual byte, what replaces another transaction has to be for a mempool to take it. */
const LEAST_RAISE_SAT_PER_VBYTE = 1

/** The script that a SegWit address stands for; the same on every network. */
function scriptOf(bech32: string): Uint8Array {
  const { version, data } = address.fromBech32(bech32)
  return Uint8Array.from([version === 0 ? 0 : OP_1_MINUS_ONE + version, data.length, ...data])
}

/** The smallest output to this address that is relayed. */
export function dustOf(bech32: string): Sat {
  return sat(BigInt(DUST_SAT_PER_BYTE * (OUTPUT_BYTES + scriptOf(bech32).length + SPEND_VBYTES)))
}

/** What an ordinary payment to this address costs: one coin, one output, change. */
export function usualFee(bech32: string, satPerVbyte: number): Sat {
  return sat(BigInt((BASE_VBYTES + OUTPUT_BYTES + scriptOf(bech32).length) * satPerVbyte))
}

/** What arrives if it costs `fee`; undefined when that is dust. */
export function arriving({ address: to, amount }: PayoutOrder, fee: Sat): Sat | undefined {
  const rest = amount - fee
  return rest < dustOf(to) ? undefined : sat(rest)
}

/** Under what id a payout's coins are locked at lnd: 32 bytes in hex. */
export function lockIdOf(id: string): string {
  return Buffer.from(crypto.sha256(Buffer.from(id))).toString('hex')
}

/**
 * The transaction that lnd made for a payout, so that payment and fee together are the order's amount: what the fee is
 * beside what was expected moves between payment and change. Without change it stays as it is, and the wallet bears the
 * difference.
 * @throws Error when the payment is not in it exactly once
 */
export function draftOf(psbt: string, order: PayoutOrder, satPerVbyte: number): PayoutDraft {
  const { transaction, payment, change, fee } = read(psbt, order)
  const paid = transaction.outs[payment]?.value ?? 0n
  const wanted = arriving(order, fee)
  const rest = change === undefined || wanted === undefined ? 0n : change.value - (wanted - paid)
  if (change === undefined || wanted === undefined || rest < dustOf(order.address)) {
    return { psbt, fee: sat(order.amount - paid), satPerVbyte }
  }
  const values = new Map([
    [payment, wanted as bigint],
    [change.index, rest],
  ])
  return { psbt: withValues(psbt, transaction, values), fee, satPerVbyte }
}

/**
 * The same coins and the same payment, less a higher fee; undefined when there is change to pay with, or the payment
 * would be dust, or the rate is hardly higher.
 */
export function dearer(
  { draft, order }: { readonly draft: PayoutDraft; readonly order: PayoutOrder },
  satPerVbyte: number,
  most: { readonly vbytes: number; readonly fee: Sat },
): PayoutDraft | undefined {
  const { transaction, payment, change } = read(draft.psbt, order)
  if (change !== undefined || satPerVbyte < draft.satPerVbyte + LEAST_RAISE_SAT_PER_VBYTE) return undefined
  const raise = BigInt((satPerVbyte - draft.satPerVbyte) * most.vbytes)
  const fee = sat(draft.fee + raise)
  const rest = arriving(order, fee)
  if (rest === undefined || fee > most.fee) return undefined
  return { psbt: withValues(draft.psbt, transaction, new Map([[payment, rest as bigint]])), fee, satPerVbyte }
}

/**
 * Those of lnd's transactions that pay a payout, the dearest last; undefined when none does. What can never be lnd has
 * dropped, so all of them spend the same coins; if they do not, those that spend what the deepest one spends.
 */
export function versionsOf(found: readonly LabelledTransaction[], order: PayoutOrder): PayoutVersions | undefined {
  const [deepest, ...others] = found
    .toSorted((a, b) => b.confirmations - a.confirmations)
    .map((transaction) => versionOf(transaction, order))
    .filter((version) => version !== undefined)
  if (deepest === undefined) return undefined
  const coins = inputsOf(deepest.raw).toSorted().join()
  const rivals = others.filter(({ raw }) => inputsOf(raw).toSorted().join() === coins)
  const [first = deepest, ...rest] = [deepest, ...rivals].toSorted((a, b) => Number(a.fee - b.fee))
  return [first, ...rest]
}

/** What a signed transaction pays for a payout; undefined when nothing in it arrives at its address. */
function versionOf(
  { txid, raw }: { readonly txid: string; readonly raw: string },
  { address: to, amount }: PayoutOrder,
): PayoutVersion | undefined {
  const transaction = Transaction.fromHex(raw)
  const script = Buffer.from(scriptOf(to))
  const payment = transaction.outs.find((output) => script.equals(Buffer.from(output.script)))
  if (payment === undefined || payment.value > amount) return undefined
  const fee = sat(amount - payment.value)
  return { txid, raw, fee, satPerVbyte: Math.floor(Number(fee) / transaction.virtualSize()) }
}

/** Of an unsigned transaction whose inputs are all SegWit: final. Block-explorer byte order. */
export function txidOf(psbt: string): string {
  return unsigned(psbt).getId()
}

/** Where the payment stands in its transaction. */
export function paymentIndex(psbt: string, order: PayoutOrder): number {
  return read(psbt, order).payment
}

function unsigned(psbt: string): Transaction {
  return Transaction.fromBuffer(Psbt.fromBase64(psbt).data.globalMap.unsignedTx.toBuffer())
}

type Read = {
  readonly transaction: Transaction
  readonly payment: number
  readonly change: { readonly index: number; readonly value: bigint } | undefined
  readonly fee: Sat
}

function read(psbt: string, order: PayoutOrder): Read {
  const transaction = unsigned(psbt)
  const script = Buffer.from(scriptOf(order.address))
  const isPayment = (output: { readonly script: Uint8Array }) => script.equals(Buffer.from(output.script))
  const payment = transaction.outs.findIndex(isPayment)
  const others = transaction.outs.map(({ value }, index) => ({ index, value })).filter(({ index }) => index !== payment)
  if (payment < 0 || others.length > 1)
    throw new Error(
      `lnd made ${transaction.outs.length} outputs for payout ${order.id}, none or too many beside its own`,
    )
  const spent = Psbt.fromBase64(psbt).data.inputs.reduce((sum, input) => sum + (input.witnessUtxo?.value ?? 0n), 0n)
  const made = transaction.outs.reduce((sum, { value }) => sum + value, 0n)
  if (spent < made) throw new Error(`lnd does not say what coins payout ${order.id} spends`)
  return { transaction, payment, change: others[0], fee: sat(spent - made) }
}

/** Only amounts change, so the transaction is as long as before: it is put where it stood. */
function withValues(psbt: string, transaction: Transaction, values: ReadonlyMap<number, bigint>): string {
  const before = Buffer.from(transaction.toBuffer())
  const bytes = Buffer.from(psbt, 'base64')
  const at = bytes.indexOf(before)
  if (at < 0) throw new Error('the PSBT does not hold its own transaction')
  const changed = transaction.clone()
  for (const [index, value] of values) {
    const output = changed.outs[index]
    if (output !== undefined) output.value = value
  }
  Buffer.from(changed.toBuffer()).copy(bytes, at)
  return bytes.toString('base64')
}
