import type { Clock } from '../../lsps/base/clock.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { TimestampStyle } from '../../lsps/lsps5/signed-text.ts'
import { clientRejected, type RpcFault } from '../../lsps/rpc/fault.ts'
import { LSPS_MESSAGE_TYPE } from '../../lsps/rpc/framing.ts'
import type { BadMessage, Request } from '../../lsps/rpc/message.ts'
import { createRpcServer, type Service } from '../../lsps/rpc/server.ts'
import { Limits, type LimitsConfig, type Refusal } from '../callers/limits.ts'
import { Quirks, TOLERATED } from '../callers/quirks.ts'
import { fingerprint } from '../kernel/fingerprint.ts'
import type { Log } from '../kernel/log.ts'
import { Turns } from '../kernel/turns.ts'
import type { CustomMessage, LndPort } from '../lnd/port.ts'
import { MAX_KEPT_REQUEST_BYTES, Replies } from './replies.ts'

/** Messages of peers in one turn of the event loop, 0.2 ms or less: the node's forwards wait no longer for them. */
export const MESSAGES_PER_TURN = 4

/** Answers to one peer that lnd has not taken yet: it waits for a peer that does not read. Further ones are not sent. */
export const MAX_UNSENT_PER_PEER = 64

/** Methods that a repeated request must not execute again (L0-44). */
const ONCE_ONLY: ReadonlySet<string> = new Set(['lsps2.buy', 'lsps1.create_order', 'lsps7.create_order'])
/** How they stand in a payload, nearly always: others need not be looked for among the kept replies. */
const LIKE_ONCE_ONLY = /"method"\s*:\s*"lsps(2\.buy|[17]\.create_order)"/

/** All that a handler learns about its caller. */
export type PeerContext = {
  readonly peer: NodeId
  /** How its library reads times of notifications, where that is known to differ; asked while it is served (D9). */
  readonly timestampStyle: () => TimestampStyle | undefined
}

export type PeerEndpointDeps = {
  readonly lnd: Pick<LndPort, 'sendCustomMessage'>
  readonly services: readonly Service<PeerContext>[]
  readonly clock: Clock
  readonly log: Log
}

export type PeerEndpoint = {
  /** Serves one message of any type; types that are not ours are ignored. Never throws. */
  readonly onMessage: (message: CustomMessage, signal: AbortSignal) => void
  readonly limits: Limits<NodeId>
  /** As far as the peer was recognised by now. */
  readonly timestampStyle: (peer: NodeId) => TimestampStyle | undefined
}

const REFUSALS: Readonly<Record<Refusal, string>> = {
  rate: 'too many requests, slow down',
  'pending-per-caller': 'too many requests wait for their answer, try again later',
  pending: 'the service is busy, try again later',
}

/** One character for each byte: enough to look for ASCII in it, whatever it is as UTF-8. */
const latin1 = new TextDecoder('latin1')

/** LSPS0 over the peer connection: framing, limits, dispatch, reply. */
export function createPeerEndpoint(
  { lnd, services, clock, log }: PeerEndpointDeps,
  config: LimitsConfig,
): PeerEndpoint {
  const limits = new Limits<NodeId>(config)
  const replies = new Replies()
  const quirks = new Quirks()
  const unsent = new Map<NodeId, number>()
  const turns = new Turns<NodeId>(MESSAGES_PER_TURN)
  const server = createRpcServer<PeerContext>({
    services,
    tolerated: TOLERATED,
    onUnexpected: (error, { context, method, id }) =>
      log.error({ peer: context.peer, method, id, err: error }, 'request ended in an internal error'),
  })

  async function answer(
    peer: NodeId,
    payload: Uint8Array,
    onRequest: (request: Request) => void = () => undefined,
  ): Promise<Uint8Array | undefined> {
    let admitted = false
    const admit = (message: Request | BadMessage): RpcFault | 'drop' | undefined => {
      const refusal = limits.admit(peer, clock.now())
      admitted = refusal === undefined
      if (message.type === 'bad') {
        log.info({ peer, reason: message.reason, admitted }, 'bad message')
        return admitted ? undefined : 'drop'
      }
      onRequest(message)
      quirks.observe(peer, message)
      return refusal === undefined ? undefined : clientRejected(REFUSALS[refusal])
    }
    try {
      return await server.receive({ peer, timestampStyle: () => quirks.timestampStyle(peer) }, payload, {
        admit,
        omitErrorData: () => quirks.omitsErrorData(peer),
        adapt: (request, result) => quirks.adapt(peer, request, result),
        onResponse: (response) => quirks.observeResponse(peer, response),
      })
    } finally {
      if (admitted) limits.done(peer)
    }
  }

  function answerOnce(peer: NodeId, payload: Uint8Array): Promise<Uint8Array | undefined> {
    if (payload.length > MAX_KEPT_REQUEST_BYTES) return answer(peer, payload)
    if (!LIKE_ONCE_ONLY.test(latin1.decode(payload))) return answer(peer, payload)
    const now = clock.now()
    const print = fingerprint(payload)
    const known = replies.find(peer, print, now)
    if (known === undefined) {
      let isOnceOnly = false
      const reply = answer(peer, payload, ({ method }) => {
        isOnceOnly = ONCE_ONLY.has(method)
      })
      // Read by now: the words may as well stand somewhere else in another request, which is always answered anew.
      if (isOnceOnly) replies.keep(peer, print, reply, now)
      return reply
    }
    // Also a repetition counts against the limits; refused by them it is answered so, and the first answer stays.
    if (!limits.allows(peer, now) || limits.admit(peer, now) !== undefined) return answer(peer, payload)
    limits.done(peer)
    return known
  }

  async function serve({ peer, data }: CustomMessage, signal: AbortSignal): Promise<void> {
    if (!limits.listens(peer, clock.now())) return
    const reply = await answerOnce(peer, data)
    if (reply === undefined) return
    const before = unsent.get(peer) ?? 0
    if (before >= MAX_UNSENT_PER_PEER) return
    unsent.set(peer, before + 1)
    try {
      // Not sent is as good as delivered: the client asks again when it misses the answer (L0-45).
      await lnd.sendCustomMessage({ peer, type: LSPS_MESSAGE_TYPE, data: reply }, signal)
    } finally {
      const left = (unsent.get(peer) ?? 1) - 1
      if (left > 0) unsent.set(peer, left)
      else unsent.delete(peer)
    }
  }

  return {
    limits,
    timestampStyle: (peer) => quirks.timestampStyle(peer),
    onMessage(message, signal) {
      if (message.type !== LSPS_MESSAGE_TYPE) return
      turns.run(message.peer, () => {
        serve(message, signal).catch((error: unknown) => {
          if (!signal.aborted) log.info({ peer: message.peer, err: error }, 'reply not sent')
        })
      })
    },
  }
}
