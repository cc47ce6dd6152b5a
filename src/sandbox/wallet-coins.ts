import type { Sat } from '../../lsps/base/amount.ts'
import type { Clock } from '../../lsps/base/clock.ts'
import type { BumpRequest, FundPsbtRequest, Lease, Outpoint, Payment, Spend } from '../lnd/port.ts'
import type { Chain, ChainTx } from './chain.ts'
import { refuse } from './failures.ts'
import {
  addressOf,
  fundedPsbt,
  hexOf,
  outpointOf,
  readPsbt,
  readTemplate,
  scriptOf,
  signPsbt,
  spendTx,
  type TxOutput,
  vbytes,
  witnessScript,
} from './psbt.ts'
import type { SeededRandom } from './random.ts'

const DUST_SAT = 330n
const COIN_SCRIPT_BYTES = 20
/** A child that pays for its parent may be replaced. */
const REPLACEABLE_SEQUENCE = 0xfffffffd

type Coin = {
  readonly outpoint: Outpoint
  readonly value: bigint
  readonly script: Uint8Array
  /** Undefined while its transaction is in the mempool. */
  height: number | undefined
  lease: { readonly id: string; readonly until: number } | undefined
  leaseVisible: boolean
}

export type SimCoin = { readonly outpoint: Outpoint; readonly value: bigint; readonly confirmations: number }

function outputOf({ address, amount }: Payment): TxOutput {
  return { script: scriptOf(address), value: amount }
}

/** The node's on-chain wallet: p2wpkh coins, leases with their expiry, coin selection that takes the largest first. */
export class WalletCoins {
  readonly #coins = new Map<Outpoint, Coin>()
  /** Scripts that belong to the wallet, by hex; known for ever, as in a real one. */
  readonly #scripts = new Set<string>()
  /** Inputs of every transaction that was ever funded, by txid. */
  readonly #funded = new Map<string, readonly Outpoint[]>()
  /** Coins that the wallet forgot because their spend was mined. */
  readonly #spent = new Map<Outpoint, Coin>()
  /** Fees of the wallet's own sweeps, by txid. */
  readonly #fees = new Map<string, bigint>()
  readonly #chain: Chain
  readonly #clock: Clock
  readonly #random: SeededRandom

