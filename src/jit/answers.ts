import type { Scid } from '../../lsps/base/scid.ts'
import { type Held, HeldHtlcs } from '../held/held.ts'
import { type HeldLimits, isTooMuch } from '../held/limits.ts'
import { type PendingCircuits, pendingCircuits } from '../held/pending.ts'
import { isLnds, refuse } from '../held/refusing.ts'
import type { Log } from '../kernel/log.ts'
import { SharedLook } from '../kernel/shared-look.ts'
import type { HtlcAnswer, LndPort } from '../lnd/port.ts'
import type { Sale } from './states.ts'
import { verdict } from './verdict.ts'

export type AnswersDeps = {
  readonly lnd: Pick<LndPort, 'listChannels'>
  readonly log: Log
  readonly sale: (scid: Scid) => Sale | undefined
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
    const sale = this.#deps.sale(scid)
    if (sale === undefined) {
      this.#answer(held, { type: 'resume' }, signal)
      return
    }
    const answer = verdict(sale, circuit)
    if (answer.type === 'hold') return
    if (answer.type !== 'judge') {
      this.#answer(held, answer, signal)
      return
    }
    if (this.#isTooMuch(held, sale)) {
      this.#answer(held, { type: 'fail' }, signal)
      return
    }
    this.#deps.hear(held, sale).then(
      () => this.settle(scid, this.#deps.sale(scid), signal),
      (error: unknown) => this.#deps.log.error({ scid, circuit, err: error }, 'held payment not judged'),
    )
  }

  /** Whether lnd would hold more for us than the operator wants, with this one. */
  #isTooMuch(held: Held, sale: Sale): boolean {
    const others = [...this.held.all()].filter((other) => other !== held)
    const exposure = ({ offer }: Held) => ({
      client: this.#deps.sale(offer.requestedScid)?.deal.client,
      amount: offer.amountIn,
    })
    return isTooMuch({ client: sale.deal.client, amount: held.offer.amountIn }, others.map(exposure), this.#limits)
  }

  /** Answers what the sale's state on disk decides; called after every commit of it. */
  settle(scid: Scid, sale: Sale | undefined, signal: AbortSignal): void {
    for (const held of this.held.of(scid)) {
      const answer = sale === undefined ? ({ type: 'resume' } as const) : verdict(sale, held.offer.circuit)
      if (answer.type !== 'hold' && answer.type !== 'judge') this.#answer(held, answer, signal)
    }
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
