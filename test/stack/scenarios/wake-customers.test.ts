import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { crashAt, wasReached } from '../crash-points.ts'
import { ensureLdkNode } from '../ldk-node-build.ts'
import { renewedAfterFailure } from '../renewed.ts'
import type { SleepingWallet } from '../sleeping-wallet.ts'
import { waitFor } from '../wait.ts'
import { WakingScene } from '../waking-scene.ts'

const FIRST_AMOUNT = 100_000_000n
const AMOUNT = 5_000_000n
const HOLD_SECONDS = 10
const INCOMING = 'lsps5.payment_incoming'
const AT_ONCE_MS = 5_000
const STEP_MS = 60_000
const log = (line: string) => process.stderr.write(`${line}\n`)

const program = await ensureLdkNode({ log })
if (program === undefined) log('skipped: cargo is not installed, so the unmodified ldk-node cannot be built')

describe.skipIf(program === undefined)('a payment over the channel of a wallet whose process does not run', () => {
  let scene: WakingScene
  let sleeper: SleepingWallet

  renewedAfterFailure({
    begin: async () => {
      const webhooks = { hold: { seconds: HOLD_SECONDS } }
      scene = await WakingScene.begin(program ?? '', { webhooks })
      sleeper = await scene.newSleeper('customer')
      const first = await scene.buyAndSleep(sleeper, FIRST_AMOUNT)
      await scene.expectPaid(first, await scene.pay(first.invoice))
      await scene.settle()
    },
    end: async () => scene?.stop(),
  })

  /** An ordinary invoice, over the channel that it has; its process then ends. */
  async function invoiceAndSleep(): Promise<{ invoice: string; payment_hash: string }> {
    const wallet = await sleeper.wake()
    await waitFor(async () => (await wallet.channels()).some(({ usable }) => usable), {
      deadline: STEP_MS,
      what: 'the channel of the wallet to be usable',
    })
    const invoice = await wallet.receive(AMOUNT)
    await sleeper.sleep()
    return invoice
  }

  it('[L5-30] [L5-31] is held, and arrives without a fee of ours once the webhook has started it', async () => {
    const { invoice, payment_hash: hash } = await invoiceAndSleep()
    const paidAt = Date.now()
    const payment = scene.pay(invoice)
    const call = await scene.relay.waitForCall('customer', INCOMING, paidAt)
    expect(call.at - paidAt).toBeLessThan(AT_ONCE_MS)
    const result = await payment
    expect(result).toMatchObject({ succeeded: true, amount: AMOUNT })
    expect(result.attempts).toHaveLength(1)
    expect(await sleeper.waitPaid(hash)).toMatchObject({ amount_msat: `${AMOUNT}` })
    await scene.waitHeld(0)
  })

  it('fails in time when nothing starts the wallet, and arrives at the next try once somebody has', async () => {
    const { invoice, payment_hash: hash } = await invoiceAndSleep()
    sleeper.answersPushes = false
    const paidAt = Date.now()
    const result = await scene.pay(invoice)
    sleeper.answersPushes = true
    // sluiced has just been started: what it cannot know not to be forwarded it lets lnd fail, in lnd's words.
    expect(result.attempts.map(({ failure }) => failure)).toMatchObject([
      { code: expect.stringMatching(/^(TEMPORARY_CHANNEL_FAILURE|UNKNOWN_NEXT_PEER)$/), failure_source_index: 1 },
    ])
    log(`failed with ${result.attempts[0]?.failure?.code}`)
    expect(Date.now() - paidAt).toBeGreaterThan(HOLD_SECONDS * 1_000)
    expect(Date.now() - paidAt).toBeLessThan(HOLD_SECONDS * 1_000 + AT_ONCE_MS)
    expect(scene.relay.callsOf('customer', INCOMING).filter(({ at }) => at >= paidAt)).toHaveLength(1)
    expect(sleeper.isAwake).toBe(false)
    await scene.waitHeld(0)

    await sleeper.wake()
    await scene.network.waitLspActive(sleeper.nodeId)
    expect(await scene.pay(invoice)).toMatchObject({ succeeded: true, amount: AMOUNT })
    await sleeper.waitPaid(hash)
  })

  it('is held again by a sluiced that was killed while it waited, and arrives', async () => {
    const { invoice, payment_hash: hash } = await invoiceAndSleep()
    const { sluiced, network } = scene
    await sluiced.stop()
    const file = join(network.folder, 'reached')
    await sluiced.start(crashAt({ when: 'answered', call: 'signMessage' }, { file, victims: ['sluiced'] }))
    const payment = scene.pay(invoice)
    await waitFor(() => wasReached({ file }), { deadline: STEP_MS, what: 'sluiced to be about to call the wallet' })
    await waitFor(() => !sluiced.process.running, { deadline: STEP_MS, what: 'sluiced to be dead' })
    expect(sleeper.isAwake).toBe(false)

    await sluiced.start()
    const result = await payment
    expect(result).toMatchObject({ succeeded: true, amount: AMOUNT })
    expect(result.attempts).toHaveLength(1)
    await sleeper.waitPaid(hash)
    await scene.waitHeld(0)
  })
})
