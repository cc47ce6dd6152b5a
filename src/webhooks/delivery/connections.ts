import { type EventEmitter, setMaxListeners } from 'node:events'
import { Client } from 'undici'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import { childOf } from '../../kernel/wait.ts'
import { type ConnectorDeps, openConnection } from './connector.ts'
import type { Target } from './target.ts'

const MAX_HEADER_BYTES = 8_192
/** How long an idle connection is kept, also when the server offers more. */
const KEEP_ALIVE_MS = 10_000
/** An older connection is not used again: the next one asks for the addresses of the host anew. */
const MAX_AGE_MS = 60_000
/** Idle connections to all hosts; the one that is idle longest makes room. */
const MAX_IDLE = 1_024

/** For one request at a time. It connects when it is asked for something, and again if it was closed meanwhile. */
export type Connection = {
  readonly origin: string
  readonly client: Client
  readonly since: Timestamp
  /** Ends an attempt to connect that is under way. */
  readonly connecting: AbortController
}

/**
 * Connections that are kept for the next notification. (Each is a client of its own, not a pool of the library: that
 * would connect again after each request that is given up, to the very hosts that hang.)
 */
export class Connections {
  readonly #deps: ConnectorDeps
  /** Idle longest first. */
  readonly #idle = new Set<Connection>()
  readonly #idleByOrigin = new Map<string, Set<Connection>>()
  readonly #inUse = new Set<Connection>()
  readonly #closing = new AbortController()

  constructor(deps: ConnectorDeps) {
    this.#deps = deps
    setMaxListeners(0, this.#closing.signal) // one for each connection, which `Lanes` bound
  }

  /** The one that was idle for the shortest time, or a new one; after the close, one that does not connect. */
  take(target: Target): Connection {
    const connection = this.#takeIdle(target.origin) ?? this.#open(target)
    this.#inUse.add(connection)
    return connection
  }

  /** After a response that was read to its end. */
  giveBack(connection: Connection): void {
    if (!this.#inUse.delete(connection)) return
    const { origin } = connection
    this.#idle.add(connection)
    const sameHost = this.#idleByOrigin.get(origin) ?? new Set()
    this.#idleByOrigin.set(origin, sameHost.add(connection))
    const [oldest] = this.#idle
    if (this.#idle.size > MAX_IDLE && oldest !== undefined) this.drop(oldest, new Error('too many idle connections'))
  }

  /** What is under way on it fails with the reason. */
  drop(connection: Connection, reason: Error): void {
    this.#inUse.delete(connection)
    this.#forget(connection)
    this.#destroy(connection, reason)
  }

  close(reason: Error): void {
    this.#closing.abort(reason)
    for (const connection of [...this.#inUse, ...this.#idle]) this.drop(connection, reason)
  }

  #takeIdle(origin: string): Connection | undefined {
    for (const kept of [...(this.#idleByOrigin.get(origin) ?? [])].reverse()) {
      if (this.#deps.clock.now() - kept.since <= MAX_AGE_MS) {
        this.#forget(kept)
        return kept
      }
      this.drop(kept, new Error('too old'))
    }
    return undefined
  }

  #open(target: Target): Connection {
    const connecting = childOf(this.#closing.signal)
    const client = new Client(target.origin, {
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      // Times are kept by our clock, one for each stage.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (_options, callback) => {
        openConnection(target, this.#deps, connecting.signal)
          .then(
            (socket) => callback(null, socket),
            (error: Error) => callback(error, null),
          )
          .catch((error: Error) => this.drop(connection, error))
      },
    })
    const connection = { origin: target.origin, client, since: this.#deps.clock.now(), connecting }
    client.on('disconnect', () => this.#forgetIdle(connection))
    // Errors of the library itself, which its types do not know: unheard they would end the process.
    const emitter: EventEmitter = client
    emitter.on('error', (error: Error) => this.drop(connection, error))
    return connection
  }

  /** The other side ended it. */
  #forgetIdle(connection: Connection): void {
    if (this.#idle.has(connection)) this.drop(connection, new Error('closed'))
  }

  #forget(connection: Connection): void {
    this.#idle.delete(connection)
    const sameHost = this.#idleByOrigin.get(connection.origin)
    sameHost?.delete(connection)
    if (sameHost?.size === 0) this.#idleByOrigin.delete(connection.origin)
  }

  #destroy({ client, connecting }: Connection, reason: Error): void {
    connecting.abort(reason)
    client.destroy(reason).catch(() => undefined)
  }
}
