import { describe, expect, it } from 'vitest'
import type { NodeId } from '../../../lsps/base/node-id.ts'
import type { Channel, PendingHtlc } from '../../../src/lnd/port.ts'
import { CLAIM_BLOCKS, expiringSoon, SOON_BLOCKS } from '../../../src/webhooks/expiring.ts'

const HEIGHT = 800_000
const ALICE = `02${'aa'.repeat(32)}` as NodeId
const BOB = `02${'bb'.repeat(32)}` as NodeId
const htlc = (expiryHeight: number, incoming = false) => ({ incoming, expiryHeight }) as PendingHtlc
const channel = (peer: NodeId, ...pendingHtlcs: PendingHtlc[]) => ({ peer, pendingHtlcs }) as unknown as Channel
const look = (channels: Channel[], isWanted: (client: NodeId) => boolean = () => true) =>
  expiringSoon(channels, { height: HEIGHT, isWanted })

describe('an HTLC that runs out', () => {
  it('[L5-30] is told when lnd closes its channel within 24 blocks, with that height', () => {
    const soon = HEIGHT + SOON_BLOCKS
    expect(look([channel(ALICE, htlc(soon))])).toEqual([{ client: ALICE, timeout: soon }])
    expect(look([channel(ALICE, htlc(soon + 1))])).toEqual([])
    expect(look([channel(ALICE), channel(BOB, htlc(HEIGHT + 1))])).toEqual([{ client: BOB, timeout: HEIGHT + 1 }])
  })

  it('is told in the other direction too: lnd closes in time to claim it, the peer when it has run out', () => {
    const offered = HEIGHT + SOON_BLOCKS + CLAIM_BLOCKS
    expect(look([channel(ALICE, htlc(offered, true))])).toEqual([{ client: ALICE, timeout: HEIGHT + SOON_BLOCKS }])
    expect(look([channel(ALICE, htlc(offered + 1, true))])).toEqual([])
    const unclaimed = HEIGHT + CLAIM_BLOCKS
    expect(look([channel(ALICE, htlc(unclaimed, true))])).toEqual([{ client: ALICE, timeout: unclaimed }])
  })

  it('is told once to a client, by the first of its channels to be closed, and not when it has run out', () => {
    const channels = [
      channel(ALICE, htlc(HEIGHT + 9), htlc(HEIGHT)),
      channel(ALICE, htlc(HEIGHT + 3), htlc(HEIGHT - 4)),
    ]
    expect(look(channels)).toEqual([{ client: ALICE, timeout: HEIGHT + 3 }])
    expect(look([channel(ALICE, htlc(HEIGHT))])).toEqual([])
  })

  it('is of no interest for who is here, or has no webhook', () => {
    expect(look([channel(ALICE, htlc(HEIGHT + 2)), channel(BOB, htlc(HEIGHT + 2))], (peer) => peer === BOB)).toEqual([
      { client: BOB, timeout: HEIGHT + 2 },
    ])
  })
})
