import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { msat, type Transport } from '../../../lsps/index.ts'
import { createLsp, type LspConfig, START } from '../../conformance/lsp.ts'
import { NODE } from '../lsps/arbitraries.ts'
import { buyChannel } from './wallet-example.ts'

const PAYMENT = msat(100_000_000n)

/** An LSP in this process; counts who still listens to it. */
function connect(config: LspConfig = {}) {
  const lsp = createLsp(config)
  const listeners = new Set<(payload: Uint8Array) => void>()
  const transport: Transport = {
    async send(payload) {
      const answer = await lsp.send(payload)
      for (const listener of listeners) listener(new TextEncoder().encode(JSON.stringify(answer)))
    },
    onMessage(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  return { lsp, transport, listeners }
}

const { signal } = new AbortController()

describe('the example for wallets in the README', () => {
  beforeEach(() => void vi.useFakeTimers({ now: START }))
  afterEach(() => void vi.useRealTimers())

  it('buys a channel, and has what goes into the invoice', async () => {
    const { lsp, transport } = connect()
    expect(await buyChannel(transport, NODE, PAYMENT, signal)).toEqual({
      fee: 546_000n,
      hint: { nodeId: NODE, scid: '16100000x1x1', baseFeeMsat: 0, feeProportionalMillionths: 0, cltvExpiryDelta: 144 },
      expiry: 1800,
    })
    expect(lsp.sold).toHaveLength(1)
  })

  it('says so when nothing is sold, and listens no more', async () => {
    const { transport, listeners } = connect({ terms: [] })
    await expect(buyChannel(transport, NODE, PAYMENT, signal)).rejects.toThrow('no channels at the moment')
    expect(listeners.size).toBe(0)
  })

  it('leaves no timer behind', async () => {
    await buyChannel(connect().transport, NODE, PAYMENT, signal)
    expect(vi.getTimerCount()).toBe(0)
  })
})