  constructor(chain: Chain, clock: Clock, random: SeededRandom) {
    this.#chain = chain
    this.#clock = clock
    this.#random = random
    chain.onTransaction((tx) => this.#onTransaction(tx))
    chain.onBlock((height, confirmed) => this.#onBlock(height, confirmed))
    chain.onUndone((tx, known) => this.#onUndone(tx, known))
  }

  /** A confirmed coin from nowhere. */
  grant(value: bigint): Outpoint {
    const outpoint = outpointOf(this.#random.hex(32), this.#random.below(3))
    this.#chain.grant(outpoint)
    this.#add(outpoint, value, this.newScript(), this.#chain.height)
    return outpoint
  }

  /** An output with this script is the wallet's. */
  owns(script: Uint8Array): boolean {
    return this.#scripts.has(hexOf(script))
  }

  /** Is, or was, a coin of the wallet. */
  had(outpoint: Outpoint): boolean {
    return this.#coins.has(outpoint) || this.#spent.has(outpoint)
  }

  forget(outpoint: Outpoint): void {
    this.#coins.delete(outpoint)
  }

  newScript(): Uint8Array {
    const script = witnessScript(this.#random.bytes(COIN_SCRIPT_BYTES))
    this.#scripts.add(hexOf(script))
    return script
  }

  /** What a call returns beside its result: makes the change visible to list calls. */
  fund(request: FundPsbtRequest): { readonly psbt: string; readonly show: () => void } {
    const wanted = 'template' in request ? readTemplate(request.template) : request.outputs.map(outputOf)
    const named = 'template' in request ? [] : (request.inputs ?? [])
    const target = wanted.reduce((sum, output) => sum + output.value, 0n)
    const picked: Coin[] = []
    let total = 0n
    const feeFor = (outputs: number) => BigInt(vbytes(picked.length, outputs) * request.satPerVbyte)
    for (const coin of this.#eligible(named, request.minConfs)) {
      picked.push(coin)
      total += coin.value
      if (named.length === 0 && total >= target + feeFor(wanted.length + 1)) break
    }
    if (picked.length === 0 || total < target + feeFor(wanted.length)) {
      refuse('insufficient funds available to construct transaction')
    }
    const change = total - target - feeFor(wanted.length + 1)
    const outputs = [...wanted]
    // lnd puts the change at a random place: whoever assumes an index is wrong half of the time.
    if (change >= DUST_SAT) {
      outputs.splice(this.#random.below(outputs.length + 1), 0, { script: this.newScript(), value: change })
    }
    const until = this.#clock.now() + request.lockSeconds * 1000
    for (const coin of picked) {
      coin.lease = { id: request.lockId, until }
      coin.leaseVisible = false
    }
    const show = () => {
      for (const coin of picked) coin.leaseVisible = true
    }
    const psbt = fundedPsbt(picked, outputs)
    const { txid, inputs } = readPsbt(psbt)
    this.#funded.set(txid, inputs)
    return { psbt, show }
  }

  /** The inputs of a transaction that `fund` built. */
  inputsOf(txid: string): readonly Outpoint[] {
    return this.#funded.get(txid) ?? []
  }

  /** Signs inputs that are the wallet's, whether or not their lease still stands. */
  finalize(psbt: string): string {
    for (const outpoint of readPsbt(psbt).inputs) {
      if (!this.#coins.has(outpoint) && this.#chain.spender(outpoint) === undefined) {
        refuse(`error finalizing PSBT: input ${outpoint} does not belong to this wallet`)
      }
    }
    return signPsbt(psbt)
  }

  leases(): readonly Lease[] {
    const leases: Lease[] = []
    for (const coin of this.#coins.values()) {
      const lease = this.#liveLease(coin)
      if (lease !== undefined && coin.leaseVisible) leases.push({ id: lease.id, outpoint: coin.outpoint })
    }
    return leases
  }

  lease({ id, outpoint, seconds }: Lease & { readonly seconds: number }): void {
    const coin = this.#coins.get(outpoint) ?? refuse('unknown output')
    const held = this.#liveLease(coin)
    if (held !== undefined && held.id !== id) refuse('output already locked')
    coin.lease = { id, until: this.#clock.now() + seconds * 1000 }
    coin.leaseVisible = true
  }

  /** Again, or of a coin that is gone, is fine. */
  release({ id, outpoint }: Lease): void {
    const coin = this.#coins.get(outpoint)
    const held = coin === undefined ? undefined : this.#liveLease(coin)
    if (coin === undefined || held === undefined) return
    if (held.id !== id) refuse('output unlock not alowed')
    coin.lease = undefined
  }

  /** CPFP: spends an unconfirmed coin to the wallet itself; again replaces that child. */
  bump({ outpoint, satPerVbyte, budget }: BumpRequest): void {
    const coin = this.#coins.get(outpoint) ?? refuse('the passed output does not belong to the wallet')
    if (coin.height !== undefined) refuse('unable to bump fee of a confirmed transaction')
    const wanted = BigInt(vbytes(1, 1) * satPerVbyte)
    const fee = wanted < budget ? wanted : budget
    const output = { script: this.newScript(), value: coin.value - fee }
    const child = this.#chain.replace(spendTx(outpoint, [output], REPLACEABLE_SEQUENCE))
    this.#fees.set(child.txid, fee)
  }

  /** Which transactions spend these outputs, as far as they were ever coins of the wallet. */
  spends(outpoints: readonly Outpoint[]): readonly Spend[] {
    return outpoints.flatMap((outpoint) => {
      const spender = this.#chain.spender(outpoint)
      if (spender === undefined || !this.had(outpoint)) return []
      const { txid } = spender
      const confirmations = this.#chain.confirmations(txid) ?? 0
      return [{ outpoint, txid, confirmations, fee: (this.#fees.get(txid) ?? 0n) as Sat }]
    })
  }

  /** Not locked, in the order in which the wallet would take them. */
  unspent(minConfs: number): readonly SimCoin[] {
    return this.#spendable(minConfs).map(({ outpoint, value, height }) => ({
      outpoint,
      value,
      confirmations: this.#confirmations(height),
    }))
  }

  newAddress(): string {
    return addressOf(this.newScript())
  }

  /** Confirmed and not locked, in satoshi. */
  balance(): bigint {
    return this.#spendable(1).reduce((sum, coin) => sum + coin.value, 0n)
  }

  /** Named inputs are spent as they are, or not at all. */
  #eligible(named: readonly Outpoint[], minConfs: number): readonly Coin[] {
    const free = this.#spendable(minConfs)
    if (named.length === 0) return free
    return named.map((outpoint, index) => {
      const coin = free.find((candidate) => candidate.outpoint === outpoint)
      return coin ?? refuse(`input ${index} not found in list of non-locked UTXO`)
    })
  }

  #confirmations(height: number | undefined): number {
    return height === undefined ? 0 : this.#chain.height - height + 1
  }

  #spendable(minConfs: number): Coin[] {
    const free = [...this.#coins.values()].filter((coin) => {
      const confs = this.#confirmations(coin.height)
      return (
        confs >= minConfs && this.#liveLease(coin) === undefined && this.#chain.spender(coin.outpoint) === undefined
      )
    })
    return free.sort((a, b) => (a.value === b.value ? 0 : a.value > b.value ? -1 : 1))
  }

  #liveLease(coin: Coin): Coin['lease'] {
    return coin.lease !== undefined && coin.lease.until > this.#clock.now() ? coin.lease : undefined
  }

  #add(outpoint: Outpoint, value: bigint, script: Uint8Array, height: number | undefined): void {
    this.#coins.set(outpoint, { outpoint, value, script, height, lease: undefined, leaseVisible: false })
  }

  #onTransaction(tx: ChainTx): void {
    for (const [index, output] of tx.outputs.entries()) {
      if (!this.owns(output.script)) continue
      this.#add(outpointOf(tx.txid, index), output.value, output.script, undefined)
    }
  }

