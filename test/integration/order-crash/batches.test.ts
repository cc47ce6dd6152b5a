import type { OrderSimulation, OrderState } from '../order-simulation.ts'
import { crashConfig, crashSuite, type Story } from './suite.ts'
import { mineUntil, ORDINARY, REFUNDABLE } from './tales.ts'

/** Those that are paid within so many seconds share a transaction. */
const BATCHED = crashConfig({ batch: { wait_seconds: 5 } })

/** A transaction that has to be burnt, since the daemon died between two signatures, takes a block. */
async function payAll(simulation: OrderSimulation, orders: readonly OrderState[]): Promise<void> {
  const payments: ReturnType<OrderSimulation['payInvoice']>[] = []
  for (const order of orders) {
    payments.push(simulation.payInvoice(order))
    await simulation.advance(1) // the node may have died of it
  }
  const isOver = () => payments.every(({ outcome }) => outcome !== undefined)
  await mineUntil(simulation, { isOver, what: 'all payments to end' })
}

const STORIES: readonly Story[] = [
  {
    name: 'three orders that share a transaction, two paid by Lightning and one on chain',
    config: BATCHED,
    tell: async (simulation) => {
      const orders: OrderState[] = []
      for (let index = 0; index < 3; index += 1)
        orders.push(await simulation.order(simulation.client(), { ...ORDINARY, ...REFUNDABLE }))
      const [last, ...others] = orders
      if (last !== undefined) simulation.payOnchain(last)
      simulation.world.mine(1)
      await payAll(simulation, others)
      const isOver = () => orders.every((order) => !simulation.isLive(order))
      await mineUntil(simulation, { isOver, what: 'all orders to be over' })
      return orders.map((order) => ({ order, ends: ['completed'] as const }))
    },
  },
  {
    name: 'three orders that would share a transaction, one of whose clients refuses',
    config: BATCHED,
    tell: async (simulation) => {
      const [refuser, ...wallets] = [simulation.client(), simulation.client(), simulation.client()]
      refuser?.setOpenPolicy({ refuse: 'no channels today' })
      const refused = await simulation.order(refuser ?? simulation.client(), ORDINARY)
      const orders: OrderState[] = []
      for (const wallet of wallets) orders.push(await simulation.order(wallet, ORDINARY))
      await payAll(simulation, [refused, ...orders])
      return [{ order: refused, ends: ['failed'] }, ...orders.map((order) => ({ order, ends: ['completed'] as const }))]
    },
  },
]

crashSuite(STORIES)
