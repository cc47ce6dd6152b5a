import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import type { WebhookNotification } from '../../../lsps/lsps5/notifications.ts'
import { composeNotification, notificationHeaders, type TimestampStyle } from '../../../lsps/lsps5/signed-text.ts'
import { systemClock } from '../../../src/kernel/clock.ts'
import { Delivery, systemDelivery } from '../../../src/webhooks/delivery/delivery.ts'
import { PUSH } from '../../unit/webhooks/delivery/pem.ts'
import { ensureLdkNode } from '../ldk-node-build.ts'
import type { LdkNodeWallet } from '../ldk-node-wallet.ts'
import { type Network, startNetwork } from '../network.ts'
import { payInvoice, resetMissionControl } from '../payments.ts'
import { PushRelay } from '../push-relay.ts'
import { SleepingWallet } from '../sleeping-wallet.ts'
import { Sluiced } from '../sluiced.ts'
import { waitFor } from '../wait.ts'

const AMOUNT = 100_000_000n
const STEP_MS = 60_000
/** A whole second: LDK writes it without a fraction. */
const WHOLE_SECOND = 1_800_000_000_000 as Timestamp
const EACH: readonly WebhookNotification[] = [
  { method: 'lsps5.webhook_registered', params: {} },
  { method: 'lsps5.payment_incoming', params: {} },
  { method: 'lsps5.expiry_soon', params: { timeout: 800_000 } },
  { method: 'lsps5.liquidity_management_request', params: {} },
  { method: 'lsps5.onion_message_incoming', params: {} },
]
const log = (line: string) => process.stderr.write(`${line}\n`)

const program = await ensureLdkNode({ log })
if (program === undefined) log('skipped: cargo is not installed, so the unmodified ldk-node cannot be built')

describe.skipIf(program === undefined)('what lnd signs for a webhook, to ldk-node', () => {
  let network: Network
  let sluiced: Sluiced
  let relay: PushRelay
  let sleeper: SleepingWallet
  let wallet: LdkNodeWallet
  const delivery = new Delivery(systemDelivery(systemClock), { loopback: 'allowed', trusted: PUSH.cert })

  beforeAll(async () => {
    network = await startNetwork({ log })
    sluiced = new Sluiced(network)
    await sluiced.start()
    relay = await PushRelay.start(network)
    sleeper = await SleepingWallet.create({ program: program ?? '', network, name: 'phone', relay })
    wallet = await sleeper.wake()
  })

  afterAll(async () => {
    await sleeper?.stop()
    await relay?.stop()
    await sluiced?.stop()
    await network?.stop()
    delivery.close()
  })

  async function signed(notification: WebhookNotification, at: Timestamp, style: TimestampStyle) {
    const { timestamp, body, text } = composeNotification({ notification, at, style })
    const msg = Buffer.from(text)
    const { signature } = await network.lsp.call<{ signature: string }>('default', 'signMessage', { msg })
    return { timestamp, signature, body }
  }

  const refusalOf = async (notification: WebhookNotification, at: Timestamp, style: TimestampStyle) =>
    wallet.refusalOf(await signed(notification, at, style), network.lsp.nodeId)

  it('[L5-44] is accepted by LDK with an offset, whatever the method, and refused with Z', async () => {
    for (const notification of EACH) {
      for (const at of [WHOLE_SECOND, (WHOLE_SECOND + 120) as Timestamp]) {
        expect(await refusalOf(notification, at, '+00:00')).toBeUndefined()
        expect(await refusalOf(notification, at, 'Z')).toBe('InvalidSignature')
      }
    }
  })

  it('starts the process of a wallet whose payment is held, and the payment arrives', async () => {
    expect(wallet.nodeId).toBe(sleeper.nodeId)
    const { invoice, payment_hash: hash } = await wallet.receiveJit(AMOUNT)
    await sleeper.sleep()
    const url = relay.urlOf('phone', () => void sleeper.wake())
    await resetMissionControl(network.payer)
    const payment = payInvoice(network.payer, { invoice })
    await waitFor(async () => (await sluiced.status()).held.htlcs === 1, {
      deadline: STEP_MS,
      what: 'the payment to be held',
    })

    const notification = { method: 'lsps5.payment_incoming', params: {} } as const
    const one = await signed(notification, systemClock.now(), 'Z')
    const message = { headers: notificationHeaders(one), body: one.body }
    const { signal } = new AbortController()
    const deliver = () =>
      delivery.deliver({ occasion: 'wake-up', lastTime: 'unknown', url, compose: async () => message, signal })
    expect(await deliver()).toEqual({ kind: 'answered', status: 200 })
    expect(await deliver()).toEqual({ kind: 'answered', status: 403 })
    expect(relay.calls).toMatchObject([{ status: 200 }, { status: 403, refused: 'replayed' }])

    expect(await payment).toMatchObject({ succeeded: true, amount: AMOUNT })
    await sleeper.waitPaid(hash)
    expect(sleeper.startedAt).toHaveLength(2)
  })
})
