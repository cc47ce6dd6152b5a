import type { NodeId } from '../../lsps/base/node-id.ts'
import type { OpenRequest } from '../lnd/port.ts'
import type { SimChannel } from './channels.ts'
import type { OutgoingHtlc } from './htlcs.ts'
import type { PeerAnswer } from './opens.ts'

/** static-remote-key, anchors, wumbo, scid-alias, zero-conf: what a wallet of today says. */
export const PEER_FEATURES: readonly number[] = [13, 19, 23, 47, 51]

/** What the simulated node sees of somebody at the other end of a connection. */
export interface RemotePeer {
  readonly nodeId: NodeId
  /** Bits of its init message. */
  readonly features: readonly number[]
  /** How many confirmations it asks for before an ordinary channel is ready. */
  readonly minimumDepth: number
  /** It wants to be connected: after a restart of the node it comes back by itself. */
  readonly wantsConnection: boolean
  /** It comes back by itself also when the node dropped it. */
  readonly reconnects: boolean
  /** Its answer to `open_channel` ("open") or `funding_created` ("sign"). */
  answerOpen(step: 'open' | 'sign', request: OpenRequest): PeerAnswer
  /** The node sent an error about an open, or forgot an open that this peer signed. */
  onOpenFailed(request: OpenRequest | undefined, why: string): void
  onChannelReady(channel: SimChannel): void
  onHtlc(htlc: OutgoingHtlc): void
  /** The preimage that it claims with on chain, if it does: asked when the commitment is there, and then used. */
  preimageFor(htlc: OutgoingHtlc): string | undefined
  onMessage(type: number, data: Uint8Array): void
  onConnection(online: boolean): void
}
