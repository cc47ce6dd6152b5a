import type { InterceptorSession } from '../../src/lnd/interceptor.ts'
import type { HtlcOffer, Interceptor } from '../../src/lnd/port.ts'
import type { RawAnswer, RawOffer } from '../../src/lnd/raw.ts'

const MSAT = '1000000'
/** A short channel id that no sale has: an ordinary channel's. */
const FOREIGN_SCID = String((800_000n << 40n) | (5n << 16n))
const HASH = Buffer.alloc(32, 7)

/**
 * Between two looks of the feed at the clock, ms. With nothing in between, the event loop turns a million times a second,
 * and each turn leaves garbage of Node's own: four fifths of all, and collected at the sidecar's expense.
 */
const PAUSE_MS = 0.01
const CALIBRATION_ROUNDS = 2_000_000

/** One decoded offer of lnd for a forward that is none of our business. */
export function foreignOffer(htlc: number): RawOffer {
  return {
    incoming_circuit_key: { chan_id: '878000000000000000', htlc_id: String(htlc) },
    incoming_amount_msat: MSAT,
    incoming_expiry: 1_200,
    payment_hash: HASH,
    outgoing_requested_chan_id: FOREIGN_SCID,
    outgoing_amount_msat: MSAT,
    outgoing_expiry: 1_100,
    auto_fail_height: 1_181,
  }
}

/** Takes gRPC's place: feeds decoded offers to the adapter's session and takes its encoded answers. */
export class OfferFeed {
  readonly #create: typeof import('../../src/lnd/interceptor.ts').createInterceptorSession
  #session: InterceptorSession | undefined
  #due: Float64Array = new Float64Array(0)
  #latencies: Float64Array = new Float64Array(0)
  #answered = 0
  readonly #roundsPerPause = Math.ceil((CALIBRATION_ROUNDS * PAUSE_MS) / msOfRounds(CALIBRATION_ROUNDS))

  constructor(module: typeof import('../../src/lnd/interceptor.ts')) {
    this.#create = module.createInterceptorSession
  }

  async intercept(onOffer: (offer: HtlcOffer, stream: Interceptor) => void, signal: AbortSignal): Promise<void> {
    this.#session = this.#create((answer) => this.#onAnswer(answer), onOffer)
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  }

  /**
   * Offers at a fixed schedule, whatever happens to the answers. Milliseconds from when each was due to its answer: a
   * stall of the event loop counts for every offer that was due meanwhile.
   */
  async run({ perSecond, ms }: { readonly perSecond: number; readonly ms: number }): Promise<Float64Array> {
    const session = this.#session
    if (session === undefined) throw new Error('nobody intercepts')
    const count = Math.round((perSecond * ms) / 1000)
    // Made before: what the feed leaves to the garbage collector would count against the sidecar.
    const offers = Array.from({ length: count }, (_, htlc) => foreignOffer(htlc))
    const start = performance.now()
    this.#due = Float64Array.from({ length: count }, (_, offer) => start + (offer * 1000) / perSecond)
    this.#latencies = new Float64Array(count).fill(Number.POSITIVE_INFINITY)
    this.#answered = 0
    await new Promise<void>((resolve) => {
      let next = 0
      const turn = () => {
        const now = performance.now()
        for (let due = offers[next]; due !== undefined && (this.#due[next] ?? 0) <= now; due = offers[next]) {
          session.offer(due)
          next += 1
        }
        spend(this.#roundsPerPause)
        if (next < count) setImmediate(turn)
        else resolve()
      }
      turn()
    })
    if (this.#answered !== count) throw new Error(`${count} offers, ${this.#answered} answers`)
    return this.#latencies
  }

  #onAnswer({ incoming_circuit_key, action }: RawAnswer): void {
    if (action !== 'RESUME') throw new Error(`a foreign forward was answered ${action}`)
    const offer = Number(incoming_circuit_key.htlc_id)
    this.#latencies[offer] = performance.now() - (this.#due[offer] ?? 0)
    this.#answered += 1
  }
}

/** Takes time and leaves nothing. */
function spend(rounds: number): number {
  let sum = 0
  for (let round = 0; round < rounds; round += 1) sum = (sum * 31 + round) | 0
  return sum
}

function msOfRounds(rounds: number): number {
  spend(rounds) // compiled by now
  const start = performance.now()
  spend(rounds)
  return performance.now() - start
}
