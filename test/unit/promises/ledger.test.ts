import { describe, expect, it } from 'vitest'
import { sat } from '../../../lsps/base/amount.ts'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import { CHANNEL } from '../funding/samples.ts'
import { BLOCKS, closed, closing, DAY_MS, FROM, ledger, MADE_AT, NEW, OUTPOINT } from './samples.ts'

/** A channel that was paid for, whose funding is deep in the chain. */
async function kept(more: Partial<typeof NEW & { notBefore: Timestamp }> = {}) {
  const made = ledger()
  await made.store.commit(made.promises.entry({ ...NEW, ...more }))
  await made.block(FROM + 5)
  return made
}

describe('a channel that nobody paid for', () => {
  it('has no promise: it may be taken back', () => {
    expect(ledger().promises.keeps(OUTPOINT)).toBeUndefined()
  })
})

describe('a promised channel [L2-06] [L1-95]', () => {
  it('must stay before its funding is in a block, however many blocks come', async () => {
    const { promises, shown, store, block } = ledger()
    shown.confirmations = 0
    await store.commit(promises.entry(NEW))
    await block(FROM + 10 * BLOCKS)
    expect(promises.keeps(OUTPOINT)).toBe(
      `promised by sale ${NEW.source.id} until ${BLOCKS} blocks after its confirmation`,
    )
  })

  it('must stay until the last of its blocks, counted from the block of its funding', async () => {
    const { promises, block } = await kept()
    await block(FROM + BLOCKS - 1)
    expect(promises.keeps(OUTPOINT)).toBe(`promised by sale ${NEW.source.id} until block ${FROM + BLOCKS}`)
    await block(FROM + BLOCKS)
    expect(promises.keeps(OUTPOINT)).toBeUndefined()
  })

  it('must stay until the time that its client was told, also when blocks come faster', async () => {
    const notBefore = (MADE_AT + 30 * DAY_MS) as Timestamp
    const { promises, clock, block } = await kept({ notBefore })
    await block(FROM + BLOCKS)
    expect(promises.keeps(OUTPOINT)).toContain('and until 2026-02-02T00:00:00.000Z')
    await clock.advance(30 * DAY_MS)
    expect(promises.keeps(OUTPOINT)).toBeUndefined()
  })

  it('must stay while the height of the chain is not known', async () => {
    const { promises, store } = ledger()
    await store.commit(promises.entry(NEW))
    expect(promises.keeps(OUTPOINT)).toBeDefined()
  })

  it('counts from the higher block when a reorganisation moved its funding, and never from a lower one', async () => {
    const { promises, shown, store, block } = ledger()
    await store.commit(promises.entry(NEW))
    shown.confirmations = 1
    await block(FROM)
    shown.confirmations = 0
    await block(FROM + 1)
    shown.confirmations = 1
    await block(FROM + 2)
    shown.confirmations = 4 // as a block at FROM
    await block(FROM + 3)
    expect(promises.live.get(OUTPOINT)).toMatchObject({ fromHeight: FROM + 2 })
  })

  it('is promised once, whoever says it again', async () => {
    const { promises } = await kept()
    const before = promises.live.get(OUTPOINT)
    expect(promises.entry({ ...NEW, blocks: 1 })).toEqual([])
    expect(promises.live.get(OUTPOINT)).toBe(before)
  })

  it('is on disk, and there again after a restart', async () => {
    const { promises, bytes } = await kept()
    const again = ledger(bytes)
    await again.promises.load()
    expect(again.promises.live).toEqual(promises.live)
  })
})

