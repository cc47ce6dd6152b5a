import { createHash, createHmac } from 'node:crypto'
import type { Entropy } from '../kernel/entropy.ts'

/** What the preimages of orders are derived under; never to be changed: invoices of orders depend on it. */
const LABEL = 'order-preimage'

/** The preimage of an order's hold invoice and its hash, in hex: from the seed, so that nothing of it is stored (D16). */
export function preimageOf(seed: Uint8Array, orderId: string): { readonly preimage: string; readonly hash: string } {
  const preimage = createHmac('sha256', seed).update(`${LABEL}${orderId}`).digest()
  return { preimage: preimage.toString('hex'), hash: createHash('sha256').update(preimage).digest('hex') }
}

/** Names the payout that sends an output back: one output, one name, one payout. Hex of 32 bytes. */
export function refundId(outpoint: string): string {
  return createHash('sha256').update(`order-refund:${outpoint}`).digest('hex')
}

const UUID_BYTES = 16

/** A random UUID (version 4): nobody guesses the id of somebody else's order (L1-40). */
export function newOrderId(entropy: Entropy): string {
  const bytes = entropy(UUID_BYTES)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = Buffer.from(bytes).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
