import { createHash } from 'node:crypto'
import type { Msat } from '../../lsps/base/amount.ts'
import type { HtlcAnswer, HtlcEvent, HtlcOffer } from '../lnd/port.ts'
import { type ChannelBook, type SimChannel, unspendable } from './channels.ts'
import type { ForwardLog } from './forward-log.ts'
import type { Circuit, IncomingHtlc, Onion, OutgoingHtlc, PeerResolution, Resolution } from './htlcs.ts'
import { CLTV_REJECT_DELTA, type InterceptorHub } from './interceptor.ts'
import type { Violations } from './violations.ts'

/** lnd's default `bitcoin.timelockdelta`, in blocks. */
export const TIME_LOCK_DELTA = 80
/** An outgoing HTLC must expire later than this many blocks from now. */
const MIN_OUTGOING_BLOCKS = 3
const PPM = 1_000_000n

export type SwitchDeps = {
  readonly channels: ChannelBook
  readonly hub: InterceptorHub
  readonly violations: Violations
  readonly log: ForwardLog
  readonly height: () => number
  readonly isUp: () => boolean
  readonly emit: (event: HtlcEvent) => void
  /** An HTLC that ends at our node is there, perhaps again. */
  readonly onExit: (htlc: IncomingHtlc, total: bigint) => void
  /** Hands an HTLC to the peer at the other end of its channel. */
  readonly deliver: (htlc: OutgoingHtlc) => void
  /** A moment at which a test may kill the node: false when it did. */
  readonly point: (name: string) => boolean
}

export type IncomingAdd = {
  readonly hash: string
  readonly amount: bigint
  readonly expiry: number
  readonly onion: Onion
  readonly exit?: IncomingHtlc['exit']
  readonly onResolved: (resolution: Resolution) => void
}

export function sha256Hex(hex: string): string {
  return createHash('sha256').update(Buffer.from(hex, 'hex')).digest('hex')
}

/** lnd's switch with its circuit map: forwards, settles and fails, whatever the interceptor lets through. */
export class Switch {
  readonly #deps: SwitchDeps

  constructor(deps: SwitchDeps) {
    this.#deps = deps
  }

