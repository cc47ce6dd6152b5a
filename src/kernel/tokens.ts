import { createHash } from 'node:crypto'
import type { Timestamp } from '../../lsps/base/datetime.ts'

/** A longer text is no token of ours, and is not hashed. */
export const MAX_TOKEN_CHARACTERS = 256

/** A token that the operator gave out (config `lsps2.tokens`, `orders.tokens`); only its hash is known here. */
export type TokenRule = {
  readonly name: string
  /** SHA-256 of its UTF-8 text, 64 lower-case hex characters. */
  readonly token_sha256: string
  /** After this it is stale (L2-02). */
  readonly valid_until?: Timestamp | undefined
}

/** The tokens that an operator gave out. */
export class Tokens {
  readonly #byHash: ReadonlyMap<string, TokenRule>

  constructor(rules: readonly TokenRule[]) {
    this.#byHash = new Map(rules.map((rule) => [rule.token_sha256, rule]))
  }

  /** The short name of a token; undefined when it is unknown or stale (L1-34, L2-02). */
  nameOf(token: string, now: Timestamp): string | undefined {
    if (this.#byHash.size === 0 || token.length > MAX_TOKEN_CHARACTERS) return undefined
    const rule = this.#byHash.get(createHash('sha256').update(token, 'utf8').digest('hex'))
    if (rule === undefined || (rule.valid_until !== undefined && now > rule.valid_until)) return undefined
    return rule.name
  }
}
