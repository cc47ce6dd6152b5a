import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Connection } from './connect.ts'
import { toNodeId, toPeer } from './convert.ts'
import { listen } from './listen.ts'
import type { CustomMessage, LndPort, OnEvent, PeerEvent } from './port.ts'

type PeerCalls = Pick<
  LndPort,
  'listPeers' | 'disconnectPeer' | 'sendCustomMessage' | 'subscribePeerEvents' | 'subscribeCustomMessages'
>

export function peerCalls(lnd: Connection): PeerCalls {
  return {
    listPeers: async (signal) => {
      const { peers } = await lnd.unary('listPeers', {}, signal)
      return peers.map(toPeer)
    },

    disconnectPeer: async (peer: NodeId, signal) => {
      await lnd.unary('disconnectPeer', { pub_key: peer }, signal)
    },

    sendCustomMessage: async ({ peer, type, data }: CustomMessage, signal) => {
      await lnd.unary('sendCustomMessage', { peer: Buffer.from(peer, 'hex'), type, data }, signal)
    },

    subscribePeerEvents: (onEvent: OnEvent<PeerEvent>, signal) =>
      listen(lnd.stream('peerEvents', {}), {
        name: 'subscribePeerEvents',
        onEvent: ({ pub_key, type }) => onEvent({ nodeId: toNodeId(pub_key), online: type === 'PEER_ONLINE' }),
        signal,
      }),

    subscribeCustomMessages: (onEvent: OnEvent<CustomMessage>, signal) =>
      listen(lnd.stream('customMessages', {}), {
        name: 'subscribeCustomMessages',
        onEvent: ({ peer, type, data }) => onEvent({ peer: toNodeId(peer.toString('hex')), type, data }),
        signal,
      }),
  }
}