describe('an extension [L7-06]', () => {
  const more = { outpoint: OUTPOINT, order: 'order-1', blocks: 144, untilHeight: FROM + BLOCKS + 144 }

  it('keeps the channel for longer, once for each order', async () => {
    const { promises, store, block } = await kept()
    await store.commit(promises.extend(more))
    expect(promises.extend(more)).toEqual([])
    await block(FROM + BLOCKS + 143)
    expect(promises.keeps(OUTPOINT)).toBe(`promised by sale ${NEW.source.id} until block ${FROM + BLOCKS + 144}`)
    await block(FROM + BLOCKS + 144)
    expect(promises.keeps(OUTPOINT)).toBeUndefined()
  })

  it('gives all the blocks that were paid for, also when another one was paid meanwhile [L7-08]', async () => {
    const { promises } = await kept()
    promises.extend(more)
    promises.extend({ ...more, order: 'order-2' })
    expect(promises.live.get(OUTPOINT)?.blocks).toBe(BLOCKS + 2 * 144)
  })

  it('counts from now on when the promise was over', async () => {
    const { promises, block } = await kept()
    await block(FROM + BLOCKS + 1000)
    promises.extend({ ...more, untilHeight: FROM + BLOCKS + 1000 + 144 })
    expect(promises.live.get(OUTPOINT)?.blocks).toBe(BLOCKS + 1000 + 144)
  })

  it('is not lost when a look at the channels was under way', async () => {
    const { promises, shown, clock, block } = await kept()
    await clock.advance(DAY_MS)
    const looking = block(FROM + 6) // reads the lists, and writes down that the peer was there
    promises.extend(more)
    await looking
    expect(shown.open).toHaveLength(1)
    expect(promises.live.get(OUTPOINT)).toMatchObject({ blocks: BLOCKS + 144, seenAt: MADE_AT + DAY_MS })
  })

  it('of a channel without a promise is nothing', () => {
    expect(ledger().promises.extend(more)).toEqual([])
  })
})

describe('a channel that closes before its time', () => {
  it('is told once when it begins to close, and again with whose doing it was', async () => {
    const { promises, shown, early, block } = await kept()
    shown.open = []
    shown.pending = [closing()]
    await block(FROM + 10)
    await block(FROM + 11)
    expect(early).toHaveLength(1)
    shown.pending = []
    shown.closed = [closed({ closeType: 'cooperative', initiator: 'local' })]
    await block(FROM + BLOCKS) // it was early when it began
    expect(early).toHaveLength(2)
    expect(early[1]?.ended).toMatchObject({ by: 'us', early: true, closeType: 'cooperative' })
    expect(promises.live.size).toBe(0)
    expect(promises.broken).toMatchObject([{ by: 'us' }])
  })

  it('is no broken promise when its peer closed it', async () => {
    const { promises, shown, early, block } = await kept()
    shown.open = []
    shown.closed = [closed({ closeType: 'remote_force', initiator: 'remote' })]
    await block(FROM + 10)
    expect(early[0]?.ended).toMatchObject({ by: 'peer', early: true })
    expect(promises.broken).toEqual([])
  })

  it('is still known as broken after a restart', async () => {
    const { shown, block, bytes } = await kept()
    shown.open = []
    shown.closed = [closed({ closeType: 'local_force', initiator: 'local' })]
    await block(FROM + 10)
    const again = ledger(bytes)
    await again.promises.load()
    expect(again.promises.broken).toMatchObject([{ by: 'us', closeType: 'local_force' }])
    const ended = []
    for await (const one of again.promises.ended()) ended.push(one)
    expect(ended).toHaveLength(1)
  })

  it('is forgotten as closing when lnd gave the close up', async () => {
    const { promises, shown, block } = await kept()
    shown.open = []
    shown.pending = [closing()]
    await block(FROM + 10)
    shown.open = [CHANNEL]
    shown.pending = []
    await block(FROM + 11)
    expect(promises.live.get(OUTPOINT)?.closing).toBeUndefined()
  })
})

describe('a channel that closes after its time', () => {
  it('is told to nobody', async () => {
    const { promises, shown, early, block } = await kept()
    await block(FROM + BLOCKS)
    shown.open = []
    shown.closed = [closed({ initiator: 'local' })]
    await block(FROM + BLOCKS + 1)
    expect(early).toEqual([])
    expect(promises.live.size).toBe(0)
    expect(promises.broken).toEqual([])
  })
})

describe('a look at a channel', () => {
  it('writes down once a day that its peer is there and that it is used', async () => {
    const { promises, shown, clock, block } = await kept()
    await clock.advance(DAY_MS - 1)
    shown.open = [{ ...CHANNEL, totalSent: sat(5n) }]
    await block(FROM + 6)
    expect(promises.live.get(OUTPOINT)).toMatchObject({ seenAt: MADE_AT, movedAt: MADE_AT })
    await clock.advance(1)
    await block(FROM + 7)
    expect(promises.live.get(OUTPOINT)).toMatchObject({
      seenAt: MADE_AT + DAY_MS,
      movedAt: MADE_AT + DAY_MS,
      moved: { sent: 5n, received: 0n },
    })
  })

  it('leaves the channel alone while it is in none of the lists', async () => {
    const { promises, shown, block } = await kept()
    shown.open = []
    await block(FROM + 10)
    expect(promises.live.size).toBe(1)
  })
})
