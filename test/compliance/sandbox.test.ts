import { expect, it } from 'vitest'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import { ManualClock } from '../../src/sandbox/manual-clock.ts'
import type { SimWallet } from '../../src/sandbox/wallet.ts'
import { createWorld, MEASURED_LATENCY, type World } from '../../src/sandbox/world.ts'
import {
  MESSAGE_TYPE,
  type NodeUnderTest,
  type Parts,
  type PaymentEnd,
  type WalletUnderTest,
} from './node-under-test.ts'
import { describeNodePort } from './suite.ts'

const STEP_MS = 50

type SimInvoice = { readonly hash: string; readonly amount: string; readonly scid: Scid }

function walletUnderTest(wallet: SimWallet): WalletUnderTest {
  const messages: Uint8Array[] = []
  wallet.onCustomMessage((type, data) => {
    if (type === MESSAGE_TYPE) messages.push(data)
  })
  return {
    nodeId: wallet.nodeId as NodeId,
    connect: async () => wallet.connect(),
    disconnect: async () => wallet.disconnect(),
    acceptZeroConf: (accept) => {
      wallet.trustsNode = accept
    },
    closeChannels: () => {
      for (const channel of wallet.channels) if (channel.state === 'open') wallet.closeChannel(channel)
    },
    onPayment: (policy) => wallet.setPaymentPolicy(policy),
    invoice: async ({ amount, scid, maxFee = 0n }) => {
      const { paymentHash } = wallet.invoice({ amount, maxFee })
      const invoice: SimInvoice = { hash: paymentHash, amount: amount.toString(), scid }
      return { paymentHash, invoice: JSON.stringify(invoice) }
    },
    received: async () => wallet.received.map(({ paymentHash, amount }) => ({ paymentHash, amount })),
    send: async (data) => wallet.send(MESSAGE_TYPE, data),
    messages: () => messages,
  }
}

async function pay(world: World, invoice: string): Promise<PaymentEnd> {
  const { hash, amount, scid } = JSON.parse(invoice) as SimInvoice
  const end = await world.payer.pay({ hash, scid, amount: BigInt(amount) }).result
  return end.status === 'settled' ? { settled: true } : { settled: false, failure: end.reason }
}

function send(world: World, invoice: string, { amounts, ...rest }: Parts): readonly Promise<PaymentEnd>[] {
  return world.payer.payInvoice({ invoice, parts: amounts, ...rest }).map(async ({ result }) => {
    const end = await result
    return end.status === 'settled' ? { settled: true } : { settled: false, failure: end.reason }
  })
}

const worlds: World[] = []

async function simulated(): Promise<NodeUnderTest> {
  const clock = new ManualClock()
  const world = createWorld({ clock, seed: 3, latency: { ...MEASURED_LATENCY, calls: {} } })
  worlds.push(world)
  return {
    port: world.attach(),
    requireInterceptor: true,
    addWallet: async () => {
      const wallet = world.addWallet()
      wallet.connect()
      return walletUnderTest(wallet)
    },
    payer: { pay: (invoice) => pay(world, invoice), send: (invoice, parts) => send(world, invoice, parts) },
    mine: async (blocks) => world.mine(blocks),
    deposit: async (payment) => world.deposit(payment),
    replaceDeposit: async (deposit, to) => world.replaceDeposit(deposit, to),
    reorganise: async (depth) => world.reorg(depth),
    restart: async () => {
      world.killNode()
      world.restartNode()
    },
    step: () => clock.advance(STEP_MS),
    stepMs: STEP_MS,
    dispose: async () => world.killClient(),
  }
}

describeNodePort('simulated node', simulated)

it('the simulated world is whole after the suite', () => {
  expect(worlds).toHaveLength(1)
  for (const world of worlds) expect(world.audit()).toEqual([])
})
