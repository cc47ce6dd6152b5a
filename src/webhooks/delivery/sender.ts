import type { Dispatcher } from 'undici'
import type { Clock } from '../../../lsps/base/clock.ts'
import type { Connection, Connections } from './connections.ts'
import { type Outcome, outcomeOf, Undelivered } from './outcome.ts'
import { stage } from './stage.ts'
import type { Target } from './target.ts'

/** From the first step to the headers of the response, the connection included. */
export const ANSWER_MS = 8_000
/** What follows the headers is read away only so that the connection can be used again: this long, this much. */
export const BODY_MS = 2_000
const MAX_BODY_BYTES = 16_384

export type Message = {
  readonly headers: Readonly<Record<string, string>>
  /** Sent as it is: the signature is over these bytes (L5-42). */
  readonly body: string
}

export type Sent = {
  readonly outcome: Outcome
  /** When the response is over and its connection is free or closed. Never rejects. */
  readonly over: Promise<void>
}

export type SenderDeps = { readonly connections: Connections; readonly clock: Clock }

/**
 * One POST over HTTP/1.1. Redirects are not followed.
 * @throws the reason of the signal when that aborts before the response comes; nothing else
 */
export async function send(
  { target, message, signal }: { readonly target: Target; readonly message: Message; readonly signal: AbortSignal },
  { connections, clock }: SenderDeps,
): Promise<Sent> {
  signal.throwIfAborted()
  const connection = connections.take(target)
  const late = new Undelivered('timeout', `no response within ${ANSWER_MS} ms`)
  const request = { method: 'POST', path: target.path, ...message } as const
  try {
    const answer = stage(() => connection.client.request(request), { ms: ANSWER_MS, late, clock, signal })
    const { statusCode, body } = await answer
    const over = finish(body, connection, { connections, clock })
    return { outcome: { kind: 'answered', status: statusCode }, over }
  } catch (error) {
    // Never used again: an answer that comes late must not meet the next request.
    connections.drop(connection, late)
    signal.throwIfAborted()
    return { outcome: outcomeOf(error), over: Promise.resolve() }
  }
}

async function finish(
  body: Dispatcher.ResponseData['body'],
  connection: Connection,
  { connections, clock }: SenderDeps,
): Promise<void> {
  const late = new Undelivered('broken', `no end of the response within ${BODY_MS} ms`)
  const options = { ms: BODY_MS, late, clock, signal: connection.connecting.signal }
  const end = await stage(() => endOf(body), options).catch(() => 'broken')
  if (end === 'whole') connections.giveBack(connection)
  else connections.drop(connection, late)
}

function endOf(body: Dispatcher.ResponseData['body']): Promise<'whole' | 'broken'> {
  return new Promise((resolve) => {
    let bytes = 0
    body.on('data', (part: Uint8Array) => {
      bytes += part.length
      if (bytes > MAX_BODY_BYTES) resolve('broken')
    })
    body.once('end', () => resolve('whole'))
    body.once('close', () => resolve('broken'))
    body.on('error', () => resolve('broken'))
  })
}
