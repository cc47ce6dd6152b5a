import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import { type Held, HeldHtlcs } from '../held/held.ts'
import { type Exposure, type HeldLimits, isTooMuch } from '../held/limits.ts'
import { type PendingCircuits, pendingCircuits } from '../held/pending.ts'
import { isLnds, refuse } from '../held/refusing.ts'
import type { Log } from '../kernel/log.ts'
import { SharedLook } from '../kernel/shared-look.ts'
import type { HtlcAnswer, LndPort } from '../lnd/port.ts'
import { leadsToClient } from './parts.ts'
import type { SecondChannels } from './second-channels.ts'
import type { Sale } from './states.ts'
import { type Verdict, verdict } from './verdict.ts'

export type AnswersDeps = {
  readonly lnd: Pick<LndPort, 'listChannels'>
  readonly log: Log
  /** The sale that a payment to this name belongs to. */
  readonly sale: (name: Scid) => Sale | undefined
  /** Whom a name leads to; undefined: payments to it are ordinary forwards. */
  readonly clientOf: (name: Scid) => NodeId | undefined
  /** Decides whether a payment is an ordinary forward or pays for another channel. */
  readonly seconds: Pick<SecondChannels, 'place' | 'hasInHand' | 'letGo'>
  /** Best block that we know of. */
  readonly height: () => number
  /** Makes an offered circuit known to its sale; resolved when that is on disk. */
  readonly hear: (held: Held, sale: Sale) => Promise<unknown>
}

/** Gives lnd the answers: verdicts on what is on disk, each circuit once per stream. */
export class Answers {
  readonly held = new HeldHtlcs()
  readonly #deps: AnswersDeps
  readonly #limits: HeldLimits
  /** lnd's list is long: however many HTLCs a payer sends to be refused, it is asked for one at a time. */
  readonly #pending: SharedLook<PendingCircuits>

  constructor(deps: AnswersDeps, limits: HeldLimits) {
    this.#deps = deps
    this.#pending = new SharedLook(async (signal) => pendingCircuits(await deps.lnd.listChannels(signal)))
    this.#limits = limits
  }

  /** Answers a held circuit, or has its sale hear of it first. */
  judge(held: Held, signal: AbortSignal): void {
    const { circuit, requestedScid: scid } = held.offer
    const { seconds, hear } = this.#deps
    const sale = this.#deps.sale(scid)
    const client = this.#deps.clientOf(scid)
    if (client === undefined) {
      this.#answer(held, { type: 'resume' }, signal)
      return
    }
    const answer: Verdict = sale === undefined ? { type: 'judge' } : verdict(sale, circuit)
    if (answer.type === 'hold') return
    if (answer.type !== 'judge') {
      this.#answer(held, answer, signal)
      return
    }
    if (seconds.hasInHand(circuit)) {
      seconds.place(held, signal) // whatever stream it came on now: nobody else may answer it
      return
    }
    const mayFit = sale === undefined || leadsToClient(sale.deal)
    if (this.#isTooMuch(held, client)) {
      if (mayFit) seconds.letGo(held)
      else this.#answer(held, { type: 'fail' }, signal)
      return
    }
    if (sale === undefined || mayFit) {
      seconds.place(held, signal)
      return
    }
    hear(held, sale).then(
      () => this.settle(scid, signal),
      (error: unknown) => this.#deps.log.error({ scid, circuit, err: error }, 'held payment not judged'),
    )
  }

  /** Whether lnd would hold more for us than the operator wants, with this one. */
  #isTooMuch(held: Held, client: NodeId): boolean {
    const others = [...this.held.all()].filter((other) => other !== held)
    const exposures = others.map((other) => this.exposureOf(other))
    return isTooMuch({ client, amount: held.offer.amountIn }, exposures, this.#limits)
  }

  exposureOf({ offer }: Held): Exposure {
    return { client: this.#deps.clientOf(offer.requestedScid), amount: offer.amountIn }
  }

  /** Answers what is on disk decides for payments to this name; called after every commit of its sale. */
  settle(name: Scid, signal: AbortSignal): void {
    for (const held of this.held.of(name)) {
      const sale = this.#deps.sale(name)
      if (sale === undefined) {
        this.judge(held, signal) // its sale has ended
        continue
      }
      const answer = verdict(sale, held.offer.circuit)
      if (answer.type !== 'hold' && answer.type !== 'judge') this.#answer(held, answer, signal)
    }
  }

  /** As an ordinary forward. */
  resume(held: Held, signal: AbortSignal): void {
    this.#answer(held, { type: 'resume' }, signal)
  }

  /** Only what was never let go: of that lnd's own list has to say the same. */
  fail(held: Held, signal: AbortSignal): void {
    this.#answer(held, { type: 'fail' }, signal)
  }

  #answer(held: Held, answer: HtlcAnswer, signal: AbortSignal): void {
    if (this.held.take(held) === undefined || isLnds(held.offer, this.#deps.height())) return
    if (answer.type === 'fail') void this.#fail(held, signal)
    else this.held.answer(held, answer)
  }

  async #fail(held: Held, signal: AbortSignal): Promise<void> {
    const { circuit } = held.offer
    try {
      await refuse(held, { pending: (looking) => this.#pending.ask(looking), height: this.#deps.height }, signal)
    } catch (error) {
      this.held.putBack(held) // looked at again soon, and with the next commit or stream
      if (signal.aborted) return
      this.#deps.log.warn({ circuit, err: error }, 'not failed yet: lnd does not say whether it was forwarded')
    }
  }
}
