import { afterEach, describe, expect, it } from 'vitest'
import type { Scid } from '../../../lsps/base/scid.ts'
import { clockAhead } from '../clock.ts'
import { aroundCall, aroundWrite, type KillMoment, LATE_MS, OrderKills } from '../order-kills.ts'
import { renewedAfterFailure } from '../renewed.ts'

/** From the payment that is held to the fee that is earned. */
const PATH: readonly KillMoment[] = [
  ...aroundWrite('the payment is held and the channel decided on', 'orders-live', '"tag":"opening"'),
  ...aroundCall('open the channel', 'openChannel'),
  ...aroundCall('lock coins for it', 'fundPsbt'),
  ...aroundCall('verify its funding', 'fundingStateStep'),
  ...aroundCall('sign its funding', 'finalizePsbt'),
  ...aroundCall('publish its funding', 'publishTransaction'),
  ...aroundWrite('the order is completed', 'orders-live', '"tag":"completed"'),
  ...aroundCall('settle the invoice', 'settleInvoice'),
  ...aroundWrite('the fee is earned', 'orders-done', '"tag":"completed"'),
]

/** While the order is being made: nobody has paid, and the wallet has no answer. */
const MADE: readonly KillMoment[] = [
  ...aroundCall('make the invoice', 'addHoldInvoice').slice(1),
  ...aroundWrite('there is an order', 'orders-live', '"tag":"created"').slice(1),
]

const GIVEN_BACK: readonly KillMoment[] = [
  ...aroundWrite('the order has failed', 'orders-live', '"tag":"failed"'),
  ...aroundCall('cancel the invoice', 'cancelInvoice'),
  ...aroundWrite('the payment has gone back', 'orders-done', '"tag":"failed"'),
]

const EXTENDED: readonly KillMoment[] = [
  ...aroundWrite('the extension is paid for', 'orders-live', '"tag":"paid"'),
  ...aroundWrite('the channel is promised for longer', 'orders-live', '"tag":"completed"'),
  ...aroundCall('settle the invoice', 'settleInvoice'),
  ...aroundWrite('the fee is earned', 'orders-done', '"tag":"completed"'),
]

const LND_CALLS: readonly string[] = ['fundPsbt', 'publishTransaction', 'settleInvoice']
const OF_LND = PATH.filter(({ point }) => point.when === 'answered' && LND_CALLS.includes(point.call))

/** A week. */
const BLOCKS = 1008

describe('a kill -9 with an order that is paid by Lightning', () => {
  const kills = new OrderKills()
  renewedAfterFailure({ begin: () => kills.begin(), end: () => kills.end() })
  afterEach(() => kills.rest())

  describe('of sluiced, while it makes the order', () => {
    for (const { what, point } of MADE) {
      it(what, async () => {
        const killed = await kills.startToDie(point)
        const wallet = await kills.newWallet()
        const placing = wallet.order()
        await killed()
        await kills.sluiced.start()
        const { order } = await placing
        expect(await kills.pay(order)).toMatchObject({ succeeded: true })
        await kills.expectOpened(wallet, order, 'bolt11')
      })
    }
  })

  describe('of sluiced, from the payment to the fee', () => {
    for (const { what, point } of PATH) {
      it(what, async () => {
        const killed = await kills.startToDie(point)
        const wallet = await kills.newWallet()
        const { order } = await wallet.order()
        const paid = kills.pay(order)
        await killed()
        await kills.sluiced.start()
        await kills.expectOpened(wallet, order, 'bolt11')
        expect(await paid).toMatchObject({ succeeded: true })
      })
    }
  })

  describe('of lnd', () => {
    for (const { what, point } of OF_LND) {
      it(what, async () => {
        const killed = await kills.startToDie(point, { victim: 'lnd' })
        const wallet = await kills.newWallet()
        const { order } = await wallet.order()
        const paid = kills.pay(order)
        await killed()
        await kills.restartLnd(wallet)
        await kills.expectOpened(wallet, order, 'bolt11')
        expect(await paid).toMatchObject({ succeeded: true })
      })
    }
  })

  it('of both, when lnd is asked to settle the invoice, takes the payment once', async () => {
    const killed = await kills.startToDie({ when: 'answered', call: 'settleInvoice' }, { victim: 'both' })
    const wallet = await kills.newWallet()
    const { order } = await wallet.order()
    const paid = kills.pay(order)
    await killed()
    await kills.restartLnd(wallet)
    await kills.sluiced.start()
    await kills.expectOpened(wallet, order, 'bolt11')
    expect(await paid).toMatchObject({ succeeded: true })
  })

  describe('of sluiced, when the channel cannot be opened and the payment goes back', () => {
    for (const { what, point } of GIVEN_BACK) {
      it(what, async () => {
        await kills.sluiced.start()
        const wallet = await kills.newWallet({ refusesChannels: true })
        const { order } = await wallet.order()
        const paid = kills.pay(order)
        await kills.waitRefusedOnce(wallet, order)
        await kills.sluiced.kill()

        const killed = await kills.startToDie(point, { aheadMs: LATE_MS })
        await killed()
        await kills.sluiced.start(clockAhead(LATE_MS))
        expect(await paid).toMatchObject({ succeeded: false })
        await kills.expectGivenBack(wallet, order)
      })
    }
  })

  describe('of sluiced, while a channel is extended', () => {
    for (const { what, point } of EXTENDED) {
      it(what, async () => {
        await kills.sluiced.start()
        const wallet = await kills.leasing()
        const [before] = await wallet.extendable()
        await kills.sluiced.stop()

        const killed = await kills.startToDie(point)
        const { order } = await wallet.extend({
          short_channel_id: before?.short_channel_id as Scid,
          channel_extension_expiry_blocks: BLOCKS,
        })
        const paid = kills.pay(order)
        await killed()
        await kills.sluiced.start()
        const done = await wallet.waitExtension(order.order_id)
        expect(done).toMatchObject({ order_state: 'COMPLETED', payment: { bolt11: { state: 'PAID' } } })
        expect(await paid).toMatchObject({ succeeded: true })
        await kills.expectTaken(order)
        expect(await wallet.extendable()).toMatchObject([
          {
            expiration_block: (before?.expiration_block ?? 0) + BLOCKS,
            extension_order_ids: [...(before?.extension_order_ids ?? []), order.order_id],
          },
        ])
      })
    }
  })

  it('leaves orders that nobody pays to end by themselves', async () => {
    await kills.sluiced.start(clockAhead(LATE_MS))
    await kills.expectNoOrder()
  })

  it('leaves a journal that says what lnd and the chain say, and one transaction for each channel', async () => {
    await kills.expectBooks()
  })
})
