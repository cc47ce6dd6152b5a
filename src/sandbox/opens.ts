import type { Sat } from '../../lsps/base/amount.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { FundingTemplate, OpenRequest, Outpoint, PendingChannelId } from '../lnd/port.ts'
import { Refusal, refuse } from './failures.ts'
import { addressOf, hexOf, outpointOf, readPsbt, templatePsbt, witnessScript } from './psbt.ts'
import type { SeededRandom } from './random.ts'

const FUNDING_PROGRAM_BYTES = 32
const MIN_CHANNEL_SAT = 20_000n

/** How a peer answers a message of the funding flow: at once, by an error message, or (so far) not at all. */
export type PeerAnswer =
  | { readonly type: 'accept' }
  | { readonly type: 'refuse'; readonly error: string }
  | { readonly type: 'hang' }

/** A reservation: in the node's memory only, without an expiry. */
export type Reservation = {
  readonly request: OpenRequest
  readonly script: Uint8Array
  state: 'asked' | 'output_known' | 'funding_tx_compiled' | 'done'
  outpoint: Outpoint | undefined
  readonly template: Deferred<FundingTemplate>
  readonly pending: Deferred<Outpoint>
}

export type Deferred<T> = {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

/** A promise whose rejection may go unheard: lnd goes on when nobody listens. */
export function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}

export type OpensDeps = {
  readonly random: SeededRandom
  readonly isOnline: (peer: NodeId) => boolean
  /** What the peer says to `open_channel` and to `funding_created` now. */
  readonly askPeer: (peer: NodeId, step: 'open' | 'sign', request: OpenRequest) => PeerAnswer
  /** The peer learns that the node gave the open up. */
  readonly tellPeer: (peer: NodeId, error: string) => void
  /** Runs later, if the node still lives then. */
  readonly later: (step: 'open' | 'sign', run: () => void) => void
  /** A moment at which a test may kill the node: false when it did. */
  readonly point: (name: string) => boolean
  readonly onSigned: (reservation: Reservation, outpoint: Outpoint) => void
}

function keyOf(peer: NodeId, id: PendingChannelId): string {
  return `${peer}/${id}`
}

/** Channel opens by PSBT shim up to `funding_signed` (funding.md): everything here dies with the node. */
export class Opens {
  /** Funding scripts of every open that ever got one: coins sent there without a channel are lost. */
  readonly fundingScripts = new Set<string>()
  /** Makes psbt_verify claim that the reserve is violated although it goes on (funding.md, Coins). */
  claimReserveViolation = false
  readonly #reservations = new Map<string, Reservation>()
  /** Keyed by the id alone, as in lnd: a second peer with the same id takes the entry over. */
  readonly #intents = new Map<PendingChannelId, Reservation>()
  readonly #deps: OpensDeps

  constructor(deps: OpensDeps) {
    this.#deps = deps
  }

  get size(): number {
    return this.#reservations.size
  }

