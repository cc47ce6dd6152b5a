import { beforeEach, describe, expect, it } from 'vitest'
import type { Clock } from '../../lsps/base/clock.ts'
import { createRpcClient, lsps0, lsps2, msat, type RpcClient, RpcFault, type Transport } from '../../lsps/index.ts'
import { ManualClock } from '../unit/lsps/manual-clock.ts'
import { createLsp, type Lsp, START } from './lsp.ts'

const never = new AbortController().signal

/** Both ends in one process: what the client sends is served, what is answered comes back. */
function connect(lsp: Lsp): { readonly client: RpcClient; readonly sent: string[] } {
  const sent: string[] = []
  let deliver: (payload: Uint8Array) => void = () => undefined
  const transport: Transport = {
    async send(payload) {
      const text = new TextDecoder().decode(payload)
      sent.push(text)
      const answer = await lsp.send(text)
      deliver(new TextEncoder().encode(JSON.stringify(answer)))
    },
    onMessage(callback) {
      deliver = callback
      return () => undefined
    },
  }
  const clock: Clock = new ManualClock(START)
  let ids = 0
  return { client: createRpcClient({ transport, clock, newId: () => `0123456789abcdef-${ids++}` }), sent }
}

let lsp: Lsp
let client: RpcClient
let sent: string[]

beforeEach(() => {
  lsp = createLsp()
  ;({ client, sent } = connect(lsp))
})

describe('a wallet with the typed client', () => {
  it('[L2-01] [L2-20] [L2-48] asks for the menu, buys the first offer and gets a scid', async () => {
    const { protocols } = await client.call(lsps0, 'lsps0.list_protocols', {}, never)
    expect(protocols).toContain(2)
    const { opening_fee_params_menu } = await client.call(lsps2, 'lsps2.get_info', {}, never)
    const [offer] = opening_fee_params_menu
    if (offer === undefined) throw new Error('the menu is empty')
    const params = { opening_fee_params: offer, payment_size_msat: msat(1_000_000n) }
    const bought = await client.call(lsps2, 'lsps2.buy', params, never)
    expect(bought).toEqual({ jit_channel_scid: '16100000x1x1', lsp_cltv_expiry_delta: 144 })
    expect(lsp.sold).toEqual([{ peer: expect.any(String), fee: 546_000n }])
  })

  it('[L0-63] can buy from a server that remembers nothing of the menu', async () => {
    const { opening_fee_params_menu } = await client.call(lsps2, 'lsps2.get_info', {}, never)
    const [offer] = opening_fee_params_menu
    if (offer === undefined) throw new Error('the menu is empty')
    const restarted = connect(createLsp()).client
    const params = { opening_fee_params: offer, payment_size_msat: msat(1_000_000n) }
    await expect(restarted.call(lsps2, 'lsps2.buy', params, never)).resolves.toHaveProperty('jit_channel_scid')
  })

  it('[L0-35] reads the errors of the spec by their codes', async () => {
    const bad = client.call(lsps2, 'lsps2.get_info', { token: 'unknown' }, never)
    await expect(bad).rejects.toMatchObject({ constructor: RpcFault, code: 200, data: undefined })
  })

  it('[L0-20] sends one request object a call', async () => {
    await client.call(lsps2, 'lsps2.get_info', {}, never)
    expect(sent).toEqual(['{"jsonrpc":"2.0","id":"0123456789abcdef-0","method":"lsps2.get_info","params":{}}'])
  })
})
