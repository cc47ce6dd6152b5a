import { describe, expect, it } from 'vitest'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import type { NodeId } from '../../../lsps/base/node-id.ts'
import { MAX_KEPT_REPLIES, REPLY_AGE_MS, Replies } from '../../../src/peer/replies.ts'

const PEER = `02${'ab'.repeat(32)}` as NodeId
const at = (ms: number) => ms as Timestamp
const encode = (answer: object) => Promise.resolve(new TextEncoder().encode(JSON.stringify(answer)))

describe('replies that are kept', () => {
  it('are found by the same bytes of the same peer, for as long as they live', () => {
    const replies = new Replies()
    const reply = encode({ result: {} })
    replies.keep(PEER, 'buy', reply, at(0))
    expect(replies.find(PEER, 'buy', at(REPLY_AGE_MS - 1))).toBe(reply)
    expect(replies.find(PEER, 'buy', at(REPLY_AGE_MS))).toBeUndefined()
    expect(replies.find(PEER, 'buy ', at(0))).toBeUndefined()
    expect(replies.find(`03${PEER.slice(2)}` as NodeId, 'buy', at(0))).toBeUndefined()
  })

  it('are forgotten when they are errors', async () => {
    const replies = new Replies()
    const reply = encode({ error: {} })
    replies.keep(PEER, 'buy', reply, at(0))
    await reply
    await Promise.resolve()
    expect(replies.find(PEER, 'buy', at(0))).toBeUndefined()
  })

  it('are bounded, and the last half of them is always there', () => {
    const replies = new Replies()
    const found = (first: number, end: number) =>
      Array.from({ length: end - first }, (_, n) => replies.find(PEER, `${first + n}`, at(0))).filter(Boolean).length
    const sent = 3 * MAX_KEPT_REPLIES + 1
    for (let n = 0; n < sent; n += 1) replies.keep(PEER, `${n}`, encode({ result: {} }), at(0))
    expect(found(sent - MAX_KEPT_REPLIES / 2, sent)).toBe(MAX_KEPT_REPLIES / 2)
    expect(found(0, sent)).toBeLessThanOrEqual(MAX_KEPT_REPLIES)
  })
})
