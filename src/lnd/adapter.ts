import { channelCalls } from './channels.ts'
import { type Connection, type ConnectOptions, connect } from './connect.ts'
import { toNodeInfo } from './convert.ts'
import { htlcCalls } from './htlcs.ts'
import { invoiceCalls } from './invoices.ts'
import { peerCalls } from './peers.ts'
import type { LndPort } from './port.ts'
import { walletCalls } from './wallet.ts'

export type LndAdapter = LndPort & {
  /** For the checks at start (`permissions.ts`). */
  readonly connection: Connection
  readonly close: () => void
}

/**
 * The port on a real lnd. Returns at once: the connection is made meanwhile, and again whenever it breaks.
 * @throws SidecarError CONFIG_INVALID when certificate or macaroon cannot be read
 */
export function createLndAdapter(options: ConnectOptions): LndAdapter {
  const connection = connect(options)
  return {
    getInfo: async (signal) => toNodeInfo(await connection.unary('getInfo', {}, signal)),
    signMessage: async (text, signal) => {
      const { signature } = await connection.unary('signMessage', { msg: Buffer.from(text) }, signal)
      return signature
    },
    ...peerCalls(connection),
    ...channelCalls(connection),
    ...walletCalls(connection),
    ...invoiceCalls(connection),
    ...htlcCalls(connection),
    connection,
    close: connection.close,
  }
}
