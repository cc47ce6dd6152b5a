import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { MAX_ORDER_ID_CHARACTERS } from '../../../lsps/lsps1/schema.ts'
import { systemEntropy } from '../../../src/kernel/entropy.ts'
import { isOrderId } from '../../../src/orders/handlers.ts'
import { newOrderId, preimageOf, refundId } from '../../../src/orders/preimage.ts'

const SEED = new Uint8Array(32).fill(7)
const ID = 'bb4b5d0a-8334-49d8-9463-90a6d413af7c'

describe('the id of an order', () => {
  it('[L1-40] is a random UUID of version 4, whatever the bytes are', () => {
    for (const byte of [0x00, 0xff, 0x5a]) {
      const id = newOrderId((length) => new Uint8Array(length).fill(byte))
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      expect(id.length).toBeLessThanOrEqual(MAX_ORDER_ID_CHARACTERS)
      expect(isOrderId(id)).toBe(true)
    }
    const ids = Array.from({ length: 2_000 }, () => newOrderId(systemEntropy))
    expect(new Set(ids).size).toBe(ids.length)
  })

  it.each(['', ID.toUpperCase(), `${ID} `, ID.replace('-49d8', '-19d8'), ID.replace('-9463', '-7463'), 'x'.repeat(36)])(
    '[L1-52] is not %j',
    (text) => {
      expect(isOrderId(text)).toBe(false)
    },
  )
})

describe('the preimage of an order', () => {
  it('[L1-65] is of 32 bytes, fits its hash, and is the same after any restart', () => {
    const { preimage, hash } = preimageOf(SEED, ID)
    expect(preimage).toMatch(/^[0-9a-f]{64}$/)
    expect(createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex')).toBe(hash)
    expect(preimageOf(Uint8Array.from(SEED), ID)).toEqual({ preimage, hash })
    // Invoices that stand at lnd depend on how it is derived.
    expect(hash).toBe('04b1ad63668704e7006bc8d196b95f3d09c8fdb9f18081bcf31e44581f8a51d3')
  })

  it('is another one for another order, and for another seed', () => {
    const hashes = [preimageOf(SEED, ID), preimageOf(SEED, `${ID}0`), preimageOf(new Uint8Array(32), ID)]
    expect(new Set(hashes.map(({ hash }) => hash)).size).toBe(3)
  })
})

describe('the name of a refund', () => {
  it('is one for each output: asked for twice it is one payout', () => {
    const outpoint = `${'ab'.repeat(32)}:0`
    expect(refundId(outpoint)).toBe(refundId(outpoint))
    expect(refundId(outpoint)).not.toBe(refundId(`${'ab'.repeat(32)}:1`))
    expect(refundId(outpoint)).toMatch(/^[0-9a-f]{64}$/)
  })
})
