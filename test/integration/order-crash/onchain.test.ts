import { WRITE_OFF_MS } from '../../../src/orders/ending.ts'
import { CONFIRM_GRACE_MS } from '../../../src/orders/machine.ts'
import type { OrderSimulation, OrderState } from '../order-simulation.ts'
import { crashConfig, crashSuite, EXPIRY_MS, type Story } from './suite.ts'
import { mineUntil, mineUntilOver, ORDINARY, REFUNDABLE, reach, stayDown, total } from './tales.ts'

const ZERO_CONF = crashConfig({
  onchain: {
    zero_conf_payments: { accept_double_spends_up_to_sat: '1000000', accept_double_spends_in_all_sat: '1000000' },
  },
})
const TWO_CONFIRMATIONS = crashConfig({ onchain: { confirmations: 2 } })

/** A wallet of lnd that died before it wrote down a payment of the mempool learns of it with its block. */
async function serve(simulation: OrderSimulation, order: OrderState): Promise<void> {
  await simulation.advance(20_000)
  if (simulation.tag(order) !== 'completed') simulation.world.mine(1)
  await reach(simulation, order, 'completed')
}

const STORIES: readonly Story[] = [
  {
    name: 'an order that is paid on chain',
    toTheEnd: true,
    tell: async (simulation) => {
      const order = await simulation.order(simulation.client(), { ...REFUNDABLE, ...ORDINARY })
      simulation.payOnchain(order)
      await mineUntilOver(simulation, order)
      return [{ order, ends: ['completed'] }]
    },
  },
  {
    name: 'an order that is paid on chain, served without a confirmation',
    config: ZERO_CONF,
    tell: async (simulation) => {
      const order = await simulation.order(simulation.client(), REFUNDABLE)
      simulation.payOnchain(order, total(order), 'final')
      await serve(simulation, order)
      await mineUntilOver(simulation, order)
      return [{ order, ends: ['completed'] }]
    },
  },
  {
    name: 'an order that was served without a confirmation, whose payment is double-spent',
    config: ZERO_CONF,
    tell: async (simulation) => {
      const order = await simulation.order(simulation.client(), REFUNDABLE)
      const payment = simulation.payOnchain(order, total(order), 'final')
      await serve(simulation, order)
      const [txid = ''] = payment.split(':')
      if (simulation.world.node.chain.confirmations(txid) === 0) simulation.world.replaceDeposit(payment)
      simulation.world.mine(1)
      await simulation.advance(20_000)
      await stayDown(simulation, WRITE_OFF_MS)
      return [{ order, ends: ['lost', 'completed'] }]
    },
  },
  {
    name: 'an order that is paid on chain, with two outputs to its address that are enough together',
    tell: async (simulation) => {
      const order = await simulation.order(simulation.client(), REFUNDABLE)
      const half = total(order) / 2n
      simulation.payOnchain(order, half)
      await simulation.advance(1_000)
      simulation.payOnchain(order, total(order) - half + 50_000n)
      await mineUntilOver(simulation, order)
      return [{ order, ends: ['completed'] }]
    },
  },
  {
    name: 'an order that is paid on chain twice: the second payment goes back',
    tell: async (simulation) => {
      const order = await simulation.order(simulation.client(), REFUNDABLE)
      simulation.payOnchain(order)
      await mineUntil(simulation, { isOver: () => simulation.tag(order) !== 'created', what: 'the first to count' })
      simulation.payOnchain(order)
      await mineUntil(simulation, { isOver: () => simulation.refunded() > 0n, what: 'the refund to be in a block' })
      return [{ order, ends: ['completed'] }]
    },
  },
  {
    name: 'an order whose payment on chain a reorganisation takes out of its block, and a later block has',
    tell: async (simulation) => {
      const order = await simulation.order(simulation.client(), REFUNDABLE)
      simulation.payOnchain(order)
      simulation.world.mine(1)
      await simulation.advance(20)
      simulation.world.reorg(1)
      await mineUntilOver(simulation, order)
      return [{ order, ends: ['completed'] }]
    },
  },
  {
    name: 'an order whose payment on chain is gone after a reorganisation, while its client is away',
    tell: async (simulation) => {
      const wallet = simulation.client()
      const order = await simulation.order(wallet, REFUNDABLE)
      wallet.disconnect()
      simulation.payOnchain(order)
      await mineUntil(simulation, { isOver: () => simulation.tag(order) === 'paid', what: 'the payment to count' })
      simulation.world.reorg(2, 'forget')
      simulation.world.killNode() // its wallet forgets what no mempool takes when it starts again
      await simulation.advance(20_000)
      wallet.connect()
      await simulation.advance(EXPIRY_MS)
      return [{ order, ends: ['completed', 'failed', 'lost'] }]
    },
  },
  {
    name: 'an order whose payment is replaced before it is deep enough',
    config: TWO_CONFIRMATIONS,
    tell: async (simulation) => {
      const order = await simulation.order(simulation.client(), REFUNDABLE)
      const payment = simulation.payOnchain(order)
      await simulation.advance(5_000)
      simulation.world.replaceDeposit(payment)
      simulation.world.mine(1)
      await simulation.advance(EXPIRY_MS)
      await stayDown(simulation, CONFIRM_GRACE_MS)
      return [{ order, ends: ['failed'] }]
    },
  },
  {
    name: 'an order that is paid by Lightning and on chain at once',
    tell: async (simulation) => {
      const order = await simulation.order(simulation.client(), REFUNDABLE)
      const { result } = simulation.payInvoice(order)
      simulation.payOnchain(order)
      await simulation.outcome(result, 'the payment to end')
      await mineUntil(simulation, { isOver: () => simulation.refunded() > 0n, what: 'the refund to be in a block' })
      return [{ order, ends: ['completed'] }]
    },
  },
]

crashSuite(STORIES)
