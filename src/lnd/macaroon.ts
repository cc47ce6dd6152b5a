/**
 * Pure: what a macaroon permits, read from the macaroon itself. lnd writes the permissions in plain into the identifier
 * (`lncli printmacaroon` shows them); only the signature is secret, and it is not needed here.
 */

/** `uri` with the paths of methods as actions, or a kind of thing (`offchain`) with what may be done to it (`write`). */
export type Permission = { readonly entity: string; readonly actions: readonly string[] }

const VERSION_2 = 2
const IDENTIFIER_FIELD = 2
const END_OF_SECTION = 0
const BAKERY_VERSION_3 = 3
const MAX_VARINT_BYTES = 5

/** Undefined when the bytes are not a macaroon as lnd bakes them. */
export function readPermissions(macaroon: Uint8Array): readonly Permission[] | undefined {
  try {
    const identifier = readIdentifier(new Reader(macaroon))
    const permissions: Permission[] = []
    for (const { field, bytes } of fields(identifier)) {
      // bakery's MacaroonId: nonce 1, storage id 2, operations 3.
      if (field === 3) permissions.push(readOperation(bytes))
    }
    return permissions
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function readIdentifier(reader: Reader): Reader {
  if (reader.byte() !== VERSION_2) throw new RangeError('not a version 2 macaroon')
  for (;;) {
    const field = reader.varint()
    if (field === END_OF_SECTION) throw new RangeError('no identifier')
    const bytes = reader.take(reader.varint())
    if (field !== IDENTIFIER_FIELD) continue
    const identifier = new Reader(bytes)
    if (identifier.byte() !== BAKERY_VERSION_3) throw new RangeError('an identifier of another kind')
    return identifier
  }
}

function readOperation(bytes: Uint8Array): Permission {
  let entity = ''
  const actions: string[] = []
  for (const part of fields(new Reader(bytes))) {
    const text = new TextDecoder().decode(part.bytes)
    if (part.field === 1) entity = text
    if (part.field === 2) actions.push(text)
  }
  return { entity, actions }
}

/** Length-delimited protobuf fields: the identifier has no others. */
function* fields(reader: Reader): Generator<{ readonly field: number; readonly bytes: Uint8Array }> {
  while (!reader.done) {
    const tag = reader.varint()
    if ((tag & 7) !== 2) throw new RangeError('a field of another kind')
    yield { field: tag >>> 3, bytes: reader.take(reader.varint()) }
  }
}

class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length
  }

  byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw new RangeError('cut short')
    this.#at += 1
    return byte
  }

  varint(): number {
    let value = 0
    for (let index = 0; index < MAX_VARINT_BYTES; index += 1) {
      const byte = this.byte()
      value += (byte & 0x7f) * 2 ** (7 * index)
      if (byte < 0x80) return value
    }
    throw new RangeError('a number that is too long')
  }

  take(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new RangeError('cut short')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
}
