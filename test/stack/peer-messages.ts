import type { Lnd } from './lnd.ts'

export type PeerMessage = { readonly peer: string; readonly type: number; readonly data: Uint8Array }

/** Everything that peers send to a node beside the protocol itself: a second ear next to sluiced's own. */
export class PeerMessages {
  readonly messages: PeerMessage[] = []
  readonly #stream: { cancel(): void }

  constructor(node: Lnd) {
    const stream = node.rpc.default.subscribeCustomMessages({})
    stream.on('data', ({ peer, type, data }: { peer: Buffer; type: number; data: Buffer }) => {
      this.messages.push({ peer: peer.toString('hex'), type, data: Uint8Array.from(data) })
    })
    // It ends with the node; whoever misses a message says so.
    stream.on('error', () => undefined)
    this.#stream = stream
  }

  /** The JSON texts of one peer, oldest first. */
  textsOf(peer: string): readonly string[] {
    return this.messages
      .filter((message) => message.peer === peer)
      .map(({ data }) => Buffer.from(data).toString('utf8'))
  }

  stop(): void {
    this.#stream.cancel()
  }
}