  /** A lease stays until its coin's spend is mined: then the wallet forgets the coin. */
  #onBlock(height: number, confirmed: readonly ChainTx[]): void {
    for (const tx of confirmed) {
      for (const outpoint of this.#chain.outpoints(tx)) {
        const coin = this.#coins.get(outpoint)
        if (coin !== undefined) coin.height = height
      }
      for (const outpoint of tx.inputs) {
        const coin = this.#coins.get(outpoint)
        if (coin !== undefined) this.#spent.set(outpoint, coin)
        this.#coins.delete(outpoint)
      }
    }
  }

  /** What a block spent is there again; what it made is unconfirmed, or gone with its transaction. */
  #onUndone(tx: ChainTx, known: boolean): void {
    // What somebody else paid stays in the wallet, whatever became of it, until `forget`.
    const ours = tx.inputs.some((outpoint) => this.had(outpoint))
    for (const outpoint of tx.inputs) {
      const coin = this.#spent.get(outpoint)
      if (coin !== undefined) this.#coins.set(outpoint, coin)
      this.#spent.delete(outpoint)
    }
    for (const outpoint of this.#chain.outpoints(tx)) {
      const coin = this.#coins.get(outpoint)
      if (coin !== undefined) coin.height = undefined
      if (!known && ours) this.#coins.delete(outpoint)
    }
  }
}
