import { afterEach, describe, expect, it } from 'vitest'
import type { OrderResult } from '../../../lsps/lsps1/schema.ts'
import { clockAhead } from '../clock.ts'
import { aroundCall, aroundWrite, type KillMoment, LATE_MS, OrderKills } from '../order-kills.ts'
import { deposit, depositOf, type OrderingWallet } from '../ordering.ts'
import { renewedAfterFailure } from '../renewed.ts'

/** How much more than the price somebody pays, in sat. */
const TOO_MUCH = 40_000n

const SEEN = aroundWrite('its payment is seen', 'orders-live', '"tag":"created".*"deposits":\\[\\{')

/** From the payment in a block to the fee that is earned. */
const PATH: readonly KillMoment[] = [
  ...aroundWrite('the payment is deep enough and the channel decided on', 'orders-live', '"tag":"opening"'),
  ...aroundCall('cancel the invoice', 'cancelInvoice'),
  ...aroundCall('open the channel', 'openChannel'),
  ...aroundCall('lock coins for it', 'fundPsbt'),
  ...aroundCall('verify its funding', 'fundingStateStep'),
  ...aroundCall('sign its funding', 'finalizePsbt'),
  ...aroundCall('publish its funding', 'publishTransaction'),
  ...aroundWrite('the fee is earned', 'orders-done', '"tag":"completed"'),
]

/** From the channel that cannot be opened to the refund in the mempool. */
const REFUNDED: readonly KillMoment[] = [
  ...aroundWrite('the order has failed', 'orders-live', '"tag":"failed"'),
  ...aroundWrite('the refund is decided on', 'payout-live', '"tag":"planned"'),
  ...aroundCall('lock coins for the refund', 'fundPsbt'),
  ...aroundCall('sign it', 'finalizePsbt'),
  ...aroundCall('publish it', 'publishTransaction'),
  ...aroundWrite('it is published', 'payout-live', '"tag":"signed".*"told":true'),
  ...aroundWrite('its order knows', 'orders-live', '"stage":"sent"'),
]

/** When it is deep in the chain. */
const FINAL: readonly KillMoment[] = [
  ...aroundWrite('the refund is final', 'payout-done', '"tag":"paid"'),
  ...aroundWrite('the order is over', 'orders-done', '"tag":"failed"'),
]

/** The rest of a payment goes the same way, beside the channel that was bought with it. */
const OF_REST: readonly KillMoment[] = [
  ...aroundWrite('the refund is decided on', 'payout-live', '"tag":"planned"').slice(1),
  ...aroundWrite('it is signed', 'payout-live', '"tag":"signed"'),
]

const LND_CALLS: readonly string[] = ['finalizePsbt', 'publishTransaction']
const OF_LND = REFUNDED.filter(({ point }) => point.when === 'answered' && LND_CALLS.includes(point.call))

describe('a kill -9 with an order that is paid on chain', () => {
  const kills = new OrderKills()
  renewedAfterFailure({ begin: () => kills.begin(), end: () => kills.end() })
  afterEach(() => kills.rest())

  type Ordered = { readonly wallet: OrderingWallet; readonly order: OrderResult; readonly to: string }

  /** An order of a new wallet, with an address for what goes back. */
  async function place(options?: Parameters<OrderKills['newWallet']>[0]): Promise<Ordered> {
    const wallet = await kills.newWallet(options)
    const to = await kills.network.newAddress(kills.network.payer)
    const { order } = await wallet.order({ refund_onchain_address: to as never })
    return { wallet, order, to }
  }

  /** In the mempool when it returns. */
  async function pay(order: OrderResult, more = 0n): Promise<bigint> {
    const { address, amount } = depositOf(order)
    await kills.network.waitInMempool(await deposit(kills.network, { address, amount: amount + more }))
    return amount + more
  }

  it('of sluiced when the address is handed out: what is paid and confirmed meanwhile counts', async () => {
    await kills.sluiced.start()
    const { wallet, order } = await place()
    await kills.sluiced.kill()
    expect(kills.sluiced.process.ended).toBe('SIGKILL')
    await pay(order)
    await kills.network.mine(1)
    await kills.sluiced.start()
    await kills.expectOpened(wallet, order, 'onchain')
  })

  describe('of sluiced, while the payment is in no block', () => {
    for (const { what, point } of SEEN) {
      it(what, async () => {
        const killed = await kills.startToDie(point)
        const { wallet, order } = await place()
        await pay(order)
        await killed()
        await kills.sluiced.start()
        await kills.network.mine(1)
        await kills.expectOpened(wallet, order, 'onchain')
      })
    }
  })

  describe('of sluiced, from the block of the payment to the fee', () => {
    for (const { what, point } of PATH) {
      it(what, async () => {
        const killed = await kills.startToDie(point)
        const { wallet, order } = await place()
        await pay(order)
        await kills.network.mine(1)
        await killed()
        await kills.sluiced.start()
        await kills.expectOpened(wallet, order, 'onchain')
      })
    }
  })

  describe('of sluiced, when too much was paid and the rest goes back', () => {
    for (const { what, point } of OF_REST) {
      it(what, async () => {
        const killed = await kills.startToDie(point)
        const { wallet, order, to } = await place()
        await pay(order, TOO_MUCH)
        await kills.network.mine(1)
        await killed()
        await kills.sluiced.start()
        await kills.expectOpened(wallet, order, 'onchain')
        await kills.expectSentBack(order, { to, amount: TOO_MUCH })
      })
    }
  })

  /** An order that was paid and whose client has refused the channel; sluiced is dead. */
  async function refused(): Promise<Ordered & { readonly amount: bigint }> {
    await kills.sluiced.start()
    const placed = await place({ refusesChannels: true })
    const amount = await pay(placed.order)
    await kills.network.mine(1)
    await kills.waitRefusedOnce(placed.wallet, placed.order)
    await kills.sluiced.kill()
    return { ...placed, amount }
  }

  describe('of sluiced, when the channel cannot be opened and the payment goes back', () => {
    for (const { what, point } of REFUNDED) {
      it(what, async () => {
        const { wallet, order, to, amount } = await refused()
        const killed = await kills.startToDie(point, { aheadMs: LATE_MS })
        await killed()
        await kills.sluiced.start(clockAhead(LATE_MS))
        await kills.expectRefunded(wallet, order, { to, amount })
      })
    }

    for (const { what, point } of FINAL) {
      it(what, async () => {
        const { wallet, order, to, amount } = await refused()
        const killed = await kills.startToDie(point, { aheadMs: LATE_MS })
        await kills.sluiced.waitReady()
        await kills.waitSent(wallet, order)
        await kills.mineFinal()
        await killed()
        await kills.sluiced.start(clockAhead(LATE_MS))
        await kills.expectRefunded(wallet, order, { to, amount })
      })
    }
  })

  describe('of lnd, when the payment goes back', () => {
    for (const { what, point } of OF_LND) {
      it(what, async () => {
        const { wallet, order, to, amount } = await refused()
        const killed = await kills.startToDie(point, { victim: 'lnd', aheadMs: LATE_MS })
        await killed()
        await kills.restartLnd(wallet)
        await kills.expectRefunded(wallet, order, { to, amount })
      })
    }
  })

  it('leaves a journal that says what lnd and the chain say, and one transaction for each channel and refund', async () => {
    await kills.expectBooks()
  })
})
