import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensureLdkNode } from '../ldk-node-build.ts'
import type { PushRelay } from '../push-relay.ts'
import { waitFor } from '../wait.ts'
import { type Bought, WakingScene } from '../waking-scene.ts'

const AMOUNT = 100_000_000n
const INCOMING = 'lsps5.payment_incoming'
const AT_ONCE_MS = 5_000
const STEP_MS = 60_000
const log = (line: string) => process.stderr.write(`${line}\n`)

const program = await ensureLdkNode({ log })
if (program === undefined) log('skipped: cargo is not installed, so the unmodified ldk-node cannot be built')

describe.skipIf(program === undefined)('several wallets that sleep, and a webhook whose host hangs', () => {
  let scene: WakingScene
  let hanging: PushRelay

  beforeAll(async () => {
    scene = await WakingScene.begin(program ?? '')
    hanging = await scene.hangingRelay()
  })

  afterAll(async () => scene?.stop())

  async function sleeping(name: string, relay = scene.relay): Promise<Bought> {
    const sleeper = await scene.newSleeper(name, relay)
    return scene.buyAndSleep(sleeper, AMOUNT)
  }

  it('[L5-30] wakes the others meanwhile, and pays the one behind it when somebody opens it', async () => {
    const unlucky = await sleeping('unlucky', hanging)
    const others = [await sleeping('first'), await sleeping('second'), await sleeping('third')]

    const late = scene.pay(unlucky.invoice)
    // The first call said that the webhook is registered.
    await waitFor(() => hanging.unanswered >= 2, {
      deadline: STEP_MS,
      pollMs: 5,
      what: 'the hanging host to be called',
    })
    const paidAt = Date.now()
    const payments = others.map(({ invoice }) => scene.pay(invoice))
    const calls = await Promise.all(others.map(({ sleeper }) => scene.relay.waitForCall(sleeper.name, INCOMING)))
    for (const { at, status } of calls) {
      expect(status).toBe(200)
      expect(at - paidAt).toBeLessThan(AT_ONCE_MS)
    }
    for (const [index, bought] of others.entries()) {
      const payment = await payments[index]
      if (payment !== undefined) await scene.expectPaid(bought, payment)
    }
    expect(unlucky.sleeper.isAwake).toBe(false)
    await scene.waitHeld(1)

    await unlucky.sleeper.wake()
    await scene.expectPaid(unlucky, await late)
    await scene.settle()
  })

  it('wakes a wallet by the webhook that answers, while the host of its other one hangs', async () => {
    const sleeper = await scene.newSleeper('both', hanging)
    expect(await sleeper.register(scene.relay, 'another app')).toMatchObject({ num_webhooks: 2, no_change: false })
    const bought = await scene.buyAndSleep(sleeper, AMOUNT)
    const paidAt = Date.now()
    const payment = scene.pay(bought.invoice)
    const { at } = await scene.relay.waitForCall('both', INCOMING)
    expect(at - paidAt).toBeLessThan(AT_ONCE_MS)
    await scene.expectPaid(bought, await payment)
    expect(scene.relay.callsOf('both', INCOMING).map(({ status }) => status)).toEqual([200])
    await scene.settle()
  })
})
