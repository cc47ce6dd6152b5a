import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'

/** Replies that are kept at most, over all peers; at least half as many of the last ones are. */
export const MAX_KEPT_REPLIES = 10_000
/** A request larger than this is no purchase that any client makes; it is not remembered. */
export const MAX_KEPT_REQUEST_BYTES = 4096
/** How long a client may repeat a request and get the first answer (L0-44). */
export const REPLY_AGE_MS = 10 * 60_000

type Kept = { readonly reply: Promise<Uint8Array | undefined>; readonly at: Timestamp }

/**
 * Answers to requests that must not be done twice. A client that lost the answer sends the same bytes again, id
 * included, and reads the first answer again instead of buying a second time (L0-44). Lost at a restart: the purchase
 * is then a second one, which costs nobody anything and ends by itself. A request is known by its fingerprint, which no
 * two have in common: thousands of whole requests would be copied with each collection of garbage.
 */
export class Replies {
  // Two generations: the older goes as a whole, so that nothing has to be searched for what is oldest.
  #young = new Map<string, Kept>()
  #old = new Map<string, Kept>()

  /** The first answer to the request of this fingerprint of this peer, or undefined. */
  find(peer: NodeId, fingerprint: string, now: Timestamp): Promise<Uint8Array | undefined> | undefined {
    const place = `${peer}${fingerprint}`
    const kept = this.#young.get(place) ?? this.#old.get(place)
    return kept !== undefined && now - kept.at < REPLY_AGE_MS ? kept.reply : undefined
  }

  /** Keeps the answer, unless it turns out to be an error: what failed may be tried again. */
  keep(peer: NodeId, fingerprint: string, reply: Promise<Uint8Array | undefined>, now: Timestamp): void {
    if (this.#young.size >= MAX_KEPT_REPLIES / 2) {
      this.#old = this.#young
      this.#young = new Map()
    }
    const place = `${peer}${fingerprint}`
    const kept = { reply, at: now }
    this.#young.set(place, kept)
    const forget = () => {
      for (const generation of [this.#young, this.#old]) {
        if (generation.get(place) === kept) generation.delete(place)
      }
    }
    reply.then((answer) => isResult(answer) || forget(), forget)
  }
}

const utf8 = new TextDecoder()

function isResult(reply: Uint8Array | undefined): boolean {
  return reply !== undefined && 'result' in JSON.parse(utf8.decode(reply))
}
