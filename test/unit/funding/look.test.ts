import { describe, expect, it } from 'vitest'
import { type LookPort, look } from '../../../src/funding/look.ts'
import type { Channel, ClosedChannel, PendingChannel } from '../../../src/lnd/port.ts'
import { OTHER_NODE } from '../lsps/arbitraries.ts'
import { CHANNEL, CLOSED, ORDER, OTHER_OUTPOINT, OUTPOINT } from './samples.ts'

const { signal } = new AbortController()

type Lists = { pending?: readonly PendingChannel[]; open?: readonly Channel[]; closed?: readonly ClosedChannel[] }

/** A node with these lists; remembers the order in which they were asked for. */
class Node implements LookPort {
  readonly asked: string[] = []
  readonly #lists: Lists

  constructor(lists: Lists) {
    this.#lists = lists
  }

  async pendingChannels() {
    this.asked.push('pending')
    return this.#lists.pending ?? []
  }

  async listChannels() {
    this.asked.push('open')
    return this.#lists.open ?? []
  }

  async closedChannels() {
    this.asked.push('closed')
    return this.#lists.closed ?? []
  }
}

const see = (lists: Lists, outpoint: string | undefined = OUTPOINT) => look(new Node(lists), ORDER, outpoint, signal)
const pending = (change: Partial<PendingChannel> = {}): PendingChannel => ({
  peer: ORDER.peer,
  outpoint: OUTPOINT,
  memo: ORDER.memo,
  stage: 'opening',
  ...change,
})

describe('looking for the channel of an order', () => {
  it('asks for pending, open and closed channels in the order in which a channel moves', async () => {
    const node = new Node({})
    expect(await look(node, ORDER, OUTPOINT, signal)).toEqual({ found: 'nothing' })
    expect(node.asked).toEqual(['pending', 'open', 'closed'])
  })

  it('finds an open channel', async () => {
    expect(await see({ open: [CHANNEL] })).toEqual({ found: 'open', outpoint: OUTPOINT, channel: CHANNEL })
  })

  it('finds it by the memo when the outpoint is not known', async () => {
    expect(await look(new Node({ open: [CHANNEL] }), ORDER, undefined, signal)).toMatchObject({ found: 'open' })
  })

  it('finds it by the outpoint when the memo is lost', async () => {
    expect(await see({ pending: [pending({ memo: '' })] })).toEqual({ found: 'pending', outpoint: OUTPOINT })
  })

  it('tells the outpoint of the channel that it found, which may not be the expected one', async () => {
    expect(await see({ open: [{ ...CHANNEL, outpoint: OTHER_OUTPOINT }] })).toMatchObject({ outpoint: OTHER_OUTPOINT })
  })

  it('prefers the open channel when one was pending a moment ago', async () => {
    expect(await see({ pending: [pending()], open: [CHANNEL] })).toMatchObject({ found: 'open' })
  })

  it('tells a channel that goes away from one that comes', async () => {
    expect(await see({ pending: [pending({ stage: 'closing' })] })).toEqual({ found: 'closing', outpoint: OUTPOINT })
  })

  it('finds a closed channel', async () => {
    expect(await see({ closed: [CLOSED] })).toEqual({
      found: 'closed',
      outpoint: OUTPOINT,
    })
  })

  it('takes no channel of another peer, nor one with another memo and outpoint', async () => {
    const foreign = [
      { ...CHANNEL, peer: OTHER_NODE },
      { ...CHANNEL, outpoint: OTHER_OUTPOINT, memo: 'something else' },
    ]
    expect(await see({ open: foreign })).toEqual({ found: 'nothing' })
  })
})
