import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { msat, type Transport } from '../../../lsps/index.ts'
import { createLsp, type LspConfig, START } from '../../conformance/lsp.ts'
import { createWebhookLsp } from '../../conformance/webhook-lsp.ts'
import { NODE } from '../lsps/arbitraries.ts'
import { buyChannel, leaveWebhook, onParts } from './wallet-example.ts'

const PAYMENT = msat(100_000_000n)
const FEE = msat(546_000n)

/** An LSP in this process; counts who still listens to it. */
function connect(config: LspConfig = {}) {
  const lsp = createLsp(config)
  return { lsp, ...transportTo((payload) => lsp.send(payload)) }
}

function transportTo(send: (payload: Uint8Array) => Promise<unknown>) {
  const listeners = new Set<(payload: Uint8Array) => void>()
  const transport: Transport = {
    async send(payload) {
      const answer = await send(payload)
      for (const listener of listeners) listener(new TextEncoder().encode(JSON.stringify(answer)))
    },
    onMessage(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  return { transport, listeners }
}

const { signal } = new AbortController()

describe('the example for wallets in the README', () => {
  beforeEach(() => void vi.useFakeTimers({ now: START }))
  afterEach(() => void vi.useRealTimers())

  it('buys a channel, and has what goes into the invoice', async () => {
    const { lsp, transport } = connect()
    const { invoice, fee } = await buyChannel(transport, NODE, PAYMENT, FEE, signal)
    expect(fee).toBe(FEE)
    expect(invoice).toEqual({
      amount: PAYMENT,
      routeHint: {
        nodeId: NODE,
        scid: '16100000x1x1',
        baseFeeMsat: 0,
        feeProportionalMillionths: 0,
        cltvExpiryDelta: 144,
      },
      basicMpp: true,
      minFinalCltvExpiryDelta: 42,
      expirySeconds: 1800,
    })
    expect(lsp.sold).toHaveLength(1)
  })

  it('claims what it agreed to, and nothing else', async () => {
    const { purchase } = await buyChannel(connect().transport, NODE, PAYMENT, FEE, signal)
    const half = msat(PAYMENT / 2n)
    const first = { onionAmount: half, htlcAmount: msat(half - FEE), extraFee: FEE }
    const second = { onionAmount: half, htlcAmount: half, extraFee: undefined }
    expect(onParts(purchase, [first])).toBe('wait')
    expect(onParts(purchase, [first, second])).toBe('claim')
    expect(onParts(purchase, [first, first])).toBe('fail')
  })

  it('does not buy for more than it was told to', async () => {
    const { lsp, transport } = connect()
    await expect(buyChannel(transport, NODE, PAYMENT, msat(FEE - 1n), signal)).rejects.toThrow('costs 546000 msat')
    expect(lsp.sold).toEqual([])
  })

  it('says so when nothing is sold, and listens no more', async () => {
    const { transport, listeners } = connect({ terms: [] })
    await expect(buyChannel(transport, NODE, PAYMENT, FEE, signal)).rejects.toThrow('no channels at the moment')
    expect(listeners.size).toBe(0)
  })

  it('leaves no timer behind', async () => {
    await buyChannel(connect().transport, NODE, PAYMENT, FEE, signal)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('leaves a webhook, as often as it starts', async () => {
    const lsp = createWebhookLsp()
    const { transport, listeners } = transportTo((payload) => lsp.send(new TextDecoder().decode(payload)))
    const url = 'https://push.example.com/wake?token=3f9a'
    await leaveWebhook(transport, url, signal)
    await leaveWebhook(transport, url, signal)
    expect(lsp.calls.map((call) => call.url)).toEqual([url])
    expect(listeners.size).toBe(0)
  })
})
