import * as z from 'zod'

declare const brand: unique symbol

/** A node's compressed public key: 66 lower-case hex characters. */
export type NodeId = string & { readonly [brand]: 'node-id' }

const NODE_ID = /^0[23][0-9a-f]{64}$/

/** Reads either case and normalises to lower case (L0-74); undefined when it is not a compressed public key. */
export function parseNodeId(text: string): NodeId | undefined {
  const lower = text.toLowerCase()
  return NODE_ID.test(lower) ? (lower as NodeId) : undefined
}

/** The codec of the stored and wire form. */
export const NodeId = z.custom<NodeId>((v) => typeof v === 'string' && NODE_ID.test(v), {
  message: 'not a compressed public key in hex',
})
