import type { CircuitKey, HtlcAnswer, HtlcOffer, Interceptor } from '../lnd/port.ts'
import { refusedBy, unavailable } from './failures.ts'
import { Lane } from './lanes.ts'
import { never, type Session, type Stages } from './stages.ts'
import type { Violations } from './violations.ts'

/** lnd 0.21.3, lncfg/config.go: blocks before the incoming expiry at which a held HTLC is failed, or not offered. */
export const CLTV_REJECT_DELTA = 19
export const CLTV_INTERCEPT_DELTA = 22

const CALL = 'interceptHtlcs'

/** An HTLC before the switch: what the node does with it once somebody decides. */
export type Interceptable = {
  readonly offer: HtlcOffer
  readonly decide: (answer: HtlcAnswer, reason?: string) => void
}

type Client = {
  readonly session: Session
  readonly offers: Lane<HtlcOffer>
  readonly end: (settle: 'broken' | 'aborted', error?: unknown) => void
}

/** `wasHeld`: the node still held it when its offer arrived at the client. */
type Answered = { readonly circuit: CircuitKey; readonly answer: HtlcAnswer; readonly wasHeld: boolean }

export type HubDeps = {
  readonly stages: Stages
  readonly violations: Violations
  readonly requireInterceptor: boolean
  readonly height: () => number
}

/** lnd's interceptable switch (lnd.md 1): one client, a set of held HTLCs, and its rules for when there is none. */
export class InterceptorHub {
  readonly #deps: HubDeps
  readonly #held = new Map<CircuitKey, Interceptable>()
  #client: Client | undefined

  constructor(deps: HubDeps) {
    this.#deps = deps
  }

  holds(circuit: CircuitKey): boolean {
    return this.#held.has(circuit)
  }

  get held(): number {
    return this.#held.size
  }

  get attached(): boolean {
    return this.#client !== undefined
  }

  /** A new HTLC, or one that a link replays after its restart. */
  intercept(htlc: Interceptable, replayed: boolean): void {
    const { offer } = htlc
    if (offer.expiryIn < this.#deps.height() + CLTV_INTERCEPT_DELTA) {
      htlc.decide({ type: 'fail' }, 'expiry_too_soon')
      return
    }
    if (this.#held.has(offer.circuit)) return
    if (this.#client !== undefined) {
      this.#held.set(offer.circuit, htlc)
      this.#client.offers.push(offer)
      return
    }
    if (!this.#deps.requireInterceptor) {
      htlc.decide({ type: 'resume' })
      return
    }
    if (!replayed) {
      htlc.decide({ type: 'fail' }, 'temporary_channel_failure')
      return
    }
    this.#held.set(offer.circuit, htlc)
  }

  /** Resolves when the signal aborts; rejects when node or client end the stream. */
  async attach(
    session: Session,
    onOffer: (offer: HtlcOffer, stream: Interceptor) => void,
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) return
    if (!session.alive) return await never(signal)
    if (this.#client !== undefined) throw refusedBy(CALL, 'interceptor already exists')
    await new Promise<void>((resolve, reject) => {
      /** What is offered and not answered, and whether the node still held it when the offer arrived. */
      const open = new Map<CircuitKey, boolean>()
      const { stages } = this.#deps
      const onError = (error: unknown) => end('broken', error)
      const answers = new Lane<Answered>({
        name: `${CALL}.answer`,
        stage: 'received',
        stages,
        session,
        onError,
        deliver: (answered) => this.#answer(client, answered),
      })
      const stream: Interceptor = {
        answer: (circuit, answer) => {
          const wasHeld = open.get(circuit)
          if (wasHeld === undefined) return
          open.delete(circuit)
          answers.push({ circuit, answer, wasHeld })
        },
      }
      const offers = new Lane<HtlcOffer>({
        name: `${CALL}.offer`,
        stage: 'answered',
        stages,
        session,
        onError,
        deliver: (offer) => {
          open.set(offer.circuit, this.#held.has(offer.circuit))
          onOffer(offer, stream)
        },
      })
      const onAbort = () => end('aborted')
      const onSessionEnd = () => end('broken', unavailable(CALL, 'the client was killed'))
      const end: Client['end'] = (how, error) => {
        if (this.#client !== client) return
        this.#client = undefined
        offers.close()
        answers.close()
        session.onEnd.delete(onSessionEnd)
        signal.removeEventListener('abort', onAbort)
        if (how === 'aborted') resolve()
        else reject(error)
        if (!this.#deps.requireInterceptor) this.#releaseAll()
      }
      const client: Client = { session, offers, end }
      this.#client = client
      session.onEnd.add(onSessionEnd)
      signal.addEventListener('abort', onAbort, { once: true })
      for (const { offer } of this.#held.values()) offers.push(offer)
    })
  }

  /** At each block lnd fails what is held too long. */
  onBlock(height: number): void {
    for (const [circuit, htlc] of [...this.#held]) {
      if (height < htlc.offer.autoFailHeight) continue
      this.#held.delete(circuit)
      htlc.decide({ type: 'fail' }, 'temporary_channel_failure')
    }
  }

  /** The HTLC left its channel in another way. */
  forget(circuit: CircuitKey): void {
    this.#held.delete(circuit)
  }

  /** Breaks the client's stream; the node goes on. */
  breakStream(reason: string): void {
    this.#client?.end('broken', unavailable(CALL, reason))
  }

  /** The node is gone: what it held is only in the channels now. */
  clear(): void {
    this.#held.clear()
    this.breakStream('the stream ended')
  }

  #answer(client: Client, { circuit, answer, wasHeld }: Answered): void {
    if (this.#client !== client) return
    const htlc = this.#held.get(circuit)
    if (htlc === undefined) {
      const what = `${answer.type} for ${circuit}, which is not held: the stream ended`
      // Of what ended while its offer was under way, nobody could know that there was nothing left to answer.
      if (wasHeld) this.#deps.violations.add('late-answer', what)
      this.breakStream(`fwd (${circuit}) not found`)
      return
    }
    this.#held.delete(circuit)
    htlc.decide(answer)
  }

  /** Without requireinterceptor a stream that ends forwards all that is held, as the payer's onion says. */
  #releaseAll(): void {
    const held = [...this.#held.values()]
    this.#held.clear()
    for (const htlc of held) htlc.decide({ type: 'resume' })
  }
}
