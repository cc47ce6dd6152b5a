import { expect } from 'vitest'
import { crashConfig, crashSuite, type Story, startSuite } from './suite.ts'
import { ORDINARY, operate, pay, REFUNDABLE, reach } from './tales.ts'

/** A deadline that is a few blocks away. */
const CLTV = { cltv_expiry_blocks: 60, open_blocks: 5, safety_blocks: 20 }
const NEAR_DEADLINE = crashConfig({ bolt11: CLTV })
/** Blocks after which a payment of these has no time left, whatever its payer added. */
const BLOCKS_TO_DEADLINE = 45

const STORIES: readonly Story[] = [
  {
    name: 'an order that is paid by Lightning',
    toTheEnd: true,
    tell: async (simulation) => {
      const order = await simulation.order(simulation.client())
      expect(await pay(simulation, order)).toBe('settled')
      return [{ order, ends: ['completed'] }]
    },
  },
  {
    name: 'an order of an ordinary channel with a balance, paid by Lightning, that could be paid on chain as well',
    tell: async (simulation) => {
      const order = await simulation.order(simulation.client(), { ...REFUNDABLE, ...ORDINARY })
      expect(await pay(simulation, order)).toBe('settled')
      return [{ order, ends: ['completed'] }]
    },
  },
  {
    name: 'an order whose client refuses the channel, paid by Lightning',
    tell: async (simulation) => {
      const wallet = simulation.client()
      wallet.trustsNode = false
      const order = await simulation.order(wallet)
      expect(await pay(simulation, order)).toBe('failed')
      return [{ order, ends: ['failed'] }]
    },
  },
  {
    name: 'an order whose client stays away until its payment is about to expire',
    config: NEAR_DEADLINE,
    tell: async (simulation) => {
      const wallet = simulation.client()
      const order = await simulation.order(wallet)
      wallet.disconnect()
      const { result } = simulation.payInvoice(order)
      await reach(simulation, order, 'paid')
      simulation.world.mine(BLOCKS_TO_DEADLINE)
      expect((await simulation.outcome(result, 'the payment to end')).status).toBe('failed')
      wallet.connect()
      return [{ order, ends: ['failed'] }]
    },
  },
  {
    name: 'an order whose client signs for its channel just when its payment is about to expire',
    config: NEAR_DEADLINE,
    tell: async (simulation) => {
      const wallet = simulation.client()
      wallet.setOpenPolicy('hang-sign')
      const order = await simulation.order(wallet)
      const { result } = simulation.payInvoice(order)
      await reach(simulation, order, 'opening')
      await simulation.advance(2_000)
      simulation.world.mine(BLOCKS_TO_DEADLINE)
      await simulation.advance(20)
      wallet.setOpenPolicy('accept')
      await simulation.outcome(result, 'the payment to end')
      return [{ order, ends: ['failed', 'completed'] }]
    },
  },
  {
    name: 'an order that its operator gives back while its client is away',
    tell: async (simulation) => {
      const wallet = simulation.client()
      const order = await simulation.order(wallet)
      wallet.disconnect()
      const { result } = simulation.payInvoice(order)
      await reach(simulation, order, 'paid')
      await operate(simulation, order, 'refund')
      expect((await simulation.outcome(result, 'the payment to end')).status).toBe('failed')
      wallet.connect()
      return [{ order, ends: ['failed'] }]
    },
  },
  {
    name: 'an order that its operator gives back while its channel is being opened',
    tell: async (simulation) => {
      const wallet = simulation.client()
      wallet.setOpenPolicy('hang-sign')
      const order = await simulation.order(wallet)
      const { result } = simulation.payInvoice(order)
      await reach(simulation, order, 'opening')
      await simulation.advance(200)
      await operate(simulation, order, 'refund')
      wallet.setOpenPolicy('accept')
      await simulation.outcome(result, 'the payment to end')
      return [{ order, ends: ['failed', 'completed'] }]
    },
  },
  {
    name: 'an order that its operator cancels, and that is paid all the same',
    tell: async (simulation) => {
      const order = await simulation.order(simulation.client(), REFUNDABLE)
      await operate(simulation, order, 'cancel')
      await simulation.until(() => !simulation.isLive(order), 'the order to be over')
      expect(await pay(simulation, order)).toBe('failed')
      return [{ order, ends: ['failed'] }]
    },
  },
]

crashSuite(STORIES)
startSuite()
