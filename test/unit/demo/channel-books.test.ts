import { describe, expect, it } from 'vitest'
import { plain } from '../../../src/cli/format.ts'
import { checkOrdered, compareChannels, renderChannels } from '../../demo/channel-books.ts'
import type { ListedChannel, WalletChannel } from '../../demo/world.ts'

const SALE = `${'ab'.repeat(32)}:0`
const ORDER = `${'cd'.repeat(32)}:1`
const OWN: readonly WalletChannel[] = [
  { outpoint: SALE, capacity: 1_296_914n, owned: 1_050_107_470n },
  { outpoint: ORDER, capacity: 4_150_000n, owned: 150_000_000n },
]
const LISTED: readonly ListedChannel[] = [
  { outpoint: ORDER, capacity: 4_150_000n, remoteBalance: 150_000n, pushed: 150_000n },
  { outpoint: SALE, capacity: 1_296_914n, remoteBalance: 1_050_107n, pushed: 0n },
]
const BOUGHT = {
  outpoint: ORDER,
  pushed: 150_000_000n,
  before: { height: 5_000, time: '2026-12-25T00:00:00.000Z' },
  after: { height: 9_320, time: '2027-01-24T00:00:00.000Z' },
}

describe('the channels of the demo', () => {
  it('agree to the satoshi, in whatever order they are listed', () => {
    expect(compareChannels(OWN, LISTED)).toEqual([])
  })

  it('differ by a satoshi, by their size, and by one that only one side knows', () => {
    const [order, sale] = LISTED
    const off = [{ ...order, remoteBalance: 150_001n, capacity: 4_150_001n } as ListedChannel]
    expect(compareChannels(OWN, off)).toEqual([
      "channel abababab..abab:0: the operator's node does not know it",
      'channel cdcdcdcd..cdcd:1: its size is 4,150,001 sat by the node, 4,150,000 sat by the wallet',
      "channel cdcdcdcd..cdcd:1: the wallet's part is 150,001 sat by the node, 150,000 sat by the wallet",
    ])
    expect(compareChannels([], [sale as ListedChannel])).toEqual([
      'channel abababab..abab:0: the wallet does not know it',
    ])
  })

  it('are shown by both sides', () => {
    expect(renderChannels(OWN, LISTED, plain).split('\n')).toEqual([
      "in sat                 size  the wallet's part  by the operator's node",
      'abababab..abab:0  1,296,914      1,050,107.470               1,050,107',
      'cdcdcdcd..cdcd:1  4,150,000            150,000                 150,000',
    ])
  })
})

describe('the ordered channel', () => {
  it('is what was ordered', () => {
    expect(checkOrdered(BOUGHT, LISTED)).toEqual([])
  })

  it.each([
    [{ pushed: 149_999_999n }, "the wallet's part of it at the beginning, in msat: 149,999,999 instead of 150,000,000"],
    [{ after: { ...BOUGHT.after, height: 9_319 } }, 'the blocks that it is kept longer: 4,319 instead of 4,320'],
    [{ outpoint: SALE }, 'the size of the ordered channel: 1,296,914 instead of 4,150,000'],
    [
      { after: { ...BOUGHT.after, time: BOUGHT.before.time } },
      `the ordered channel is kept until ${BOUGHT.before.time}, before it was ${BOUGHT.before.time}`,
    ],
  ])('is not when %o', (change, difference) => {
    expect(checkOrdered({ ...BOUGHT, ...change }, LISTED)).toEqual([difference])
  })
})
