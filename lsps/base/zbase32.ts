const ALPHABET = 'ybndrfg8ejkmcpqxot1uwisza345h769'
const BITS_PER_CHARACTER = 5
const BITS_PER_BYTE = 8
const VALUES: ReadonlyMap<string, number> = new Map([...ALPHABET].map((character, value) => [character, value]))

/** Five bits a character, from the left, the last ones filled with zeros. */
export function encodeZbase32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let rest = 0
  for (const byte of bytes) {
    rest = (rest << BITS_PER_BYTE) | byte
    bits += BITS_PER_BYTE
    while (bits >= BITS_PER_CHARACTER) {
      bits -= BITS_PER_CHARACTER
      text += ALPHABET[(rest >> bits) & 31]
    }
    rest &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + ALPHABET[(rest << (BITS_PER_CHARACTER - bits)) & 31]
}

/** Undefined for characters outside the alphabet and for text that no bytes encode to. */
export function decodeZbase32(text: string): Uint8Array | undefined {
  const bytes: number[] = []
  let bits = 0
  let rest = 0
  for (const character of text) {
    const value = VALUES.get(character)
    if (value === undefined) return undefined
    rest = (rest << BITS_PER_CHARACTER) | value
    bits += BITS_PER_CHARACTER
    if (bits < BITS_PER_BYTE) continue
    bits -= BITS_PER_BYTE
    bytes.push(rest >> bits)
    rest &= (1 << bits) - 1
  }
  return bits < BITS_PER_CHARACTER && rest === 0 ? Uint8Array.from(bytes) : undefined
}
