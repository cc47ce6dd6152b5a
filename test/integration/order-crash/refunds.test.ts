import { HURRY_AFTER_MS } from '../../../src/funding/payout-machine.ts'
import { crashSuite, EXPIRY_MS, type Story } from './suite.ts'
import { mineUntil, mineUntilOver, ORDINARY, operate, REFUNDABLE, reach, stayDown } from './tales.ts'

const STORIES: readonly Story[] = [
  {
    name: 'an order that is paid on chain, too little and in two parts, and sent back',
    tell: async (simulation) => {
      const order = await simulation.order(simulation.client(), { ...REFUNDABLE, ...ORDINARY })
      simulation.payOnchain(order, 20_000n)
      simulation.payOnchain(order, 30_000n)
      await simulation.advance(EXPIRY_MS)
      await mineUntil(simulation, {
        isOver: () => simulation.bookedOf(order, 'order-deposit') === 2,
        what: 'both to count',
      })
      return [{ order, ends: ['failed'] }]
    },
  },
  {
    name: 'an order that is paid on chain, whose client refuses the channel',
    tell: async (simulation) => {
      const wallet = simulation.client()
      wallet.trustsNode = false
      const order = await simulation.order(wallet, REFUNDABLE)
      simulation.payOnchain(order)
      await mineUntilOver(simulation, order)
      return [{ order, ends: ['failed'] }]
    },
  },
  {
    name: 'an order that is paid on chain after it expired',
    tell: async (simulation) => {
      const order = await simulation.order(simulation.client(), REFUNDABLE)
      await simulation.advance(EXPIRY_MS + 1_000)
      simulation.payOnchain(order)
      await simulation.advance(1_000)
      await mineUntil(simulation, { isOver: () => simulation.refunded() > 0n, what: 'the refund to be in a block' })
      return [{ order, ends: ['failed'] }]
    },
  },
  {
    name: 'an order that got less than a refund costs',
    tell: async (simulation) => {
      const order = await simulation.order(simulation.client(), REFUNDABLE)
      simulation.payOnchain(order, 400n)
      await simulation.advance(EXPIRY_MS)
      await mineUntil(simulation, {
        isOver: () => simulation.bookedOf(order, 'order-dust') === 1,
        what: 'it to be dust',
      })
      return [{ order, ends: ['failed'] }]
    },
  },
  {
    name: 'an order whose refund waits for hours, until its change pays for it',
    tell: async (simulation) => {
      const wallet = simulation.client()
      const order = await simulation.order(wallet, REFUNDABLE)
      wallet.disconnect()
      simulation.payOnchain(order)
      await mineUntil(simulation, { isOver: () => simulation.tag(order) === 'paid', what: 'the payment to count' })
      await operate(simulation, order, 'refund')
      const refund = () => simulation.refundTxid(order)
      await simulation.until(() => refund() !== undefined, 'the refund to be published')
      simulation.world.node.chain.stuck.add(refund() ?? '')
      simulation.world.node.feerate = 20
      await stayDown(simulation, HURRY_AFTER_MS)
      simulation.world.mine(1)
      await simulation.advance(5_000)
      await mineUntilOver(simulation, order)
      return [{ order, ends: ['failed'] }]
    },
  },
  {
    name: 'an order that is paid on chain, and that its operator gives back while its channel is being opened',
    tell: async (simulation) => {
      const wallet = simulation.client()
      wallet.setOpenPolicy('hang-sign')
      const order = await simulation.order(wallet, REFUNDABLE)
      simulation.payOnchain(order)
      simulation.world.mine(1)
      await reach(simulation, order, 'opening')
      await simulation.advance(200)
      await operate(simulation, order, 'refund')
      wallet.setOpenPolicy('accept')
      await mineUntilOver(simulation, order)
      return [{ order, ends: ['failed', 'completed'] }]
    },
  },
]

crashSuite(STORIES)
