import { refusedWith, SidecarError } from '../kernel/errors.ts'
import type { Connection } from './connect.ts'
import { toCoin, toLease, toRawOutpoint, toReceipts, toSat, toSatPerVbyte, toSpends } from './convert.ts'
import { listen } from './listen.ts'
import type { FundPsbtRequest, LndPort, OnEvent } from './port.ts'

type WalletCalls = Pick<
  LndPort,
  | 'fundPsbt'
  | 'finalizePsbt'
  | 'publishTransaction'
  | 'confirmations'
  | 'bumpFee'
  | 'spends'
  | 'labelled'
  | 'rawTransaction'
  | 'listLeases'
  | 'leaseOutput'
  | 'releaseOutput'
  | 'walletBalance'
  | 'listUnspent'
  | 'anchorReserve'
  | 'newAddress'
  | 'receipts'
  | 'estimateFeerate'
  | 'subscribeTransactions'
  | 'subscribeBlocks'
>

/** The words of btcd and of Bitcoin Core for a transaction that is where it should be. */
const PUBLISHED_ALREADY =
  /already (in|have|known|confirmed|exists)|already in utxo set|txn-already|duplicate transaction/i
/** lnd's words for an output that was spent meanwhile: nothing is left to release. */
const SPENT_OUTPUT = /unknown output/i
/** lnd's words for a transaction that its wallet never saw. */
const UNKNOWN_TRANSACTION = /can ?not find|not found/i

/** lnd's height of what is in no block. */
const TO_MEMPOOL = -1
const WHOLE_WALLET = { start_height: 0, end_height: TO_MEMPOOL }

export function walletCalls(lnd: Connection): WalletCalls {
  return {
    fundPsbt: async (wanted, signal) => {
      const { satPerVbyte, lockId, lockSeconds, minConfs } = wanted
      const request = {
        ...toTemplate(wanted),
        sat_per_vbyte: `${satPerVbyte}`,
        // lnd takes the least as "not said" unless it is told (funding.md, Coins).
        ...(minConfs === 0 ? { min_confs: 0, spend_unconfirmed: true } : { min_confs: minConfs }),
        custom_lock_id: Buffer.from(lockId, 'hex'),
        lock_expiration_seconds: `${lockSeconds}`,
      }
      const { funded_psbt } = await lnd.unary('fundPsbt', request, signal)
      return funded_psbt.toString('base64')
    },

    finalizePsbt: async (psbt, signal) => {
      const { raw_final_tx } = await lnd.unary('finalizePsbt', { funded_psbt: Buffer.from(psbt, 'base64') }, signal)
      return raw_final_tx.toString('hex')
    },

    publishTransaction: async ({ raw, label }, signal) => {
      try {
        const request = { tx_hex: Buffer.from(raw, 'hex'), label }
        const { publish_error } = await lnd.unary('publishTransaction', request, signal)
        if (publish_error !== '') {
          throw new SidecarError({ code: 'LND_REFUSED', call: 'publishTransaction', detail: publish_error })
        }
      } catch (error) {
        if (!refusedWith(error, PUBLISHED_ALREADY)) throw error
      }
    },

    confirmations: async (txid, signal) => {
      try {
        const { num_confirmations } = await lnd.unary('getTransaction', { txid }, signal)
        return num_confirmations
      } catch (error) {
        if (refusedWith(error, UNKNOWN_TRANSACTION)) return undefined
        throw error
      }
    },

    bumpFee: async ({ outpoint, satPerVbyte, budget }, signal) => {
      // Always with a budget: lnd's own is half of what the output holds.
      const request = {
        outpoint: toRawOutpoint(outpoint),
        sat_per_vbyte: `${satPerVbyte}`,
        budget: `${budget}`,
        immediate: true,
      }
      await lnd.unary('bumpFee', request, signal)
    },

    spends: async (outpoints, signal) => {
      const wanted = new Set(outpoints)
      const { transactions } = await lnd.unary('getTransactions', WHOLE_WALLET, signal)
      return transactions.flatMap((transaction) => toSpends(transaction, wanted))
    },

    labelled: async (label, signal) => {
      const { transactions } = await lnd.unary('getTransactions', WHOLE_WALLET, signal)
      return transactions
        .filter((transaction) => transaction.label === label)
        .map(({ tx_hash: txid, raw_tx_hex: raw, num_confirmations: confirmations }) => ({ txid, raw, confirmations }))
    },

    rawTransaction: async (txid, signal) => {
      try {
        const { raw_tx_hex } = await lnd.unary('getTransaction', { txid }, signal)
        return raw_tx_hex === '' ? undefined : raw_tx_hex
      } catch (error) {
        if (refusedWith(error, UNKNOWN_TRANSACTION)) return undefined
        throw error
      }
    },

    listLeases: async (signal) => {
      const { locked_utxos } = await lnd.unary('listLeases', {}, signal)
      return locked_utxos.map(toLease)
    },

    leaseOutput: async ({ id, outpoint, seconds }, signal) => {
      const request = {
        id: Buffer.from(id, 'hex'),
        outpoint: toRawOutpoint(outpoint),
        expiration_seconds: `${seconds}`,
      }
      await lnd.unary('leaseOutput', request, signal)
    },

    releaseOutput: async ({ id, outpoint }, signal) => {
      try {
        await lnd.unary('releaseOutput', { id: Buffer.from(id, 'hex'), outpoint: toRawOutpoint(outpoint) }, signal)
      } catch (error) {
        if (!refusedWith(error, SPENT_OUTPUT)) throw error
      }
    },

    walletBalance: async (signal) => toSat((await lnd.unary('walletBalance', {}, signal)).confirmed_balance),

    listUnspent: async (minConfs, signal) => {
      const { utxos } = await lnd.unary('listUnspent', { min_confs: minConfs }, signal)
      return utxos.map(toCoin)
    },

    anchorReserve: async (signal) => toSat((await lnd.unary('walletBalance', {}, signal)).reserved_balance_anchor_chan),

    newAddress: async (signal) => (await lnd.unary('nextAddress', { type: 'WITNESS_PUBKEY_HASH' }, signal)).addr,

    receipts: async ({ sinceHeight, wanted }, signal) => {
      const request = { start_height: sinceHeight, end_height: TO_MEMPOOL }
      const { transactions } = await lnd.unary('getTransactions', request, signal)
      return transactions.flatMap((transaction) => toReceipts(transaction, wanted))
    },

    estimateFeerate: async (confTarget, signal) =>
      toSatPerVbyte((await lnd.unary('estimateFee', { conf_target: confTarget }, signal)).sat_per_kw),

    subscribeTransactions: (onEvent: OnEvent<{ readonly txid: string }>, signal) =>
      listen(lnd.stream('transactions', {}), {
        name: 'subscribeTransactions',
        onEvent: ({ tx_hash }) => onEvent({ txid: tx_hash }),
        signal,
      }),

    subscribeBlocks: (onEvent: OnEvent<number>, signal) =>
      listen(lnd.stream('blocks', {}), {
        name: 'subscribeBlocks',
        onEvent: ({ height }) => onEvent(height),
        signal,
      }),
  }
}

function toTemplate(request: FundPsbtRequest) {
  if ('template' in request) return { psbt: Buffer.from(request.template, 'base64') }
  const outputs = Object.fromEntries(request.outputs.map(({ address, amount }) => [address, `${amount}`]))
  return { raw: { outputs, inputs: (request.inputs ?? []).map(toRawOutpoint) } }
}
