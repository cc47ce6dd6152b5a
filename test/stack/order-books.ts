import { address, networks, Transaction } from 'bitcoinjs-lib'
import { expect } from 'vitest'
import type { MoneyEvent } from '../../src/journal/journal.ts'
import { readMoney } from './books.ts'
import type { Btcd } from './btcd.ts'
import type { Lnd } from './lnd.ts'
import type { Network } from './network.ts'
import { invoiceOf, type Payable } from './ordering.ts'
import { decodeInvoice } from './payments.ts'
import type { Sluiced } from './sluiced.ts'
import { leases } from './sold.ts'
import { within } from './wait.ts'

const MSAT_PER_SAT = 1000n
const SETTLED_MS = 60_000

type Entry<Type extends MoneyEvent['type']> = Extract<MoneyEvent, { type: Type }>
type LndInvoice = { readonly state: string; readonly amt_paid_msat: string; readonly r_hash: Buffer }

/** All that lnd's wallet has, in sat; what is locked counts, what is in a channel does not. */
export async function walletSat(node: Lnd): Promise<bigint> {
  const { total_balance } = await node.call<{ total_balance: string }>('default', 'walletBalance')
  return BigInt(total_balance)
}

/** A transaction in the mempool or the chain. */
export async function readTransaction(btcd: Btcd, txid: string): Promise<Transaction> {
  const found = await btcd.transaction(txid)
  if (found === undefined) throw new Error(`btcd knows no transaction ${txid}`)
  return Transaction.fromHex(found.hex)
}

/** What miners get of a transaction, in sat, by the outputs that it spends. */
export async function chainFeeOf(btcd: Btcd, txid: string): Promise<bigint> {
  const { ins, outs } = await readTransaction(btcd, txid)
  let fee = -outs.reduce((sum, { value }) => sum + value, 0n)
  for (const { hash, index } of ins) {
    const spent = await readTransaction(btcd, Buffer.from(hash).reverse().toString('hex'))
    fee += spent.outs[index]?.value ?? 0n
  }
  return fee
}

/** What the outputs of a transaction pay to an address, in sat. */
export async function paidTo(btcd: Btcd, txid: string, to: string): Promise<readonly bigint[]> {
  const script = Buffer.from(address.toOutputScript(to, networks.regtest))
  const { outs } = await readTransaction(btcd, txid)
  return outs.filter((output) => script.equals(Buffer.from(output.script))).map(({ value }) => value)
}

/** What lnd says of the hold invoice of an order. */
export async function lndInvoice({ lsp, payer }: Network, order: Payable): Promise<LndInvoiceNow> {
  const { payment_hash } = await decodeInvoice(payer, invoiceOf(order))
  return lsp.call<LndInvoiceNow>('default', 'lookupInvoice', { r_hash_str: payment_hash })
}

type LndInvoiceNow = LndInvoice & { readonly htlcs: readonly { readonly state: string }[] }

/**
 * The transactions in the mempool at the moment at which the LSP's lnd says that the invoice of an order is settled.
 * Call it before the invoice is paid; no block is to be mined meanwhile.
 */
export async function mempoolWhenSettled(network: Network, order: Payable): Promise<readonly string[]> {
  const { lsp, payer, btcd } = network
  const { payment_hash } = await decodeInvoice(payer, invoiceOf(order))
  const stream = lsp.rpc.invoices.subscribeSingleInvoice({ r_hash: Buffer.from(payment_hash, 'hex') })
  const seen = new Promise<readonly string[]>((resolve, reject) => {
    stream.on('data', ({ state }: LndInvoice) => {
      if (state === 'SETTLED') btcd.mempool().then(resolve, reject)
      if (state === 'CANCELED') reject(new Error(`invoice ${payment_hash} was cancelled`))
    })
    stream.on('error', reject)
  })
  try {
    return await within(seen, { deadline: SETTLED_MS, what: `invoice ${payment_hash} to be settled` })
  } finally {
    stream.on('error', () => undefined)
    stream.cancel()
  }
}

