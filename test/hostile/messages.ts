import type { SeededRandom } from '../../src/sandbox/random.ts'
import { frame } from './frames.ts'
import type { Offer } from './judge.ts'
import { asText, escaped, idText, NASTY, pick, shuffled, sizeText } from './values.ts'

/** What a message may be made of: everything that was heard and said so far, by whomever. */
export type Heard = {
  readonly offers: readonly Offer[]
  readonly said: readonly { readonly peer: number; readonly bytes: Buffer }[]
  readonly ids: readonly string[]
}

export type Message = { readonly type: number; readonly bytes: Buffer }
type Fields = readonly (readonly [name: string, text: string])[]
type Recipe = (random: SeededRandom, peer: number, heard: Heard) => string | Buffer

const LSPS_TYPE = 37_913
const MAX_PADDING = 70_000

const objectText = (fields: Fields) => `{${fields.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`

function request(random: SeededRandom, heard: Heard, method: string, params: string | undefined): string {
  const fields: (readonly [string, string])[] = [
    ['jsonrpc', '"2.0"'],
    ['id', idText(random, heard.ids)],
    ['method', random.below(40) === 0 ? escaped(method) : JSON.stringify(method)],
    ...(params === undefined ? [] : [['params', params] as const]),
  ]
  if (random.below(30) === 0) fields.push(['extra', pick(random, NASTY)])
  return objectText(random.below(10) === 0 ? shuffled(random, fields) : fields)
}

function offerFields({ wire }: Offer): Fields {
  return Object.entries(wire).map(([name, value]) => [name, asText(value)] as const)
}

/** An offer of the peer's own, if it ever got one. */
function ownOffer(random: SeededRandom, peer: number, { offers }: Heard): Offer | undefined {
  const own = offers.filter((offer) => offer.peer === peer)
  return own.length === 0 ? undefined : pick(random, own)
}

function buy(random: SeededRandom, heard: Heard, offer: Fields, size: string | undefined): string {
  const params: Fields = [
    ['opening_fee_params', objectText(offer)],
    ...(size === undefined ? [] : [['payment_size_msat', size] as const]),
  ]
  return request(random, heard, 'lsps2.buy', objectText(params))
}

const info: Recipe = (random, _peer, heard) => {
  const tokens = [
    undefined,
    '{}',
    '{}',
    '{"token":null}',
    '{"token":null}',
    '{"token":null}',
    '{"token":""}',
    '{"token":"abc"}',
  ]
  return request(random, heard, 'lsps2.get_info', pick(random, tokens))
}

const honest: Recipe = (random, peer, heard) => {
  const offer = ownOffer(random, peer, heard)
  if (offer === undefined) return info(random, peer, heard)
  return buy(random, heard, offerFields(offer), JSON.stringify(`${10_000_000 + random.below(900_000_000)}`))
}

/** Sizes at each limit, none, and none that is a number. */
const sized: Recipe = (random, peer, heard) => {
  const offer = ownOffer(random, peer, heard)
  if (offer === undefined) return info(random, peer, heard)
  return buy(random, heard, offerFields(offer), sizeText(random, offer.wire))
}

const othersOffer: Recipe = (random, peer, heard) => {
  const others = heard.offers.filter((offer) => offer.peer !== peer)
  if (others.length === 0) return info(random, peer, heard)
  return buy(random, heard, offerFields(pick(random, others)), '"100000000"')
}

/** One field of an offer, or its promise, is not what was offered: still well-formed, mostly. */
const editedOffer: Recipe = (random, peer, heard) => {
  const offer = ownOffer(random, peer, heard)
  if (offer === undefined) return info(random, peer, heard)
  const fields = offerFields(offer)
  const at = random.below(fields.length)
  const [name = '', text = ''] = fields[at] ?? []
  const edited = edit(random, name, text)
  return buy(random, heard, fields.with(at, [name, edited]), '"100000000"')
}

function edit(random: SeededRandom, name: string, text: string): string {
  if (random.below(6) === 0) return pick(random, NASTY)
  const inner = text.replaceAll('"', '')
  if (name === 'promise') {
    const at = random.below(inner.length)
    const flipped = String.fromCharCode((inner.charCodeAt(at) ^ (1 << random.below(3))) & 0x7f)
    return JSON.stringify(
      pick(random, [
        inner.slice(0, at) + flipped + inner.slice(at + 1),
        inner.toUpperCase(),
        '',
        `${inner}0`,
        inner.slice(1),
      ]),
    )
  }
  if (name === 'valid_until') {
    const at = Date.parse(inner)
    const moved = new Date(at + pick(random, [1, -1, 1000, 86_400_000])).toISOString()
    // The last two are the same instant in other words: that is the offer still (L2-16).
    return JSON.stringify(
      pick(random, [
        moved,
        '9999-12-31T23:59:59.999Z',
        '1970-01-01T00:00:00.001Z',
        '2023-02-30T00:00:00.000Z',
        inner.replace('Z', '+00:00'),
        inner.replace('Z', '000Z'),
      ]),
    )
  }
  if (text.startsWith('"')) return JSON.stringify(`${BigInt(inner) + BigInt(random.below(3)) - 1n}`)
  return `${Number(inner) + random.below(3) - 1}`
}

