import { toHtlcOffer, toRawAnswer } from './convert-htlc.ts'
import type { CircuitKey, HtlcOffer, Interceptor } from './port.ts'
import type { RawAnswer, RawCircuitKey, RawOffer } from './raw.ts'

/** One interceptor stream above gRPC: decoded offers in, answers out. */
export type InterceptorSession = Interceptor & {
  /** Takes an offer of lnd; `onOffer` is called before this returns. */
  readonly offer: (raw: RawOffer) => void
  /** The stream is gone: what it offered can no longer be answered. */
  readonly end: () => void
  /** Offers that wait for their answer. */
  readonly size: () => number
}

/**
 * The only writer of its stream. lnd ends the whole stream, for every forward of the node, at one answer to a circuit
 * that it does not hold (lnd.md 1.3): so an answer passes only if this stream offered the circuit and nobody answered
 * yet. An offer that comes again replaces the one before.
 *
 * An HTLC whose channel is closing is offered (again) from the chain: it can only be settled there, which a forward
 * does by itself. RESUME and FAIL of it end the stream, and lnd offers it to the next stream too: it gets no answer.
 */
export function createInterceptorSession(
  write: (answer: RawAnswer) => void,
  onOffer: (offer: HtlcOffer, stream: Interceptor) => void,
): InterceptorSession {
  /** As many as lnd holds: it offers each HTLC once per stream, and its channels bound their number. */
  const open = new Map<CircuitKey, RawCircuitKey>()
  const session: InterceptorSession = {
    offer: (raw) => {
      const offer = toHtlcOffer(raw)
      if (isOnChain(offer)) {
        open.delete(offer.circuit)
        return
      }
      open.set(offer.circuit, raw.incoming_circuit_key)
      onOffer(offer, session)
    },
    answer: (circuit, answer) => {
      const key = open.get(circuit)
      if (key === undefined) return
      open.delete(circuit)
      write(toRawAnswer(key, answer))
    },
    end: () => open.clear(),
    size: () => open.size,
  }
  return session
}

/** On chain lnd says the HTLC's own expiry (or nothing), off chain the height at which it fails it, well before that. */
function isOnChain({ autoFailHeight, expiryIn }: HtlcOffer): boolean {
  return autoFailHeight <= 0 || autoFailHeight >= expiryIn
}