/**
 * Holds the money journal against lnd and the chain, to the satoshi: what Lightning brought are the invoices that lnd
 * settled, each deposit and refund is an output, and what lnd's wallet has more or less than before is what came, went
 * back and stands in channels. Everything has to be in a block, and sluiced stopped. The entries of orders.
 */
export async function expectBooksAgree(
  network: Network,
  sluiced: Sluiced,
  walletBefore: bigint,
): Promise<readonly MoneyEvent[]> {
  const { lsp, btcd } = network
  const entries = await readMoney(sluiced)
  const of = <Type extends MoneyEvent['type']>(type: Type) =>
    entries.filter((entry): entry is Entry<Type> => entry.type === type)
  const fees = of('order-fee')
  for (const fee of fees) expect(fee.earned + fee.pushed * MSAT_PER_SAT).toBe(fee.received)
  expect(of('order-loss')).toEqual([])

  const { invoices } = await lsp.call<{ invoices: LndInvoice[] }>('default', 'listInvoices', {
    num_max_invoices: '10000',
  })
  expect(invoices.filter(({ state }) => state === 'ACCEPTED')).toEqual([])
  const settled = invoices.filter(({ state }) => state === 'SETTLED')
  const byLightning = fees.filter(({ by }) => by === 'bolt11')
  expect(sorted(byLightning.map(({ paymentHash, received }) => `${paymentHash} ${received}`))).toEqual(
    sorted(settled.map(({ r_hash, amt_paid_msat }) => `${r_hash.toString('hex')} ${amt_paid_msat}`)),
  )

  const deposits = of('order-deposit')
  const refunds = of('order-refund')
  expectEachOnce([...deposits, ...of('order-dust')])
  expectEachOnce(refunds)
  for (const { outpoint, amount } of deposits) {
    const [txid = '', index] = outpoint.split(':')
    expect((await readTransaction(btcd, txid)).outs[Number(index)]?.value).toBe(amount)
  }
  for (const { txid, chainFee } of refunds) expect(await chainFeeOf(btcd, txid)).toBe(chainFee)

  const sum = (amounts: readonly bigint[]) => amounts.reduce((all, amount) => all + amount, 0n)
  const came = sum(deposits.map(({ amount }) => amount))
  const back = sum(refunds.map(({ amount }) => amount))
  const sold = sum(fees.filter(({ by }) => by === 'onchain').map(({ received }) => received / MSAT_PER_SAT))
  expect(came).toBe(sold + back + sum(of('order-dust').map(({ amount }) => amount)))
  expect(await leases(lsp)).toEqual([])
  expect((await walletSat(lsp)) - walletBefore).toBe(came - back - (await inChannels(network)))
  return entries.filter(({ type }) => type !== 'jit-fee')
}

/** What went into the channels that we sold, and to miners with it, less what came back from those that closed. Sat. */
async function inChannels({ lsp, btcd }: Network): Promise<bigint> {
  const { channels } = await lsp.call<{ channels: OpenChannel[] }>('default', 'listChannels')
  const { channels: closed } = await lsp.call<{ channels: ClosedChannel[] }>('default', 'closedChannels')
  const sold = [
    ...channels.filter(({ memo }) => memo.startsWith('sluice1:')),
    ...closed.filter(({ open_initiator }) => open_initiator === 'INITIATOR_LOCAL'),
  ]
  let sum = sold.reduce((all, { capacity }) => all + BigInt(capacity), 0n)
  for (const txid of new Set(sold.map(({ channel_point }) => channel_point.split(':')[0] ?? ''))) {
    sum += await chainFeeOf(btcd, txid)
  }
  return closed.reduce((all, { settled_balance }) => all - BigInt(settled_balance), sum)
}

type OpenChannel = { readonly channel_point: string; readonly capacity: string; readonly memo: string }
type ClosedChannel = Omit<OpenChannel, 'memo'> & { readonly settled_balance: string; readonly open_initiator: string }

function expectEachOnce(entries: readonly { readonly type: string; readonly outpoint: string }[]): void {
  const names = entries.map(({ type, outpoint }) => `${type} ${outpoint}`)
  expect(names).toEqual([...new Set(names)])
}

function sorted(texts: readonly string[]): readonly string[] {
  return texts.toSorted()
}
