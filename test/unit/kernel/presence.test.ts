import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Presence } from '../../../src/kernel/presence.ts'

function setUp() {
  const came: string[] = []
  return { came, presence: new Presence<string>((peer) => came.push(peer)) }
}

/** A list that answers when it is told to. */
function slowList() {
  let answer: (peers: readonly string[]) => void = () => undefined
  let fail: (error: Error) => void = () => undefined
  const list = () =>
    new Promise<readonly string[]>((resolve, reject) => {
      answer = resolve
      fail = reject
    })
  return { list, answer: (...peers: string[]) => answer(peers), fail: () => fail(new Error('lnd is away')) }
}

describe('who is connected', () => {
  it('is who an event said came, until one says that it went', () => {
    const { presence, came } = setUp()
    presence.tell('a', true)
    expect(presence.has('a')).toBe(true)
    presence.tell('a', false)
    presence.tell('b', false)
    expect(presence.has('a')).toBe(false)
    expect(came).toEqual(['a'])
  })

  it('tells once of who was here and went, by an event or a list', async () => {
    const went: string[] = []
    const presence = new Presence<string>(
      () => undefined,
      (peer) => went.push(peer),
    )
    presence.tell('a', true)
    presence.tell('b', true)
    presence.tell('a', false)
    presence.tell('a', false)
    presence.tell('c', false)
    await presence.load(async () => [])
    expect(went).toEqual(['a', 'b'])
  })

  it('is told of each time that somebody comes, also of who was there: it may have reconnected', () => {
    const { presence, came } = setUp()
    presence.tell('a', true)
    presence.tell('a', true)
    expect(came).toEqual(['a', 'a'])
  })

  it('is who a list names: who came while no event was heard is told of, who went is gone', async () => {
    const { presence, came } = setUp()
    presence.tell('gone', true)
    presence.tell('stays', true)
    await presence.load(async () => ['stays', 'new'])
    expect([presence.has('gone'), presence.has('stays'), presence.has('new')]).toEqual([false, true, true])
    expect(came).toEqual(['gone', 'stays', 'new'])
  })

  it('is by an event rather than by a list that was under way: the event is newer', async () => {
    const { presence, came } = setUp()
    const { list, answer } = slowList()
    presence.tell('leaves', true)
    const loading = presence.load(list)
    presence.tell('leaves', false)
    presence.tell('comes', true)
    answer('leaves')
    await loading
    expect([presence.has('leaves'), presence.has('comes')]).toEqual([false, true])
    expect(came).toEqual(['leaves', 'comes'])
  })

  it('is by each of two lists at once, as far as no event came meanwhile', async () => {
    const { presence } = setUp()
    const [older, newer] = [slowList(), slowList()]
    const first = presence.load(older.list)
    presence.tell('a', true)
    const second = presence.load(newer.list)
    older.answer()
    newer.answer('b')
    await Promise.all([first, second])
    // The older list began before the event, so it says nothing about it; the newer one knows better.
    expect([presence.has('a'), presence.has('b')]).toEqual([false, true])
  })

  it('stays as it is when a list fails, and what came meanwhile holds nothing back later', async () => {
    const { presence } = setUp()
    const { list, fail } = slowList()
    const loading = presence.load(list)
    presence.tell('a', true)
    fail()
    await expect(loading).rejects.toThrow('lnd is away')
    expect(presence.has('a')).toBe(true)
    await presence.load(async () => [])
    expect(presence.has('a')).toBe(false)
  })

  it('is what the last word about each peer says, whatever the order of events and lists', async () => {
    const peers = ['a', 'b', 'c']
    const event = fc.record({ peer: fc.constantFrom(...peers), online: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(event, fc.subarray(peers)), { maxLength: 20 }), async (words) => {
        const { presence } = setUp()
        const expected = new Set<string>()
        for (const word of words) {
          if (Array.isArray(word)) {
            await presence.load(async () => word)
            expected.clear()
            for (const peer of word) expected.add(peer)
          } else {
            presence.tell(word.peer, word.online)
            if (word.online) expected.add(word.peer)
            else expected.delete(word.peer)
          }
        }
        for (const peer of peers) expect(presence.has(peer)).toBe(expected.has(peer))
      }),
    )
  })
})
