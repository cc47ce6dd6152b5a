import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
// biome-ignore lint/correctness/noUndeclaredDependencies: only its types, of the version that lightning brings along
import type * as Protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'
import { readPeers } from '../../../src/lnd/peer-list.ts'

const here = createRequire(import.meta.url)
const fromLightning = createRequire(here.resolve('lightning/package.json'))
const protobuf = createRequire(fromLightning.resolve('@grpc/proto-loader'))('protobufjs') as typeof Protobuf

/** The answer as lightning's own protos have it. */
function answerType(): Protobuf.Type {
  const folder = join(dirname(here.resolve('lightning/package.json')), 'grpc', 'protos')
  const root = new protobuf.Root()
  root.resolvePath = (_, file) => join(folder, file)
  root.loadSync('lightning.proto', { keepCase: true })
  return root.lookupType('lnrpc.ListPeersResponse')
}

const ANSWER = answerType()
const encode = (peers: readonly object[]) => ANSWER.encode(ANSWER.fromObject({ peers })).finish()

const bits = fc.uniqueArray(fc.integer({ min: 0, max: 0xffffffff }), { maxLength: 30 })
const peers = fc.array(
  fc.record({
    pub_key: fc.stringMatching(/^0[23][0-9a-f]{64}$/),
    inbound: fc.boolean(),
    bits,
    bytes_sent: fc.nat(),
    sat_recv: fc.integer(),
    address: fc.string(),
  }),
)

describe('the list of peers', () => {
  it('is read as it was written, whatever else it says', () => {
    fc.assert(
      fc.property(peers, (all) => {
        const features = (of: readonly number[]) => Object.fromEntries(of.map((bit) => [bit, { name: `bit ${bit}` }]))
        const read = readPeers(encode(all.map(({ bits: of, ...peer }) => ({ ...peer, features: features(of) }))))
        const plain = read.peers.map((peer) => ({ ...peer, features: peer.features() }))

        expect(plain).toEqual(
          all.map(({ pub_key, inbound, bits: of }) => ({
            pub_key,
            inbound,
            features: [...new Set(of)].sort((a, b) => a - b),
          })),
        )
      }),
    )
  })

  it('is refused when it is cut short, and never read on for ever', () => {
    const whole = encode([{ pub_key: `02${'ab'.repeat(32)}`, inbound: true, features: { 19: { name: 'wumbo' } } }])

    for (let length = 1; length < whole.length; length += 1) {
      expect(() => readPeers(whole.subarray(0, length))).toThrow(RangeError)
    }
    expect(() => readPeers(Uint8Array.of(0x0b))).toThrow('a protobuf field of kind 3')
    expect(() => readPeers(new Uint8Array(20).fill(0xff))).toThrow('too long')
  })
})
