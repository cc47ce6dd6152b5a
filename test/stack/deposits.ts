import { address, networks, Psbt, Transaction } from 'bitcoinjs-lib'
import { NOBODY } from './btcd.ts'
import type { Network } from './network.ts'

const NETWORK = networks.regtest
const SAT_PER_VBYTE = 3
/** lnd signs for what a PSBT says, and takes nothing said for 0. */
const SIGHASH_ALL = 1
/** BIP 125: says that it may be replaced. */
const REPLACEABLE_SEQUENCE = 0xfffffffd
/** How much more a replacement pays to miners, in satoshi. */
const REPLACEMENT_FEE = 5_000n

type Payment = { readonly address: string; readonly amount: bigint }

/** Payments to addresses from the payer's wallet, which nothing but btcd has to do with: they can be replaced. */
export class Deposits {
  readonly #network: Network
  readonly #made = new Map<string, Psbt>()

  constructor(network: Network) {
    this.#network = network
  }

  /** In the mempool when it returns; the outpoint. */
  async pay(payment: Payment): Promise<string> {
    const { funded_psbt } = await this.#network.payer.call<{ funded_psbt: Buffer }>('wallet', 'fundPsbt', {
      raw: { outputs: { [payment.address]: String(payment.amount) } },
      sat_per_vbyte: String(SAT_PER_VBYTE),
      min_confs: 1,
    })
    const psbt = Psbt.fromBuffer(Uint8Array.from(funded_psbt), { network: NETWORK })
    for (const index of psbt.txInputs.keys()) psbt.setInputSequence(index, REPLACEABLE_SEQUENCE)
    return this.#publish(psbt, payment)
  }

  /** Another transaction of the same coins: nobody is paid, or `to`. Its outpoint. */
  async replace(deposit: string, to: Payment = { address: NOBODY, amount: 1_000n }): Promise<string> {
    const before = this.#made.get(deposit)
    if (before === undefined) throw new Error(`${deposit} is no deposit of this network`)
    const psbt = new Psbt({ network: NETWORK })
    let paid = 0n
    for (const [at, { hash, index }] of before.txInputs.entries()) {
      const { witnessUtxo } = before.data.inputs[at] ?? {}
      if (witnessUtxo === undefined) throw new Error(`lnd funded ${deposit} with an output that it does not show`)
      psbt.addInput({ hash, index, sequence: REPLACEABLE_SEQUENCE, witnessUtxo, sighashType: SIGHASH_ALL })
      paid += witnessUtxo.value
    }
    const change = before.txOutputs.find((_, at) => at !== Number(deposit.split(':')[1]))
    if (change === undefined) throw new Error(`${deposit} has no change that could pay for a replacement`)
    psbt.addOutput({ address: to.address, value: to.amount })
    psbt.addOutput({ script: change.script, value: paid - to.amount - REPLACEMENT_FEE })
    return this.#publish(psbt, to)
  }

  async #publish(psbt: Psbt, payment: Payment): Promise<string> {
    const { payer, btcd } = this.#network
    const funded_psbt = Buffer.from(psbt.toBuffer())
    const { raw_final_tx } = await payer.call<{ raw_final_tx: Buffer }>('wallet', 'finalizePsbt', { funded_psbt })
    const raw = raw_final_tx.toString('hex')
    const script = Buffer.from(address.toOutputScript(payment.address, NETWORK)).toString('hex')
    const transaction = Transaction.fromHex(raw)
    const index = transaction.outs.findIndex((output) => Buffer.from(output.script).toString('hex') === script)
    await btcd.call('sendrawtransaction', raw)
    const outpoint = `${transaction.getId()}:${index}`
    this.#made.set(outpoint, psbt)
    return outpoint
  }
}
