import type { Clock } from '../../lsps/base/clock.ts'
import type { WebhookNotification } from '../../lsps/lsps5/notifications.ts'
import { composeNotification, notificationHeaders, type TimestampStyle } from '../../lsps/lsps5/signed-text.ts'
import { childOf } from '../kernel/wait.ts'
import type { LndPort } from '../lnd/port.ts'
import { attemptOutcome } from './attempts.ts'
import type { Delivery } from './delivery/delivery.ts'
import type { AttemptOutcome, Notice, Webhook } from './states.ts'

export type SendingDeps = {
  readonly lnd: Pick<LndPort, 'signMessage'>
  readonly clock: Clock
  readonly delivery: Pick<Delivery, 'deliver'>
}

export type Sending = {
  readonly webhook: Pick<Webhook, 'url' | 'lastTime'>
  readonly style: TimestampStyle | undefined
  readonly notification: WebhookNotification
  /** Asked when it is the host's turn: if not, nothing is signed or sent any more. */
  readonly isWanted: () => boolean
  readonly signal: AbortSignal
}

/** What is said, of a notice or an effect. */
export function notificationOf({ method, timeout = 0 }: Pick<Notice, 'method' | 'timeout'>): WebhookNotification {
  return method === 'lsps5.expiry_soon' ? { method, params: { timeout } } : { method, params: {} }
}

/**
 * One attempt, with a time and a signature of its own. That it could not be signed is as if it could not be sent.
 * @throws the reason of the signal
 */
export async function send(
  { webhook, style, notification, isWanted, signal }: Sending,
  { lnd, clock, delivery }: SendingDeps,
): Promise<AttemptOutcome> {
  const own = childOf(signal)
  const compose = async (callSignal: AbortSignal) => {
    if (!isWanted()) throw new Error('nobody waits for it any more')
    const { timestamp, body, text } = composeNotification({ notification, at: clock.now(), style })
    const signature = await lnd.signMessage(text, callSignal)
    return { headers: notificationHeaders({ timestamp, signature }), body }
  }
  try {
    const { url, lastTime = 'unknown' } = webhook
    const occasion = notification.method === 'lsps5.webhook_registered' ? 'registration' : 'wake-up'
    return attemptOutcome(await delivery.deliver({ url, occasion, lastTime, compose, signal: own.signal }))
  } catch (error) {
    signal.throwIfAborted()
    return { type: 'unsent', why: error instanceof Error ? error.message : 'unknown error' }
  } finally {
    own.abort() // lets go of the daemon's signal
  }
}
