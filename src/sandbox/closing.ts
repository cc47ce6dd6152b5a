import type { NodeId } from '../../lsps/base/node-id.ts'
import type { ChannelEvent } from '../lnd/port.ts'
import type { Chain, ChainTx } from './chain.ts'
import type { ChannelBook, SimChannel } from './channels.ts'
import { refuse } from './failures.ts'
import type { OutgoingHtlc } from './htlcs.ts'
import { spendTx, type TxOutput, witnessScript } from './psbt.ts'
import type { SeededRandom } from './random.ts'
import type { Switch } from './switch.ts'
import type { WalletCoins } from './wallet-coins.ts'

/** From the confirmation of a commitment to the failure at the payer: the timeout transaction and its depth. */
const TIMEOUT_BLOCKS = 4
const MSAT_PER_SAT = 1000n
const DUST_SAT = 330n
const P2WPKH_BYTES = 20
/** Marks a commitment; only makes the two kinds of closing transactions differ. */
const COMMITMENT_SEQUENCE = 0x80000000
const FINAL_SEQUENCE = 0xffffffff
/** Rough fee of a closing transaction, in satoshi. */
const CLOSE_FEE_SAT = 500n
const ANCHOR_SAT = 330n

export type ClosingDeps = {
  readonly chain: Chain
  readonly channels: ChannelBook
  readonly coins: WalletCoins
  readonly random: SeededRandom
  readonly switchboard: () => Switch
  readonly emit: (event: ChannelEvent) => void
  readonly disconnect: (peer: NodeId) => void
  /** The preimage that the peer would use on chain; undefined when it has none. */
  readonly peerPreimage: (htlc: OutgoingHtlc) => string | undefined
}

/** Cooperative and forced closes, and what the chain does to HTLCs (funding.md, Broadcast, abandon, close). */
export class Closing {
  readonly #deps: ClosingDeps

  constructor(deps: ClosingDeps) {
    this.#deps = deps
  }

  /**
   * Either side closes: the transaction is built now, and gets into the mempool only if the funding is known there;
   * otherwise the close is refused with the mempool's words, and stands all the same (funding.md).
   */
  close(channel: SimChannel, force: boolean, by: 'local' | 'remote' = 'remote'): void {
    if (channel.state !== 'open') refuse('channel is not open')
    const htlcs = channel.outgoing.size + channel.incoming.size
    if (!force && htlcs > 0) refuse(`cannot coop close channel with active htlcs (number of active htlcs: ${htlcs})`)
    const outputs = force ? this.#commitment(channel) : this.#agreedOutputs(channel)
    channel.closingTx = spendTx(channel.outpoint, outputs, force ? COMMITMENT_SEQUENCE : FINAL_SEQUENCE)
    channel.state = 'closing'
    channel.closeType = force ? `${by}_force` : 'cooperative'
    channel.closedBy = by
    channel.linkUp = false
    this.#deps.emit({ type: 'inactive', outpoint: channel.outpoint })
    this.rebroadcast(channel)
  }

  /** lnd's own call: a cooperative close needs the peer, and one that no mempool takes disconnects it. */
  closeByNode(channel: SimChannel, how: 'cooperative' | 'force'): void {
    if (how === 'cooperative' && channel.state === 'open' && !channel.linkUp) {
      refuse(
        'unable to gracefully close channel while peer is offline (try force closing it instead): channel link not found',
      )
    }
    this.close(channel, how === 'force', 'local')
    if (how === 'force' || this.#deps.chain.exists(channel.outpoint)) return
    this.#deps.disconnect(channel.peer)
    refuse('unable to process close msg: transaction rejected: output already spent')
  }

  /** The node forgets the channel; the peer is not told. */
  abandon(channel: SimChannel): void {
    channel.state = 'closed'
    channel.closeType = 'abandoned'
    channel.linkUp = false
    this.#deps.emit({ type: 'closed', outpoint: channel.outpoint })
  }

  #agreedOutputs({ local, remote }: SimChannel): readonly TxOutput[] {
    return this.#outputs([local / MSAT_PER_SAT - CLOSE_FEE_SAT, remote / MSAT_PER_SAT]).filter(
      ({ value }) => value >= DUST_SAT,
    )
  }

  /** Both balances, an anchor for each side that has something in it, one output for each payment. */
  #commitment({ local, remote, outgoing, incoming }: SimChannel): readonly TxOutput[] {
    const htlcs = [...outgoing.values(), ...incoming.values()].map(({ amount }) => amount / MSAT_PER_SAT)
    const theirs = remote / MSAT_PER_SAT
    const anchors = theirs >= DUST_SAT || htlcs.length > 0 ? [ANCHOR_SAT, ANCHOR_SAT] : [ANCHOR_SAT]
    const ours = local / MSAT_PER_SAT - CLOSE_FEE_SAT - 2n * ANCHOR_SAT
    return this.#outputs([ours, theirs, ...htlcs, ...anchors]).filter(({ value }) => value >= DUST_SAT)
  }

  /** The first is the node's. */
  #outputs([ours, ...others]: readonly bigint[]): readonly TxOutput[] {
    const { coins, random } = this.#deps
    return [
      { script: coins.newScript(), value: ours ?? 0n },
      ...others.map((value) => ({ script: witnessScript(random.bytes(P2WPKH_BYTES)), value })),
    ]
  }

  /** lnd does this once at the close and at each start; refused while the funding is unknown to the chain. */
  rebroadcast(channel: SimChannel): void {
    const { chain } = this.#deps
    if (channel.closingTx !== undefined && chain.exists(channel.outpoint)) chain.publish(channel.closingTx)
  }

  onBlock(height: number, confirmed: readonly ChainTx[]): void {
    for (const channel of this.#deps.channels.all.values()) {
      if (channel.state === 'open' && this.#mustForceClose(channel, height)) this.close(channel, true, 'local')
      if (channel.state !== 'closing') continue
      const spender = confirmed.some((tx) => tx.inputs.includes(channel.outpoint))
      if (spender) channel.closedAt = height
      if (channel.closedAt !== undefined) this.#resolve(channel, channel.closedAt, height)
    }
  }

  #mustForceClose(channel: SimChannel, height: number): boolean {
    // Also when the peer has decided: while the link is down the node does not know.
    return [...channel.outgoing.values()].some((htlc) => height >= htlc.expiry)
  }

  /** The commitment is in the chain: the peer claims what it can, the rest times out. */
  #resolve(channel: SimChannel, closedAt: number, height: number): void {
    const switchboard = this.#deps.switchboard()
    for (const htlc of [...channel.outgoing.values()]) {
      const preimage = this.#deps.peerPreimage(htlc)
      if (preimage !== undefined) switchboard.resolveOnChain(htlc, { type: 'settle', preimage })
      else if (height >= Math.max(closedAt, htlc.expiry) + TIMEOUT_BLOCKS - 1) {
        switchboard.resolveOnChain(htlc, { type: 'fail', reason: 'permanent_channel_failure' })
      }
    }
    if (channel.outgoing.size > 0) return
    channel.state = 'closed'
    this.#deps.emit({ type: 'closed', outpoint: channel.outpoint })
  }
}
