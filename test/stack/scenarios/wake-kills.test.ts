import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { crashAt, wasReached } from '../crash-points.ts'
import { ensureLdkNode } from '../ldk-node-build.ts'
import { forwardingHistory, waitForwarded } from '../payments.ts'
import { renewedAfterFailure } from '../renewed.ts'
import { waitFor } from '../wait.ts'
import { WakingScene } from '../waking-scene.ts'

const AMOUNT = 100_000_000n
const INCOMING = 'lsps5.payment_incoming'
const REACHED_MS = 60_000
const log = (line: string) => process.stderr.write(`${line}\n`)

const ASKED = `"method":"${INCOMING}".*"phase":\\{"tag":"sending"\\}`
const ANSWERED = `"ended":\\[.*"method":"${INCOMING}".*"type":"answered"`

/** From the offer of the payment until the wallet is started; what was not called is called after the next start. */
const POINTS = [
  ['when lnd offers the payment', { when: 'offered' }],
  ['before it is on disk that the payment is held', { when: 'before', table: 'jit-live', record: '"circuit"' }],
  ['after it is on disk that the payment is held', { when: 'after', table: 'jit-live', record: '"circuit"' }],
  ['before it is on disk that the wallet is to be called', { when: 'before', table: 'webhooks-live', record: ASKED }],
  ['after it is on disk that the wallet is to be called', { when: 'after', table: 'webhooks-live', record: ASKED }],
  ['before the call is signed', { when: 'calling', call: 'signMessage' }],
  ['when the call is signed and not sent', { when: 'answered', call: 'signMessage' }],
  ['before it is on disk that the webhook answered', { when: 'before', table: 'webhooks-live', record: ANSWERED }],
  ['after it is on disk that the webhook answered', { when: 'after', table: 'webhooks-live', record: ANSWERED }],
] as const

const program = await ensureLdkNode({ log })
if (program === undefined) log('skipped: cargo is not installed, so the unmodified ldk-node cannot be built')

describe.skipIf(program === undefined)('a kill -9 of sluiced between hold and wake', () => {
  let scene: WakingScene
  let wallets = 0
  let paid: string[] = []

  renewedAfterFailure({
    begin: async () => {
      scene = await WakingScene.begin(program ?? '')
      paid = []
    },
    end: async () => scene?.stop(),
  })

  it.each(POINTS)('%s: the wallet is started, connects and is paid', async (_, point) => {
    const { sluiced, relay, network } = scene
    wallets += 1
    const name = `phone-${wallets}`
    const sleeper = await scene.newSleeper(name)
    await relay.waitForCall(name, 'lsps5.webhook_registered')
    const bought = await scene.buyAndSleep(sleeper, AMOUNT)
    await sluiced.stop()
    const file = join(network.folder, `reached-${name}`)
    await sluiced.start(crashAt(point, { file, victims: ['sluiced'] }))

    const payment = scene.pay(bought.invoice)
    await waitFor(() => wasReached({ file }), { deadline: REACHED_MS, what: 'the point of the kill to be reached' })
    await waitFor(() => !sluiced.process.running, { deadline: REACHED_MS, what: 'sluiced to be dead' })
    expect(sluiced.process.ended).toBe('SIGKILL')

    await sluiced.start()
    const sale = await scene.expectPaid(bought, await payment)
    const calls = relay.callsOf(name, INCOMING)
    expect(calls.map(({ status }) => status)).toEqual(calls.map(() => 200))
    expect(calls.length).toBeGreaterThan(0)
    expect(sleeper.startedAt).toHaveLength(2)
    paid.push(sale.chan_id ?? '')
    await scene.settle()
    await sleeper.stop()
  })

  it('leaves one forward and one fee for each wallet', async () => {
    expect(paid.length).toBeGreaterThan(0)
    await waitForwarded(scene.network.lsp, paid.length)
    const forwards = await forwardingHistory(scene.network.lsp)
    expect(forwards.map(({ chan_id_out }) => chan_id_out).sort()).toEqual([...paid].sort())
    const fees = forwards.reduce((sum, { fee_msat }) => sum + BigInt(fee_msat), 0n)
    expect((await scene.sluiced.status()).earned_msat).toBe(`${fees}`)
  })
})
