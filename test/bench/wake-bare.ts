import { Agent } from 'undici'
import { composeNotification, notificationHeaders } from '../../lsps/lsps5/signed-text.ts'
import { coreWaitMs, monotonicMs } from './machine.ts'
import { atRate } from './offer-schedule.ts'
import { product } from './product.ts'
import type { OfferCommand, WakeAnswer, WakeDaemonOptions } from './wake-daemon.ts'

/** The least that an offer could cost: when one is due it is signed, as the simulated node signs, and posted. No database. */

const CONNECTIONS_PER_HOST = 16
const NOTIFICATION = { method: 'lsps5.payment_incoming', params: {} } as const

const { signMessage } = await product<typeof import('../../lsps/base/ln-signature.ts')>('lsps/base/ln-signature')
const { systemClock } = await product<typeof import('../../src/kernel/clock.ts')>('src/kernel/clock')
const { urls } = JSON.parse(process.argv[2] ?? '') as Pick<WakeDaemonOptions, 'urls'>
const secretKey = new Uint8Array(32).fill(7)
const agent = new Agent({ connections: CONNECTIONS_PER_HOST, keepAliveTimeout: 60_000 })

async function post(number: number): Promise<void> {
  const { timestamp, body, text } = composeNotification({ notification: NOTIFICATION, at: systemClock.now() })
  const signature = signMessage(Buffer.from(text), secretKey)
  const { origin, pathname, search } = new URL(urls[number] ?? '')
  const headers = notificationHeaders({ timestamp, signature })
  const { body: answer } = await agent.request({ origin, path: `${pathname}${search}`, method: 'POST', headers, body })
  await answer.dump()
}

function tell(answer: WakeAnswer): void {
  process.send?.(answer)
}

process.on('message', ({ perSecond, from, count }: OfferCommand) => {
  const at = new Map<number, number>()
  const waited = coreWaitMs()
  void atRate({ perSecond, count }, (number) => {
    at.set(from + number, monotonicMs())
    void post(from + number)
  }).then(() => tell({ type: 'offered', at, waitedMs: coreWaitMs() - waited }))
})
process.once('disconnect', () => process.exit())
tell({ type: 'ready' })
