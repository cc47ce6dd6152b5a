import { expect } from 'vitest'
import type { SimWallet } from '../../../src/sandbox/wallet.ts'
import { crashSuite, type Story } from './suite.ts'
import { extension, mineUntilOver, pay, withChannel } from './tales.ts'

const STORIES: readonly Story<SimWallet>[] = [
  {
    name: 'a longer life of a channel that is paid by Lightning',
    prepare: withChannel,
    tell: async (simulation, wallet) => {
      const order = await extension(simulation, wallet)
      expect(await pay(simulation, order)).toBe('settled')
      return [{ order, ends: ['completed'] }]
    },
  },
  {
    name: 'a longer life of a channel that is paid on chain, with too much',
    prepare: withChannel,
    tell: async (simulation, wallet) => {
      const order = await extension(simulation, wallet)
      simulation.payOnchain(order, BigInt(order.payment.onchain?.order_total_sat ?? 0) + 50_000n)
      await mineUntilOver(simulation, order)
      return [{ order, ends: ['completed'] }]
    },
  },
  {
    name: 'a longer life of a channel that its client closes, paid by Lightning: it goes back',
    prepare: withChannel,
    tell: async (simulation, wallet) => {
      const order = await extension(simulation, wallet)
      for (const channel of wallet.channels) wallet.closeChannel(channel)
      expect(await pay(simulation, order)).toBe('failed')
      return [{ order, ends: ['failed'] }]
    },
  },
  {
    name: 'a longer life of a channel that its client closes, paid on chain: it is sent back',
    prepare: withChannel,
    tell: async (simulation, wallet) => {
      const order = await extension(simulation, wallet)
      for (const channel of wallet.channels) wallet.closeChannel(channel)
      simulation.payOnchain(order)
      await mineUntilOver(simulation, order)
      return [{ order, ends: ['failed'] }]
    },
  },
]

crashSuite(STORIES)
