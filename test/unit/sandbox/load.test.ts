import { describe, expect, it } from 'vitest'
import type { Scid } from '../../../lsps/base/scid.ts'
import { LSPS_MESSAGE_TYPE } from '../../../src/sandbox/wallet.ts'
import { stage } from './stage.ts'

const FOREIGN = '700000x1x1' as Scid
/** Processor time; the sandbox needs 1 to 5 on a small machine: this finds a quadratic, not a slow day. */
const MAX_MICROSECONDS_EACH = 50

function microsecondsEach(count: number, before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

describe('under load', () => {
  it('echoes messages of 1,000 wallets', async () => {
    const { world, port, signal } = stage()
    const wallets = Array.from({ length: 1000 }, () => world.addWallet())
    const rounds = 20
    let answers = 0
    const data = new Uint8Array(200)
    void port.subscribeCustomMessages((message) => void port.sendCustomMessage(message, signal), signal)
    const done = new Promise<void>((resolve) => {
      for (const wallet of wallets) {
        wallet.connect()
        let left = rounds
        wallet.onCustomMessage(() => {
          answers += 1
          left -= 1
          if (left > 0) wallet.send(LSPS_MESSAGE_TYPE, data)
          if (answers === wallets.length * rounds) resolve()
        })
      }
    })
    const started = process.cpuUsage()
    for (const wallet of wallets) wallet.send(LSPS_MESSAGE_TYPE, data)
    await done
    expect(microsecondsEach(answers, started)).toBeLessThan(MAX_MICROSECONDS_EACH)
  })

  it('feeds foreign offers and takes the answers', async () => {
    const { world, port, signal } = stage()
    void port.interceptHtlcs((offer, stream) => stream.answer(offer.circuit, { type: 'resume' }), signal)
    const count = 50_000
    let answered = 0
    const started = process.cpuUsage()
    await new Promise<void>((resolve) => {
      for (let n = 0; n < count; n += 1) {
        world.feedOffer(FOREIGN, () => {
          answered += 1
          if (answered === count) resolve()
        })
      }
    })
    expect(microsecondsEach(count, started)).toBeLessThan(MAX_MICROSECONDS_EACH)
    expect(world.node.hub.held).toBe(0)
  })

  it('forwards payments that are none of our business', async () => {
    const { world, port, signal, clock } = stage()
    const { wallet, scid } = world.addDestination()
    void port.interceptHtlcs((offer, stream) => stream.answer(offer.circuit, { type: 'resume' }), signal)
    await clock.settle()
    const payments = Array.from({ length: 2000 }, () => {
      const { paymentHash } = wallet.invoice({ amount: 1000n })
      return world.payer.pay({ hash: paymentHash, scid, amount: 1000n, amountIn: 1010n })
    })
    const results = await Promise.all(payments.map(({ result }) => result))
    expect(results.every(({ status }) => status === 'settled')).toBe(true)
    expect(wallet.balance()).toBe(2_000_000n)
    expect(world.audit({ atRest: true })).toEqual([])
  })
})
