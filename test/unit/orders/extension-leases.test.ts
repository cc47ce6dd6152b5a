import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sat, U32_MAX } from '../../../lsps/base/amount.ts'
import type { Scid } from '../../../lsps/base/scid.ts'
import { checkExtension } from '../../../lsps/lsps7/rules.ts'
import { extendableOf, type Lease, mostExtension, newExpiryHeight } from '../../../src/orders/extension-leases.ts'
import { extensionView } from '../../../src/orders/extension-view.ts'
import type { Purpose } from '../../../src/orders/states.ts'
import { NODE } from '../lsps/arbitraries.ts'
import * as s from './samples.ts'

const LEASE: Lease = {
  outpoint: s.OUTPOINT,
  scid: '800000x1x1' as Scid,
  client: NODE,
  capacity: sat(1_000_000n),
  source: { type: 'order', id: 'an-order' },
  extensions: [],
  untilHeight: s.HEIGHT + 1_000,
  until: s.time(5_000),
  fundedAt: s.time(1_000),
}
const height = fc.integer({ min: 0, max: 2_000_000 })
const blocks = fc.integer({ min: 0, max: 600_000 })

describe('how much longer a channel can be had', () => {
  it('[L7-02] [L7-08] what is paid already counts: never further than may be promised from now on', () => {
    fc.assert(
      fc.property(height, height, blocks, (untilHeight, now, mostBlocks) => {
        const most = mostExtension({ untilHeight }, { height: now, mostBlocks })
        expect(most).toBeGreaterThanOrEqual(0)
        expect(most).toBeLessThanOrEqual(U32_MAX)
        if (most === 0) expect(Math.max(0, untilHeight - now)).toBeGreaterThanOrEqual(mostBlocks)
        else expect(newExpiryHeight({ untilHeight }, now, most)).toBe(now + mostBlocks)
      }),
    )
  })

  it('[L7-03] [L7-06] it ends later than before, and later than now, by all the blocks that are paid for', () => {
    fc.assert(
      fc.property(height, height, fc.integer({ min: 1, max: 600_000 }), (untilHeight, now, more) => {
        const until = newExpiryHeight({ untilHeight }, now, more)
        expect(until - Math.max(untilHeight, now)).toBe(more)
      }),
    )
  })

  it('[L7-01] [L7-02] [L7-04] what is listed is just what can be ordered', () => {
    fc.assert(
      fc.property(height, blocks, fc.integer({ min: 1, max: U32_MAX }), (now, mostBlocks, wanted) => {
        const listed = extendableOf(LEASE, { height: now, mostBlocks })
        const order = { short_channel_id: LEASE.scid, channel_extension_expiry_blocks: wanted } as never
        const mismatch = checkExtension([listed], order)
        if (wanted <= listed.max_channel_extension_expiry_blocks) expect(mismatch).toBeUndefined()
        else expect(mismatch?.property).toBe('max_channel_extension_expiry_blocks')
      }),
    )
  })

  it('[L7-01] tells what the channel was sold by, and what made it longer', () => {
    const limits = { height: s.HEIGHT, mostBlocks: 2_000 }
    expect(extendableOf(LEASE, limits)).toEqual({
      original_order: { id: 'an-order', service: 'LSPS1' },
      short_channel_id: LEASE.scid,
      max_channel_extension_expiry_blocks: 1_000,
      expiration_block: s.HEIGHT + 1_000,
    })
    const jit = { ...LEASE, source: { type: 'jit', id: '16000001x1x1' }, extensions: ['a', 'b'] } as const
    expect(extendableOf(jit, limits)).toMatchObject({
      original_order: { id: '16000001x1x1', service: 'LSPS2' },
      extension_order_ids: ['a', 'b'],
    })
  })
})

describe('what an extension says of its channel', () => {
  const purpose = s.EXTENSION.purpose as Extract<Purpose, { type: 'extension' }>
  const paid = s.accepted({ received: s.FEE * 1000n })

  it('[L7-03] its end so far while it is unpaid, and the new one when it is done', () => {
    const created = extensionView(s.after(s.EXTENSION), purpose, LEASE)
    expect(created).toMatchObject({
      short_channel_id: purpose.scid,
      channel_extension_expiry_blocks: purpose.blocks,
      new_channel_expiry_blocks: purpose.newExpiryHeight,
      token: '',
      order_state: 'CREATED',
      channel: { short_channel_id: purpose.scid, expires_at: LEASE.until, funded_at: LEASE.fundedAt },
    })
    const done = s.after(s.EXTENSION, paid, s.extended())
    const { expiresAt } = s.extended() as Extract<ReturnType<typeof s.extended>, { type: 'extended' }>
    expect(extensionView(done, purpose, LEASE)).toMatchObject({
      order_state: 'COMPLETED',
      channel: { expires_at: expiresAt },
    })
  })

  it('[L7-03] [L7-08] never an earlier end than another extension bought meanwhile', () => {
    const done = s.after(s.EXTENSION, paid, s.extended())
    const longer = { until: s.time(9_000_000_000), fundedAt: s.time(0) }
    expect(extensionView(done, purpose, longer).channel.expires_at).toBe(longer.until)
  })

  it('[L7-03] promises nothing of a channel that is gone, and tells why an extension failed', () => {
    const failed = s.after(s.EXTENSION, paid, s.extendRefused())
    const view = extensionView(failed, purpose, undefined)
    expect(view).toMatchObject({ order_state: 'FAILED', message: 'the channel is closed' })
    expect(view.channel.expires_at).toBe(s.CREATED_AT)
  })
})