/** Parameters that the table refuses. */
const badParams: Recipe = (random, peer, heard) => {
  const nasty = () => pick(random, NASTY)
  const offer = ownOffer(random, peer, heard)
  const kind = random.below(7)
  if (kind === 0) return request(random, heard, 'lsps2.get_info', nasty())
  if (kind === 1) return request(random, heard, 'lsps2.get_info', `{"token":${nasty()}}`)
  if (kind === 2)
    return request(random, heard, 'lsps0.list_protocols', `{${JSON.stringify(pick(random, NAMES))}:${nasty()}}`)
  if (kind === 3 || offer === undefined) return request(random, heard, 'lsps2.buy', nasty())
  const fields = offerFields(offer)
  const at = random.below(fields.length)
  if (kind === 4) return buy(random, heard, fields.toSpliced(at, 1), '"100000000"')
  if (kind === 5) return buy(random, heard, [...fields, [pick(random, NAMES), nasty()]], '"100000000"')
  return buy(random, heard, fields, nasty())
}

const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'a',
  '',
  'é',
  '\u0000',
  'opening_fee_params.promise',
  'x'.repeat(3000),
  'token',
  'hasOwnProperty',
]

/** More unknown names than fit into one answer. */
const manyNames: Recipe = (random, _peer, heard) => {
  const names = Array.from({ length: 2000 + random.below(6000) }, (_, index) => `"${index.toString(36)}":0`).join()
  const params = random.below(2) === 0 ? `{${names}}` : `{"opening_fee_params":{${names}}}`
  return request(random, heard, pick(random, ['lsps2.buy', 'lsps2.get_info']), params)
}

const otherMethod: Recipe = (random, _peer, heard) => {
  const methods = [
    'lsps1.get_info',
    'lsps2.Buy',
    'lsps2.get_versions',
    '',
    'constructor',
    '__proto__',
    'toString',
    'lsps2.buy ',
    'x'.repeat(60_000),
  ]
  return request(random, heard, pick(random, methods), '{}')
}

const again: Recipe = (random, peer, heard) => {
  const own = heard.said.filter((said) => said.peer === peer)
  return own.length === 0 ? info(random, peer, heard) : pick(random, own).bytes
}

const othersAgain: Recipe = (random, peer, heard) => {
  return heard.said.length === 0 ? info(random, peer, heard) : pick(random, heard.said).bytes
}

const answerLike: Recipe = (random, _peer, heard) => {
  const id = idText(random, heard.ids)
  const method = pick(random, ['', '"method":null,', '"method":5,', '"method":"lsps2.buy",'])
  return `{"jsonrpc":"2.0","id":${id},${method}${pick(random, ['"result":{}', '"error":{"code":-32700,"message":"x"}', '"result":null,"error":null'])}}`
}

const shapeless: Recipe = (random, peer, heard) => {
  const one = info(random, peer, heard) as string
  const shapes = [
    `[${one}]`,
    `[${one},${one}]`,
    '[]',
    '{}',
    'null',
    '""',
    '1',
    '{"jsonrpc":"1.0","id":"a","method":"lsps2.get_info"}',
    '{"id":"a","method":"lsps2.get_info"}',
    '{"jsonrpc":"2.0","method":"lsps2.get_info"}',
    `{"jsonrpc":"2.0","id":${pick(random, NASTY)},"method":"lsps2.get_info"}`,
    `{"jsonrpc":"2.0","id":"a","method":${pick(random, NASTY)}}`,
  ]
  return pick(random, shapes)
}

const badBytes: Recipe = (random, peer, heard) => {
  const kinds = [honest, info, again]
  const bytes = Buffer.from(pick(random, kinds)(random, peer, heard))
  return frame(random, bytes, MAX_PADDING)
}

const protocols: Recipe = (random, _peer, heard) =>
  request(random, heard, 'lsps0.list_protocols', pick(random, [undefined, '{}', 'null']))

/** How often each comes, relative to the others: most must reach a handler, or nothing behind the framing is shown. */
const RECIPES: readonly (readonly [weight: number, recipe: Recipe])[] = [
  [200, info],
  [60, protocols],
  [240, honest],
  [60, sized],
  [50, othersOffer],
  [90, editedOffer],
  [80, badParams],
  [1, manyNames],
  [25, otherMethod],
  [60, again],
  [20, othersAgain],
  [25, answerLike],
  [25, shapeless],
  [60, badBytes],
]
const TOTAL = RECIPES.reduce((sum, [weight]) => sum + weight, 0)
const OTHER_TYPES = [37_911, 37_915, 32_768, 65_535]
/** One of so many is of another type than ours. */
const OTHER_TYPE_SHARE = 60

export function compose(random: SeededRandom, peer: number, heard: Heard): Message {
  let drawn = random.below(TOTAL)
  const type = random.below(OTHER_TYPE_SHARE) === 0 ? pick(random, OTHER_TYPES) : LSPS_TYPE
  for (const [weight, recipe] of RECIPES) {
    if (drawn < weight) return { type, bytes: Buffer.from(recipe(random, peer, heard)) }
    drawn -= weight
  }
  throw new RangeError('a weight was drawn that no recipe has')
}
