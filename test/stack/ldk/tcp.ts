import { createConnection, type Socket } from 'node:net'
import * as ldk from 'lightningdevkit'

const DIAL_MS = 30_000

let lastDescriptor = 0n

/** A TCP connection that LDK's peer manager reads and writes through. */
export class PeerSocket {
  readonly #peers: ldk.PeerManager
  readonly #socket: Socket
  readonly #descriptor: ldk.SocketDescriptor
  readonly #afterRead: () => void
  #open = true

  private constructor(peers: ldk.PeerManager, socket: Socket, afterRead: () => void) {
    this.#peers = peers
    this.#socket = socket
    this.#afterRead = afterRead
    lastDescriptor += 1n
    const id = lastDescriptor
    this.#descriptor = ldk.SocketDescriptor.new_impl({
      send_data: (data, resumeRead) => {
        if (!this.#open) return 0
        if (resumeRead) socket.resume()
        // Node buffers what the kernel does not take, so everything always counts as sent.
        if (data.length > 0) socket.write(Uint8Array.from(data))
        return data.length
      },
      disconnect_socket: () => {
        this.#open = false
        socket.destroy()
      },
      eq: (other) => other.hash() === id,
      hash: () => id,
    })
    socket.on('data', (bytes: Buffer) => this.#read(bytes))
    socket.on('error', () => undefined)
    socket.once('close', () => this.close())
  }

  /** Dials and starts the noise handshake; the peer is connected once its `init` has come. */
  static async dial(
    peers: ldk.PeerManager,
    target: { readonly nodeId: Uint8Array; readonly host: string; readonly port: number },
    afterRead: () => void,
  ): Promise<PeerSocket> {
    const socket = createConnection({ host: target.host, port: target.port, noDelay: true })
    await new Promise<void>((resolve, reject) => {
      socket.setTimeout(DIAL_MS, () => reject(new Error(`no connection to ${target.host}:${target.port}`)))
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    socket.setTimeout(0)
    const connection = new PeerSocket(peers, socket, afterRead)
    const first = peers.new_outbound_connection(
      target.nodeId,
      connection.#descriptor,
      ldk.Option_SocketAddressZ.constructor_none(),
    )
    if (!(first instanceof ldk.Result_CVec_u8ZPeerHandleErrorZ_OK)) {
      socket.destroy()
      throw new Error('LDK refused the new connection')
    }
    socket.write(Uint8Array.from(first.res))
    return connection
  }

  #read(bytes: Buffer): void {
    if (!this.#open) return
    const result = this.#peers.read_event(this.#descriptor, Uint8Array.from(bytes))
    if (result instanceof ldk.Result_boolPeerHandleErrorZ_OK) {
      if (result.res) this.#socket.pause()
    } else {
      // After an error LDK has forgotten the descriptor already.
      this.#open = false
      this.#socket.destroy()
    }
    this.#afterRead()
  }

  get open(): boolean {
    return this.#open
  }

  /** Cuts the connection at once: nothing that LDK still wanted to say goes out. */
  close(): void {
    this.#socket.destroy()
    if (!this.#open) return
    this.#open = false
    this.#peers.socket_disconnected(this.#descriptor)
    this.#afterRead()
  }
}
