const VERSION_2 = 2
const BAKERY_VERSION_3 = 3
const NONCE_BYTES = 16
const SIGNATURE_BYTES = 32
const IDENTIFIER = 2
const SIGNATURE = 6
/** Protobuf tags of bakery's identifier: length-delimited fields 1 to 3. */
const [NONCE, STORAGE_ID, OPERATION] = [0x0a, 0x12, 0x1a]
const [ENTITY, ACTION] = [0x0a, 0x12]

/** A macaroon with the rights to call these methods, as lnd bakes it: what it permits can be read, nothing is signed. */
export function bakeMacaroon(methods: readonly string[]): Buffer {
  const operation = Buffer.concat([field(ENTITY, 'uri'), ...methods.map((method) => field(ACTION, method))])
  const identifier = Buffer.concat([
    Buffer.from([BAKERY_VERSION_3]),
    field(NONCE, Buffer.alloc(NONCE_BYTES, 5)),
    field(STORAGE_ID, '0'),
    field(OPERATION, operation),
  ])
  const signature = field(SIGNATURE, Buffer.alloc(SIGNATURE_BYTES))
  return Buffer.concat([Buffer.from([VERSION_2]), field(IDENTIFIER, identifier), Buffer.from([0, 0]), signature])
}

function field(tag: number, content: string | Buffer): Buffer {
  const bytes = Buffer.from(content as Buffer)
  return Buffer.concat([Buffer.from([tag, ...varint(bytes.length)]), bytes])
}

function varint(value: number): readonly number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >> 7)]
}
