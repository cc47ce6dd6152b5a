import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'

/** Replies that are kept, over all peers; the oldest goes first. */
export const MAX_KEPT_REPLIES = 10_000
/** A request larger than this is no purchase that any client makes; it is not remembered. */
export const MAX_KEPT_REQUEST_BYTES = 4096
/** How long a client may repeat a request and get the first answer (L0-44). */
export const REPLY_AGE_MS = 10 * 60_000

type Kept = { readonly reply: Promise<Uint8Array | undefined>; readonly at: Timestamp }

/**
 * Answers to requests that must not be done twice. A client that lost the answer sends the same bytes again, id
 * included, and reads the first answer again instead of buying a second time (L0-44). Lost at a restart: the purchase
 * is then a second one, which costs nobody anything and ends by itself.
 */
export class Replies {
  readonly #kept = new Map<string, Kept>()

  /** The first answer to these very bytes of this peer, or undefined. */
  find(peer: NodeId, payload: string, now: Timestamp): Promise<Uint8Array | undefined> | undefined {
    const kept = this.#kept.get(`${peer}${payload}`)
    return kept !== undefined && now - kept.at < REPLY_AGE_MS ? kept.reply : undefined
  }

  /** Keeps the answer, unless it turns out to be an error: what failed may be tried again. */
  keep(peer: NodeId, payload: string, reply: Promise<Uint8Array | undefined>, now: Timestamp): void {
    const place = `${peer}${payload}`
    const forget = () => this.#kept.delete(place)
    reply.then((answer) => isResult(answer) || forget(), forget)
    for (const [key, { at }] of this.#kept) {
      if (this.#kept.size < MAX_KEPT_REPLIES && now - at < REPLY_AGE_MS) break
      this.#kept.delete(key)
    }
    this.#kept.set(place, { reply, at: now })
  }
}

const utf8 = new TextDecoder()

function isResult(reply: Uint8Array | undefined): boolean {
  return reply !== undefined && 'result' in JSON.parse(utf8.decode(reply))
}
