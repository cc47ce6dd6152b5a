import { describe, expect, it } from 'vitest'
import { NodeId } from '../../../lsps/base/node-id.ts'
import { MAX_RELINKED, RELINK_AFTER_MS, RELINK_PAUSE_MS, Relink } from '../../../src/jit/relink.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'

const { signal } = new AbortController()
/** As lnd words it. */
const REASON = 'FeeInsufficient(htlc_amt==25000000 mSAT, update=(*lnwire.ChannelUpdate1)(0xc0'

function nodeId(n: number): NodeId {
  return NodeId.parse(`02${n.toString(16).padStart(64, '0')}`)
}

function relinkWith(answer: () => Promise<void> = async () => undefined) {
  const clock = new ManualClock()
  const disconnected: NodeId[] = []
  const disconnectPeer = (peer: NodeId) => {
    disconnected.push(peer)
    return answer()
  }
  return { clock, disconnected, relink: new Relink({ lnd: { disconnectPeer }, clock, log: silentLog }) }
}

describe('a forward that fails for want of a fee', () => {
  it('has its client disconnected a moment later, once for all parts that fail at that time', async () => {
    const { relink, disconnected, clock } = relinkWith()
    relink.onFailed(nodeId(1), REASON, signal)
    relink.onFailed(nodeId(1), 'FEE_INSUFFICIENT', signal)
    relink.onFailed(nodeId(2), 'fee_insufficient', signal)
    await clock.advance(RELINK_AFTER_MS - 1)
    expect(disconnected).toEqual([])
    await clock.advance(1)
    expect(disconnected).toEqual([nodeId(1), nodeId(2)])
    await clock.advance(RELINK_PAUSE_MS - RELINK_AFTER_MS)
    relink.onFailed(nodeId(1), REASON, signal)
    await clock.advance(RELINK_AFTER_MS)
    expect(disconnected).toEqual([nodeId(1), nodeId(2), nodeId(1)])
  })

  it('is none for any other reason', async () => {
    const { relink, disconnected, clock } = relinkWith()
    for (const reason of ['failed downstream', 'TEMPORARY_CHANNEL_FAILURE', 'insufficient bandwidth to route htlc', ''])
      relink.onFailed(nodeId(1), reason, signal)
    await clock.advance(RELINK_PAUSE_MS)
    expect(disconnected).toEqual([])
  })

  it('changes nothing when lnd cannot be asked, and remembers only so many clients', async () => {
    const { relink, disconnected, clock } = relinkWith(() => Promise.reject(new Error('away')))
    for (let n = 1; n <= MAX_RELINKED + 1; n += 1) relink.onFailed(nodeId(n), REASON, signal)
    relink.onFailed(nodeId(1), REASON, signal) // forgotten
    relink.onFailed(nodeId(3), REASON, signal)
    await clock.advance(RELINK_AFTER_MS)
    expect(disconnected.slice(MAX_RELINKED + 1)).toEqual([nodeId(1)])
  })
})
