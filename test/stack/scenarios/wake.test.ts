import { afterEach, describe, expect, it } from 'vitest'
import { ANSWERED, CALLED, CAME } from '../../../src/journal/wake-ups.ts'
import { ensureLdkNode } from '../ldk-node-build.ts'
import { renewedAfterFailure } from '../renewed.ts'
import type { SleepingWallet } from '../sleeping-wallet.ts'
import { channelsTo } from '../sold.ts'
import { WakingScene } from '../waking-scene.ts'

const AMOUNT = 100_000_000n
/** More than the first channel can carry. */
const LARGE_AMOUNT = 3_000_000_000n
const INCOMING = 'lsps5.payment_incoming'
/** What the flight record tells of it, in this order. */
const WOKEN = ['payment held', CALLED, ANSWERED, CAME, 'channel active']
/** The notification leaves at once; the rest is for a machine under load. */
const AT_ONCE_MS = 5_000
const log = (line: string) => process.stderr.write(`${line}\n`)

const program = await ensureLdkNode({ log })
if (program === undefined) log('skipped: cargo is not installed, so the unmodified ldk-node cannot be built')

describe.skipIf(program === undefined)('a wallet whose process does not run', () => {
  let scene: WakingScene
  let sleeper: SleepingWallet | undefined

  renewedAfterFailure({
    begin: async () => {
      scene = await WakingScene.begin(program ?? '')
    },
    end: async () => scene?.stop(),
  })

  afterEach(async () => {
    await sleeper?.stop()
    sleeper = undefined
  })

  it('[L5-30] [L5-31] is started by its webhook, connects, gets its channel and the payment, while the payer waits', async () => {
    const { relay } = scene
    sleeper = await scene.newSleeper('phone')
    const registered = await relay.waitForCall('phone', 'lsps5.webhook_registered')
    expect(registered).toMatchObject({
      status: 200,
      body: '{"jsonrpc":"2.0","method":"lsps5.webhook_registered","params":{}}',
    })
    const bought = await scene.buyAndSleep(sleeper, AMOUNT)
    expect(sleeper.isAwake).toBe(false)
    expect(await channelsTo(scene.network.lsp, sleeper.nodeId)).toEqual([])

    const paidAt = Date.now()
    const payment = scene.pay(bought.invoice)
    const call = await relay.waitForCall('phone', INCOMING)
    expect(call).toMatchObject({ status: 200, body: `{"jsonrpc":"2.0","method":"${INCOMING}","params":{}}` })
    expect(call.at - paidAt).toBeLessThan(AT_ONCE_MS)
    await scene.expectPaid(bought, await payment)
    const started = sleeper.startedAt.at(-1) ?? 0
    log(
      `called ${call.at - paidAt} ms, started ${started - paidAt} ms, paid ${Date.now() - paidAt} ms after the payment began`,
    )

    const { steps } = await scene.sluiced.show(bought.scid)
    const told = steps.map(({ what }) => what).filter((what) => WOKEN.includes(what))
    expect(told).toEqual(WOKEN)
    const came = steps.find(({ what }) => what === CAME)
    expect(came?.detail).toMatchObject({ after: expect.stringMatching(/^\d+\.\d s$/) })

    // Once: nobody else started it, and it is not called while it is here.
    expect(sleeper.startedAt.filter((at) => at >= paidAt)).toHaveLength(1)
    expect(relay.callsOf('phone', INCOMING)).toHaveLength(1)
    await scene.settle()
  })

  it('is woken for each of two payments that outgrow its channels, and gets a channel for each', async () => {
    const { relay, network } = scene
    sleeper = await scene.newSleeper('growing')
    const first = await scene.buyAndSleep(sleeper, AMOUNT)
    await scene.expectPaid(first, await scene.pay(first.invoice))
    await scene.settle()

    const second = await scene.buyAndSleep(sleeper, LARGE_AMOUNT)
    const since = Date.now()
    await scene.expectPaid(second, await scene.pay(second.invoice))
    await relay.waitForCall('growing', INCOMING, since)
    expect(relay.callsOf('growing', INCOMING).map(({ status }) => status)).toEqual([200, 200])
    expect(await channelsTo(network.lsp, sleeper.nodeId)).toHaveLength(2)
    await scene.settle()
  })

  it('[L5-44] is told the time so that LDK verifies it, once it has shown to be LDK (D9)', async () => {
    const { relay, network } = scene
    sleeper = await scene.newSleeper('ldk')
    expect((await relay.waitForCall('ldk', 'lsps5.webhook_registered')).timestamp).toMatch(/Z$/)
    const bought = await scene.buyAndSleep(sleeper, AMOUNT)
    // As a wallet does at each start; nothing of it has changed but what we know of the wallet.
    expect(await sleeper.register()).toMatchObject({ num_webhooks: 1, no_change: true })

    const payment = scene.pay(bought.invoice)
    const call = await relay.waitForCall('ldk', INCOMING)
    expect(call).toMatchObject({ status: 200, timestamp: expect.stringMatching(/\+00:00$/) })
    const wallet = await sleeper.waitAwake()
    expect(await wallet.refusalOf(call, network.lsp.nodeId)).toBeUndefined()
    await scene.expectPaid(bought, await payment)
    await scene.settle()
  })
})