  start(request: OpenRequest): Reservation {
    const { peer, pendingChannelId: id, push = 0n } = request
    const script = witnessScript(this.#deps.random.bytes(FUNDING_PROGRAM_BYTES))
    const reservation: Reservation = {
      request,
      script,
      state: 'asked',
      outpoint: undefined,
      template: deferred(),
      pending: deferred(),
    }
    if (push >= request.capacity) {
      refuse('amount pushed to remote peer for initial state must be below the local funding amount')
    }
    if (!this.#deps.isOnline(peer)) refuse(`peer ${peer} is not online`)
    if (request.capacity < MIN_CHANNEL_SAT) refuse('channel is too small, the minimum channel size is: 20000 SAT')
    if (this.#reservations.has(keyOf(peer, id))) refuse(`pendingChannelID(${id}) already present`)
    if (request.scidAlias && !request.private) refuse('option-scid-alias chantype for public channel')
    this.#reservations.set(keyOf(peer, id), reservation)
    this.#intents.set(id, reservation)
    if (this.#deps.point('reserved')) this.#deps.later('open', () => this.#ask(reservation))
    return reservation
  }

  verify(psbt: string, id: PendingChannelId): void {
    const reservation = this.#intents.get(id)
    if (reservation === undefined) {
      throw new Refusal(`no channel reservation found for pendingChannelID(${id})`)
    }
    if (reservation.state !== 'output_known') {
      const state = reservation.state === 'asked' ? 'init' : reservation.state
      refuse(`invalid state. got ${state} expected output_known`)
    }
    const tx = readPsbt(psbt)
    const wanted = hexOf(reservation.script)
    const matches = (output: { script: Uint8Array; value: bigint }) =>
      hexOf(output.script) === wanted && output.value === reservation.request.capacity
    const index = tx.outputs.findIndex(matches)
    if (index < 0) refuse('error verifying PSBT: funding output not found in PSBT')
    reservation.state = 'funding_tx_compiled'
    reservation.outpoint = outpointOf(tx.txid, index)
    if (this.#deps.point('verified')) this.#deps.later('sign', () => this.#sign(reservation))
    if (this.claimReserveViolation) {
      refuse(
        'reserved wallet balance invalidated: transaction would leave insufficient funds for fee bumping anchor channel closings (see debug log for details)',
      )
    }
  }

  /** `shim_cancel`: ends an open that waits for its PSBT; one that is past that goes on although the answer is "ok". */
  cancel(id: PendingChannelId): void {
    const reservation = this.#intents.get(id)
    if (reservation === undefined) throw new Refusal(`no funding intent found for pendingChannelID(${id})`)
    this.#intents.delete(id)
    if (reservation.state === 'funding_tx_compiled') return
    this.#end(reservation, 'user canceled funding')
    this.#deps.tellPeer(reservation.request.peer, 'funding failed due to internal error')
  }

  /** All that is not signed yet is gone, at both sides. */
  peerGone(peer: NodeId): void {
    for (const reservation of [...this.#reservations.values()]) {
      if (reservation.request.peer === peer) this.#end(reservation, 'peer disconnected')
    }
  }

  /** A peer that hung answers what it was asked. */
  peerWoke(peer: NodeId): void {
    for (const reservation of [...this.#reservations.values()]) {
      if (reservation.request.peer !== peer) continue
      if (reservation.state === 'asked') this.#ask(reservation)
      else if (reservation.state === 'funding_tx_compiled') this.#sign(reservation)
    }
  }

  /** The node is gone: nobody is told. Ids and peers of the opens that a peer may have signed (its ghosts). */
  clear(): readonly OpenRequest[] {
    const ghosts = [...this.#reservations.values()].filter(({ state }) => state === 'funding_tx_compiled')
    this.#reservations.clear()
    this.#intents.clear()
    return ghosts.map(({ request }) => request)
  }

  #alive(reservation: Reservation): boolean {
    const { peer, pendingChannelId } = reservation.request
    return this.#reservations.get(keyOf(peer, pendingChannelId)) === reservation
  }

  #ask(reservation: Reservation): void {
    if (!this.#alive(reservation) || reservation.state !== 'asked') return
    const { request, script } = reservation
    const answer = this.#deps.askPeer(request.peer, 'open', request)
    if (answer.type === 'hang') return
    if (answer.type === 'refuse') {
      this.#refused(reservation, answer.error)
      return
    }
    reservation.state = 'output_known'
    this.fundingScripts.add(hexOf(script))
    if (!this.#deps.point('output-known')) return
    const template = templatePsbt({ script, value: request.capacity })
    reservation.template.resolve({ template, amount: request.capacity as Sat, address: addressOf(script) })
  }

  #sign(reservation: Reservation): void {
    const { outpoint, request } = reservation
    if (!this.#alive(reservation) || outpoint === undefined || reservation.state !== 'funding_tx_compiled') return
    const answer = this.#deps.askPeer(request.peer, 'sign', request)
    if (answer.type === 'hang') return
    if (answer.type === 'refuse') {
      this.#refused(reservation, answer.error)
      return
    }
    reservation.state = 'done'
    this.#forget(reservation)
    this.#deps.onSigned(reservation, outpoint)
  }

  #refused(reservation: Reservation, error: string): void {
    if (!this.#deps.point('open-refused')) return
    const { peer, pendingChannelId } = reservation.request
    const source = `received funding error from ${peer}: chan_id=${pendingChannelId}, err=${error}`
    this.#end(reservation, `remote canceled funding, possibly timed out: ${source}`)
  }

  #end(reservation: Reservation, why: string): void {
    this.#forget(reservation)
    reservation.template.reject(new Refusal(why))
    reservation.pending.reject(new Refusal(why))
  }

  #forget(reservation: Reservation): void {
    const { peer, pendingChannelId } = reservation.request
    this.#reservations.delete(keyOf(peer, pendingChannelId))
    if (this.#intents.get(pendingChannelId) === reservation) this.#intents.delete(pendingChannelId)
  }
}
