import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { sat } from '../../../../lsps/base/amount.ts'
import type { Scid } from '../../../../lsps/base/scid.ts'
import { OrderError, type OrderFailure } from '../../../../lsps/lsps1/order-error.ts'
import { impossibleExtensionChange } from '../../../../lsps/lsps7/changes.ts'
import { type ExtensionRequest, extensionClient } from '../../../../lsps/lsps7/client.ts'
import { checkExtension } from '../../../../lsps/lsps7/rules.ts'
import { CreateExtensionParams, ExtensionResult } from '../../../../lsps/lsps7/schema.ts'
import { ALICE, BOB } from '../../../conformance/lsp.ts'
import { createOrderLsp, EXTENDABLE, type OrderLspConfig, SCID } from '../../../conformance/order-lsp.ts'
import { FATES, orderWallet, settle, whileTimePasses } from '../lsps1/order-wallet.ts'
import { REFUND_ADDRESS } from '../lsps1/orders.ts'

const idle = new AbortController().signal
const WANTED: CreateExtensionParams = {
  short_channel_id: SCID,
  channel_extension_expiry_blocks: 4320,
  refund_onchain_address: REFUND_ADDRESS,
}
const MAX_FEE = sat(10_000n)

function extending(config: OrderLspConfig = {}, wanted: Partial<ExtensionRequest> = {}) {
  const lsp = createOrderLsp({ extendable: { [ALICE]: [EXTENDABLE] }, ...config })
  const wallet = orderWallet(lsp)
  const extensions = extensionClient(wallet)
  const placed = extensions.createOrder({ order: WANTED, maxFee: MAX_FEE, signal: idle, ...wanted })
  return { lsp, wallet, extensions, placed }
}

async function failureOf(result: Promise<unknown>): Promise<OrderFailure> {
  const outcome = await result.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (outcome instanceof OrderError) return outcome.failure
  throw outcome
}

const withParams = (change: Partial<CreateExtensionParams>): Partial<ExtensionRequest> => ({
  order: { ...WANTED, ...change },
})

