import { beforeEach, describe, expect, it } from 'vitest'
import type { Clock } from '../../lsps/base/clock.ts'
import {
  checkParts,
  createRpcClient,
  lsps0,
  lsps2,
  msat,
  type ReceiveRequest,
  type RpcClient,
  RpcFault,
  receive,
  type Transport,
} from '../../lsps/index.ts'
import { splitFee } from '../../lsps/lsps2/split.ts'
import { ManualClock } from '../unit/lsps/manual-clock.ts'
import { ALICE, BOB, createLsp, type Lsp, START, TERMS } from './lsp.ts'

const never = new AbortController().signal

/** Both ends in one process: what the client sends is served, what is answered comes back. */
function connect(
  lsp: Lsp,
  clock: Clock = new ManualClock(START),
): { readonly client: RpcClient; readonly sent: string[] } {
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

const AMOUNT = msat(100_000_000n)
const FEE = msat(546_000n)

/** What a wallet does that wants to be paid, with the typed client of one LSP. */
function buy(from: Lsp, wanted: Partial<ReceiveRequest> = {}) {
  const clock = new ManualClock(START)
  const connected = connect(from, clock)
  const receivable = receive({
    client: connected.client,
    clock,
    lsp: BOB,
    amount: AMOUNT,
    maxFee: { msat: FEE },
    finalCltvBlocks: 40,
    signal: never,
    ...wanted,
  })
  return { receivable, sent: connected.sent }
}

describe('a wallet with receive()', () => {
  it('[L2-01] [L2-20] [L2-55] [L2-56] [L2-57] asks, buys, and knows its invoice', async () => {
    const { receivable, sent: said } = buy(lsp)
    const { invoice, fee } = await receivable
    expect(said.map((text) => JSON.parse(text).method)).toEqual(['lsps2.get_info', 'lsps2.buy'])
    expect(fee).toBe(FEE)
    expect(lsp.sold).toEqual([{ peer: ALICE, fee }])
    expect(invoice).toEqual({
      amount: AMOUNT,
      basicMpp: true,
      minFinalCltvExpiryDelta: 42,
      expirySeconds: 1800,
      routeHint: {
        nodeId: BOB,
        scid: '16100000x1x1',
        baseFeeMsat: 0,
        feeProportionalMillionths: 0,
        cltvExpiryDelta: 144,
      },
    })
  })

  it('[L2-53] [L2-57] buys an invoice without an amount by leaving the size out', async () => {
    const { invoice, purchase } = await buy(lsp, { amount: { likely: AMOUNT } }).receivable
    expect(lsp.sold).toEqual([{ peer: ALICE, fee: undefined }])
    expect(invoice).toMatchObject({ amount: undefined, basicMpp: false })
    expect(purchase.amount).toBeUndefined()
  })

  it('[L2-05] [L2-30] buys the cheapest for its payment, and nothing above its cap', async () => {
    const offers = [
      { ...TERMS, proportional: 12_000 as never, min_fee_msat: msat(1n) },
      { ...TERMS, min_fee_msat: msat(600_000n), proportional: 12_001 as never },
    ]
    const several = createLsp({
      terms: [...offers, { ...TERMS, min_fee_msat: msat(700_000n), proportional: 1 as never }],
    })
    await expect(buy(several).receivable).rejects.toMatchObject({
      failure: { code: 'too-expensive', cheapest: 1_200_000n, cap: FEE },
    })
    expect(several.sold).toEqual([])
    const { fee } = await buy(several, { amount: msat(10_000_000n) }).receivable
    expect(fee).toBe(120_000n)
  })

  it.each([
    ['[L2-03] nothing is sold now', createLsp({ terms: [] }), {}, { code: 'no-offers' }],
    ['[L2-02] the token is unknown', createLsp(), { token: 'x' }, { code: 'unknown-token' }],
    [
      '[L0-36] [L2-45] it is not served',
      createLsp({ rejected: [ALICE] }),
      {},
      { code: 'rejected', said: 'not served' },
    ],
    ['[L2-44] the size cannot come in', createLsp({ receivable: msat(1n) }), {}, { code: 'too-large' }],
    ['[L2-42] the fee would eat the payment', createLsp(), { amount: FEE }, { code: 'too-small', smallest: FEE + 1n }],
  ] as const)('is told when %s', async (_, one, wanted, failure) => {
    await expect(buy(one, wanted).receivable).rejects.toMatchObject({ name: 'ReceiveError', failure })
  })

  it('[L2-41] asks once more for the menu when its offer has become stale', async () => {
    const before = createLsp({ secret: new Uint8Array(32).fill(1) })
    let asked = 0
    const rotated: Lsp = { ...lsp, send: (message) => (asked++ === 0 ? before : lsp).send(message) }
    const { receivable, sent: said } = buy(rotated)
    await receivable
    expect(said).toHaveLength(4)
    expect(lsp.sold).toHaveLength(1)
  })

  it('[L2-92] [L2-95] [L2-96] [L2-97] takes every split of the agreed fee that the LSP makes, once it is whole', async () => {
    const { purchase } = await buy(lsp).receivable
    const splits = [
      [AMOUNT],
      [60_000_000n, 40_000_000n],
      Array<bigint>(10).fill(10_000_000n),
      [400_000n, 200_000n, 99_400_000n],
    ]
    for (const amounts of splits) {
      const split = splitFee(amounts.map(msat), FEE, msat(1000n)) ?? []
      const parts = split.map(({ amountOut, extraFee }, index) => {
        return { onionAmount: msat(amounts[index] ?? 0n), htlcAmount: amountOut, extraFee }
      })
      for (let count = 0; count < parts.length; count += 1) {
        expect(checkParts(purchase, parts.slice(0, count)).verdict).toBe('wait')
      }
      expect(checkParts(purchase, parts)).toMatchObject({ verdict: 'claim', fee: FEE, received: AMOUNT - FEE })
    }
  })
})
