import { createConnection, createServer, type Server, type Socket } from 'node:net'

const HEADER_BYTES = 8
/** How long the daemon's answers gather before they go out together. */
const GATHER_MS = 1

/** What is sent goes out in one write: at the end of this turn of the event loop, or of a millisecond. */
type Gather = 'turn' | 'millisecond'

/** One message of one peer, either way. */
export type OnMessage = (peer: number, payload: Buffer) => void

/**
 * Messages of many peers over one socket, as lnd carries them: each with the peer's number and its length. What the
 * daemon sends within a millisecond goes out in one write: a write for each turn of its event loop took 17 % of its main
 * thread, which is neither the product's time nor the simulated node's. The wait counts as time of the purchase. The
 * peers' side, which has time, sends at once.
 */
export class Link {
  readonly #socket: Socket
  readonly #gather: Gather
  #out: Buffer[] = []
  #rest: Buffer | undefined

  constructor(socket: Socket, gather: Gather, onMessage: OnMessage) {
    this.#socket = socket
    this.#gather = gather
    socket.on('data', (chunk) => this.#read(chunk, onMessage))
    socket.on('error', () => socket.destroy()) // the other side was killed: that is part of a benchmark
  }

  send(peer: number, payload: Uint8Array): void {
    if (this.#out.length === 0) {
      if (this.#gather === 'turn') setImmediate(() => this.#flush())
      else setTimeout(() => this.#flush(), GATHER_MS)
    }
    const header = Buffer.allocUnsafe(HEADER_BYTES)
    header.writeUInt32BE(peer)
    header.writeUInt32BE(payload.length, 4)
    this.#out.push(header, payload as Buffer)
  }

  close(): void {
    this.#socket.destroy()
  }

  #flush(): void {
    const out = this.#out
    this.#out = []
    this.#socket.write(Buffer.concat(out))
  }

  #read(chunk: Buffer, onMessage: OnMessage): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    while (bytes.length - at >= HEADER_BYTES) {
      const end = at + HEADER_BYTES + bytes.readUInt32BE(at + 4)
      if (bytes.length < end) break
      onMessage(bytes.readUInt32BE(at), bytes.subarray(at + HEADER_BYTES, end))
      at = end
    }
    this.#rest = at === bytes.length ? undefined : bytes.subarray(at)
  }
}

/** Waits for the one other side of a link. */
export function listen(
  path: string,
  onMessage: OnMessage,
): Promise<{ readonly server: Server; readonly link: Promise<Link> }> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    const link = new Promise<Link>((linked) =>
      server.once('connection', (socket) => linked(new Link(socket, 'millisecond', onMessage))),
    )
    server.once('error', reject)
    server.listen(path, () => resolve({ server, link }))
  })
}

export function connect(path: string, onMessage: OnMessage): Promise<Link> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path)
    socket.once('error', reject)
    socket.once('connect', () => resolve(new Link(socket, 'turn', onMessage)))
  })
}