describe('a wallet that extends a channel', () => {
  it('[L7-01] [L7-02] [L7-03] asks what can be extended, orders, and is told how to pay', async () => {
    const { wallet, placed } = extending()
    const { order, options } = await placed
    expect(wallet.sent.map(({ method }) => method)).toEqual(['lsps7.get_extendable_channels', 'lsps7.create_order'])
    expect(order).toMatchObject({ short_channel_id: SCID, new_channel_expiry_blocks: 904_320, order_state: 'CREATED' })
    expect(options.map(({ method, fee, total }) => [method, fee, total])).toEqual([
      ['bolt11', 8888n, 8888n],
      ['onchain', 9999n, 9999n],
    ])
  })

  it('[L7-02] [L7-04] does not order more than the channel allows, or for a channel that is not its own', async () => {
    const tooLong = extending({}, withParams({ channel_extension_expiry_blocks: 13_001 }))
    expect(await failureOf(tooLong.placed)).toMatchObject({ property: 'max_channel_extension_expiry_blocks' })
    const foreign = extending({ extendable: { [BOB]: [EXTENDABLE] } })
    expect(await failureOf(foreign.placed)).toMatchObject({ code: 'option-mismatch', property: 'short_channel_id' })
    for (const { wallet } of [tooLong, foreign]) expect(wallet.sent).toHaveLength(1)
  })

  it('[L7-07] keeps to its cap, and refuses a total that is not the fee', async () => {
    expect(await failureOf(extending({}, { maxFee: sat(8887n) }).placed)).toMatchObject({ code: 'too-expensive' })
    const spoilExtension = (order: ExtensionResult) => {
      const { bolt11 } = order.payment
      if (bolt11 === undefined) return order
      return { ...order, payment: { bolt11: { ...bolt11, order_total_sat: sat(8889n) } } }
    }
    const spoiled = extending({ spoilExtension })
    expect(await failureOf(spoiled.placed)).toMatchObject({ code: 'bad-answer', what: expect.stringContaining('8889') })
  })

  it('[L7-05] reads its order', async () => {
    const { extensions, placed } = extending()
    const { order } = await placed
    await expect(extensions.order(order.order_id).get(idle)).resolves.toEqual(order)
  })

  it('[L7-03] refuses an answer that is about another channel, for less long, or ends too soon', async () => {
    for (const change of [
      { short_channel_id: '1x1x1' as Scid },
      { channel_extension_expiry_blocks: 4319 },
      { new_channel_expiry_blocks: 904_319 },
      { token: 'another' },
    ]) {
      const spoiled = extending({ spoilExtension: (order) => ({ ...order, ...change }) })
      const [name = ''] = Object.keys(change)
      expect(await failureOf(spoiled.placed)).toMatchObject({ code: 'bad-answer', what: expect.stringContaining(name) })
    }
  })

  it('[L7-05] watches its order to the end, after a restart too', async () => {
    const { lsp, placed } = extending()
    const { order } = await placed
    const restarted = orderWallet(lsp)
    const seen: ExtensionResult[] = []
    const watch = async () => {
      for await (const one of extensionClient(restarted).order(order.order_id).updates({ signal: idle })) seen.push(one)
    }
    const ended = watch()
    await settle()
    const { bolt11 } = order.payment
    if (bolt11 === undefined) throw new Error('the sample lacks it')
    lsp.setExtension({ ...order, order_state: 'COMPLETED', payment: { bolt11: { ...bolt11, state: 'PAID' } } })
    await whileTimePasses(restarted.clock, ended)
    expect(seen.map(({ order_state }) => order_state)).toEqual(['CREATED', 'COMPLETED'])
  })

  it('[L7-05] cannot read the order of another wallet', async () => {
    const { lsp, placed } = extending()
    const { order } = await placed
    const other = extensionClient(orderWallet(lsp, { peer: BOB })).order(order.order_id)
    expect(await failureOf(other.get(idle))).toEqual({ code: 'unknown-order', orderId: order.order_id })
  })

  it('[L7-02] gets one order for one call, whatever is lost on the way', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...FATES), { maxLength: 8 }), async (given) => {
        const lsp = createOrderLsp({ extendable: { [ALICE]: [EXTENDABLE] } })
        const left = [...given]
        const wallet = orderWallet(lsp, { nextFate: () => left.shift() ?? 'answered' })
        const placed = extensionClient(wallet).createOrder({ order: WANTED, maxFee: MAX_FEE, signal: idle })
        const outcome = await whileTimePasses(wallet.clock, placed).catch((error: unknown) => error)
        expect(lsp.extensions.size).toBeLessThanOrEqual(1)
        if (!(outcome instanceof OrderError)) expect(lsp.extensions.size).toBe(1)
      }),
    )
  })
})

describe('an extension', () => {
  it('[L7-03] comes back from the wire as it was', async () => {
    const { order } = await extending().placed
    expect(z.decode(ExtensionResult, JSON.parse(JSON.stringify(z.encode(ExtensionResult, order))))).toEqual(order)
  })

  it.each([0, -1, 1.5, 2 ** 32, '144'])('[L7-02] of %j blocks is none', (channel_extension_expiry_blocks) => {
    const params = { short_channel_id: SCID, channel_extension_expiry_blocks }
    expect(z.safeDecode(CreateExtensionParams, params as never).success).toBe(false)
  })

  it('[L7-02] may be as long as the channel allows', () => {
    const params = (channel_extension_expiry_blocks: number) => ({ ...WANTED, channel_extension_expiry_blocks })
    expect(checkExtension([EXTENDABLE], params(13_000))).toBeUndefined()
    expect(checkExtension([EXTENDABLE], params(13_001))?.property).toBe('max_channel_extension_expiry_blocks')
    expect(checkExtension([], params(1))?.property).toBe('short_channel_id')
  })

  it('never ends sooner than it was agreed', async () => {
    const { order } = await extending().placed
    expect(impossibleExtensionChange(order, order)).toBeUndefined()
    expect(impossibleExtensionChange(order, { ...order, new_channel_expiry_blocks: 904_321 })).toBeUndefined()
    for (const change of [
      { new_channel_expiry_blocks: 904_319 },
      { channel_extension_expiry_blocks: 1 },
      { short_channel_id: '1x1x1' as Scid },
    ]) {
      const [what] = Object.keys(change)
      expect(impossibleExtensionChange(order, { ...order, ...change })).toMatchObject({ what })
    }
  })
})
