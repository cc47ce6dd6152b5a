import fc from 'fast-check'
import { type Msat, msat, type Ppm, U32_MAX, U64_MAX } from '../../../lsps/base/amount.ts'
import { parseDatetime, type Timestamp } from '../../../lsps/base/datetime.ts'
import { type NodeId, parseNodeId } from '../../../lsps/base/node-id.ts'
import type { FeeTerms } from '../../../lsps/lsps2/schema.ts'

const LAST_INSTANT = parseDatetime('9999-12-31T23:59:59.999Z') ?? 0

export const anyMsat = (): fc.Arbitrary<Msat> => fc.bigInt({ min: 0n, max: U64_MAX }).map((n) => msat(n))
export const anyU32 = (): fc.Arbitrary<number> => fc.integer({ min: 0, max: U32_MAX })
export const anyPpm = (): fc.Arbitrary<Ppm> => anyU32() as fc.Arbitrary<Ppm>
export const anyTimestamp = (): fc.Arbitrary<Timestamp> =>
  fc.integer({ min: 0, max: LAST_INSTANT }) as fc.Arbitrary<Timestamp>

export const anyTerms = (): fc.Arbitrary<FeeTerms> =>
  fc.record({
    min_fee_msat: anyMsat(),
    proportional: anyPpm(),
    valid_until: anyTimestamp(),
    min_lifetime: anyU32(),
    max_client_to_self_delay: anyU32(),
    min_payment_size_msat: anyMsat(),
    max_payment_size_msat: anyMsat(),
  })

/** The generator point: what the examples of the specs use. */
export const NODE = nodeId('0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798')
export const OTHER_NODE = nodeId('02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5')

function nodeId(text: string): NodeId {
  const id = parseNodeId(text)
  if (id === undefined) throw new Error(`not a node id: ${text}`)
  return id
}

/** The sample of bLIP-52. */
export const SAMPLE_TERMS: FeeTerms = {
  min_fee_msat: msat(546_000n),
  proportional: 1200 as Ppm,
  valid_until: 1_677_142_050_511 as Timestamp,
  min_lifetime: 1008,
  max_client_to_self_delay: 2016,
  min_payment_size_msat: msat(1000n),
  max_payment_size_msat: msat(1_000_000n),
}