  /** `update_add_htlc` from a payer, locked in. */
  add(channel: SimChannel, { exit, ...add }: IncomingAdd): IncomingHtlc {
    const { amount } = add
    const index = channel.nextIncoming++
    const htlc: IncomingHtlc = { ...add, channel, index, key: `${channel.chanId}:${index}`, exit, circuit: undefined }
    channel.incoming.set(index, htlc)
    channel.remote -= amount
    if (this.#deps.point('htlc-added')) this.#intercept(htlc, false)
    return htlc
  }

  /** A link restarted: adds that are not resolved are offered again, also those that were forwarded long ago. */
  replay(channel: SimChannel): void {
    for (const htlc of [...channel.incoming.values()]) this.#intercept(htlc, true)
  }

  /** The link is up: what was not sent yet goes out, what the peer decided meanwhile arrives. */
  resume(channel: SimChannel): void {
    for (const htlc of [...channel.outgoing.values()]) {
      if (htlc.resolution !== undefined) this.#resolve(htlc, htlc.resolution)
      else if (!htlc.delivered) this.#deps.deliver(htlc)
    }
  }

  /** After a start: circuits come from the disk, packets between two writes do not. */
  load(): void {
    for (const channel of this.#deps.channels.all.values()) {
      for (const { circuit } of channel.incoming.values()) {
        if (circuit !== undefined) circuit.loaded = true
      }
    }
  }

  /** `update_fulfill_htlc` or `update_fail_htlc` of the peer; waits for the link when that is down. */
  resolve(htlc: OutgoingHtlc, resolution: PeerResolution): void {
    if (htlc.resolution !== undefined) return
    htlc.resolution = resolution
    if (this.#deps.isUp() && htlc.channel.linkUp) this.#resolve(htlc, resolution)
  }

  /** On chain, where no link is needed. */
  resolveOnChain(htlc: OutgoingHtlc, resolution: PeerResolution): void {
    this.#resolve(htlc, resolution)
  }

  failIncoming(htlc: IncomingHtlc, reason: string, by: 'lsp' | 'peer' | 'chain'): void {
    if (!htlc.channel.incoming.delete(htlc.index)) return
    this.#deps.hub.forget(htlc.key)
    const out = htlc.circuit?.outgoing
    if (out?.channel.outgoing.has(out.index) === true) {
      this.#deps.violations.add('fail-in-flight', `${htlc.key} was failed (${reason}) while its outgoing HTLC lives`)
    }
    htlc.channel.remote += htlc.amount
    htlc.onResolved({ type: 'failed', reason, by })
    this.#deps.point('htlc-failed')
  }

  /** An HTLC that ends at our node is taken, when the link is up; otherwise its link offers it again. */
  settleExit(htlc: IncomingHtlc, preimage: string): void {
    if (this.#deps.isUp() && htlc.channel.linkUp) this.claimExit(htlc, preimage)
  }

  /** On chain, where no link is needed. */
  claimExit({ channel, index, amount, onResolved }: IncomingHtlc, preimage: string): void {
    if (!channel.incoming.delete(index)) return
    channel.local += amount
    channel.received += amount
    onResolved({ type: 'settled', preimage })
    this.#deps.point('exit-settled')
  }

  failExit(htlc: IncomingHtlc, reason: string): void {
    if (this.#deps.isUp() && htlc.channel.linkUp) this.failIncoming(htlc, reason, 'lsp')
  }

  #intercept(htlc: IncomingHtlc, replayed: boolean): void {
    const { onion, channel, exit } = htlc
    if (exit !== undefined) {
      this.#deps.onExit(htlc, exit.total)
      return
    }
    const offer: HtlcOffer = {
      circuit: htlc.key,
      incomingChannel: channel.chanId,
      paymentHash: htlc.hash,
      requestedScid: onion.scid,
      amountIn: htlc.amount as Msat,
      amountOut: onion.amountOut as Msat,
      expiryIn: htlc.expiry,
      expiryOut: onion.expiryOut,
      autoFailHeight: htlc.expiry - CLTV_REJECT_DELTA,
    }
    this.#deps.hub.intercept({ offer, decide: (answer, reason) => this.#decide(htlc, answer, reason) }, replayed)
  }

  #decide(htlc: IncomingHtlc, answer: HtlcAnswer, reason = 'temporary_channel_failure'): void {
    if (!this.#deps.isUp() || !htlc.channel.incoming.has(htlc.index)) return
    switch (answer.type) {
      case 'fail':
        this.failIncoming(htlc, reason, 'lsp')
        return
      case 'resume':
        this.#forward(htlc, htlc.onion.amountOut, undefined)
        return
      case 'resume-modified': {
        // lnd reads an amount of 0 as "unset".
        const amount = answer.amountOut > 0n ? answer.amountOut : htlc.onion.amountOut
        this.#forward(htlc, amount, answer.extraFee > 0n ? answer.extraFee : undefined)
        return
      }
    }
  }

  #forward(htlc: IncomingHtlc, amountOut: bigint, extraFee: bigint | undefined): void {
    if (htlc.circuit !== undefined) {
      // The circuit map: a second answer is dropped, unless the node lost the packet between its two writes.
      const lost = htlc.circuit.loaded && htlc.circuit.outgoing === undefined
      if (lost) this.#refuse(htlc, 'temporary_channel_failure')
      return
    }
    const circuit: Circuit = { key: htlc.key, incoming: htlc, amountOut, outgoing: undefined, loaded: false }
    htlc.circuit = circuit
    if (!this.#deps.point('circuit-committed')) return
    const target = this.#deps.channels.resolve(htlc.onion.scid)
    const links = target === undefined ? [] : this.#deps.channels.ofPeer(target.peer).filter(({ linkUp }) => linkUp)
    if (links.length === 0) {
      this.#refuse(htlc, 'unknown_next_peer')
      return
    }
    let refusal = 'unknown_next_peer'
    for (const link of links) {
      const found = this.#check(htlc, link, amountOut)
      if (found === undefined) {
        this.#send(circuit, link, extraFee)
        return
      }
      refusal = found
    }
    this.#refuse(htlc, refusal)
  }

  /** CheckHtlcForward: undefined when this link takes it. */
  #check(htlc: IncomingHtlc, link: SimChannel, amountOut: bigint): string | undefined {
    const { baseMsat, ppm, minHtlcMsat } = link.linkPolicy ?? link.policy
    const { expiryOut } = htlc.onion
    if (amountOut < minHtlcMsat) return 'amount_below_minimum'
    if (htlc.amount < amountOut + baseMsat + (amountOut * ppm) / PPM) return 'fee_insufficient'
    if (htlc.expiry - expiryOut < TIME_LOCK_DELTA) return 'incorrect_cltv_expiry'
    if (expiryOut <= this.#deps.height() + MIN_OUTGOING_BLOCKS) return 'expiry_too_soon'
    if (amountOut + unspendable(link) > link.local) return 'temporary_channel_failure'
    return undefined
  }

  #send(circuit: Circuit, link: SimChannel, extraFee: bigint | undefined): void {
    const { incoming, amountOut } = circuit
    const index = link.nextOutgoing++
    const htlc: OutgoingHtlc = {
      channel: link,
      index,
      hash: incoming.hash,
      amount: amountOut,
      extraFee,
      finalAmount: incoming.onion.finalAmount,
      expiry: incoming.onion.expiryOut,
      circuit,
      delivered: false,
      resolution: undefined,
    }
    link.outgoing.set(index, htlc)
    link.local -= amountOut
    circuit.outgoing = { channel: link, index }
    const amountIn = incoming.amount as Msat
    this.#deps.emit({ type: 'forwarded', circuit: circuit.key, amountIn, amountOut: amountOut as Msat })
    if (this.#deps.point('forwarded')) this.#deps.deliver(htlc)
  }

  #refuse(htlc: IncomingHtlc, reason: string): void {
    htlc.circuit = undefined
    this.#deps.emit({ type: 'failed', circuit: htlc.key, reason })
    this.failIncoming(htlc, reason, 'lsp')
  }

  #resolve(htlc: OutgoingHtlc, resolution: PeerResolution): void {
    const { channel, circuit, amount } = htlc
    const { incoming } = circuit
    if (resolution.type === 'settle' && sha256Hex(resolution.preimage) !== htlc.hash) return
    if (!channel.outgoing.delete(htlc.index)) return
    if (resolution.type === 'fail') {
      channel.local += amount
      this.#deps.emit({ type: 'failed', circuit: circuit.key, reason: resolution.reason })
      this.failIncoming(incoming, resolution.reason, 'peer')
      return
    }
    channel.remote += amount
    channel.sent += amount
    const settled = incoming.channel.incoming.delete(incoming.index)
    if (settled) {
      incoming.channel.local += incoming.amount
      incoming.channel.received += incoming.amount
    } else this.#deps.violations.add('money-lost', `${circuit.key}: paid out ${amount} msat, received nothing`)
    this.#deps.log.add(htlc, settled)
    this.#deps.emit({ type: 'settled', circuit: circuit.key })
    if (settled) incoming.onResolved({ type: 'settled', preimage: resolution.preimage })
    this.#deps.point('settled')
  }
}
