import { setTimeout as sleep } from 'node:timers/promises'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { scidToNumber } from '../../lsps/base/scid.ts'
import { permissionsFor } from '../../src/lnd/permissions.ts'
import type { Wallet } from '../stack/ldk/wallet.ts'
import { payInvoice, resetMissionControl } from '../stack/payments.ts'
import { waitFor } from '../stack/wait.ts'
import type { NodeUnderTest, PaymentEnd, WalletUnderTest } from './node-under-test.ts'
import { RealNode } from './real-node.ts'
import { describeNodePort } from './suite.ts'

const STEP_MS = 10
const NOTICE_MS = 15_000
const CLTV_DELTA = 144

/** LDK as the suite's wallet. */
function walletUnderTest(node: RealNode, wallet: Wallet): WalletUnderTest {
  const { network } = node
  const nodeId = wallet.nodeId as NodeId
  const messages: Uint8Array[] = []
  const transport = wallet.transport(network.lsp.nodeId)
  transport.onMessage((payload) => messages.push(payload))
  let policy: 'claim' | 'fail' | 'sit' = 'claim'
  const undecided = () => [...wallet.received.values()].filter(({ state }) => state === 'claimable')
  const seen = (online: boolean) =>
    waitFor(
      async () => {
        const { peers } = await network.lsp.call<{ peers: { pub_key: string }[] }>('default', 'listPeers')
        return peers.some(({ pub_key }) => pub_key === nodeId) === online
      },
      { deadline: NOTICE_MS, what: `lnd to see that the wallet is ${online ? 'there' : 'gone'}`, pollMs: STEP_MS },
    )
  return {
    nodeId,
    connect: async () => {
      await wallet.reconnect()
      await seen(true)
    },
    disconnect: async () => {
      wallet.disconnect()
      await seen(false)
    },
    acceptZeroConf: (accept) => {
      wallet.trustsZeroConf = accept
    },
    onPayment: (next) => {
      policy = next
      for (const { paymentHash } of undecided()) {
        if (policy === 'claim') wallet.claim(paymentHash)
        if (policy === 'fail') wallet.fail(paymentHash)
      }
    },
    invoice: async ({ amount, scid, maxFee = 0n }) =>
      wallet.createInvoice({
        amountMsat: amount,
        allowedSkimMsat: maxFee,
        onPayment: policy === 'sit' ? 'hold' : policy,
        hint: {
          nodeId: network.lsp.nodeId,
          scid: scidToNumber(scid),
          feeBaseMsat: 0,
          feePpm: 0,
          cltvDelta: CLTV_DELTA,
        },
      }),
    received: async () => {
      // LDK tells that a payment is claimed after it has told the payer.
      await waitFor(() => policy === 'sit' || undecided().length === 0, {
        deadline: NOTICE_MS,
        what: 'the wallet to claim what it has',
      })
      const claimed = [...wallet.received.values()].filter(({ state }) => state === 'claimed')
      return claimed.map(({ paymentHash, amount }) => ({ paymentHash, amount }))
    },
    send: (data) => transport.send(data),
    messages: () => messages,
  }
}

async function pay(node: RealNode, invoice: string): Promise<PaymentEnd> {
  // Earlier cases fail payments at the same node on purpose, and the payer's router learns from that.
  await resetMissionControl(node.network.payer)
  const { succeeded, attempts } = await payInvoice(node.network.payer, { invoice })
  if (succeeded) return { settled: true }
  const failure = attempts.at(-1)?.failure?.code.toLowerCase()
  return failure === undefined ? { settled: false } : { settled: false, failure }
}

/** The adapter has no more rights than `sluice macaroon` gives it. */
async function realLnd(): Promise<NodeUnderTest> {
  const node = await RealNode.start()
  return {
    port: node.attach(await node.bake(permissionsFor(['node', 'lsps2']))),
    requireInterceptor: true,
    addWallet: async () => walletUnderTest(node, await node.addWallet()),
    payer: { pay: (invoice) => pay(node, invoice) },
    mine: (blocks) => node.network.mine(blocks),
    step: () => sleep(STEP_MS),
    stepMs: STEP_MS,
    dispose: () => node.stop(),
  }
}

describeNodePort('lnd', realLnd)
