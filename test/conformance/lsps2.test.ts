import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { msat, type Ppm, U64_MAX } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { isOrdered } from '../../lsps/lsps2/menu.ts'
import { OpeningFeeParams } from '../../lsps/lsps2/schema.ts'
import { BOB, createLsp, menuOf, outcome, START, TERMS } from './lsp.ts'

const HALF_HOUR_MS = 1_800_000
const NAMES = [
  'max_client_to_self_delay',
  'max_payment_size_msat',
  'min_fee_msat',
  'min_lifetime',
  'min_payment_size_msat',
  'promise',
  'proportional',
  'valid_until',
]

async function setUp(config: Parameters<typeof createLsp>[0] = {}) {
  const lsp = createLsp(config)
  const [offer] = await menuOf(lsp)
  if (offer === undefined) throw new Error('the menu is empty')
  const buy = (change: object, peer?: typeof BOB, size: unknown = '1000000') =>
    lsp.call('lsps2.buy', { opening_fee_params: { ...offer, ...change }, payment_size_msat: size }, peer)
  return { lsp, offer, buy, buyFor: (size: string) => buy({}, undefined, size) }
}

describe('probes of lsps2.get_info', () => {
  it('[L2-02] P33: a bad token, and an unknown parameter', async () => {
    const { lsp } = await setUp({ tokens: ['good'] })
    const bad = await lsp.call('lsps2.get_info', { token: 'bad' })
    expect(bad?.error).toEqual({ code: 200, message: expect.any(String) })
    expect(outcome(await lsp.call('lsps2.get_info', { token: 'good' }))).toBe('ok')
    const unknown = await lsp.call('lsps2.get_info', { ongoing_proportional: true })
    expect(unknown?.error).toMatchObject({ code: -32602, data: { unrecognized: ['ongoing_proportional'] } })
    expect((await lsp.call('lsps2.get_info', { token: 5 }))?.error).toMatchObject({
      code: -32602,
      data: { unrecognized: [], property: 'token' },
    })
  })

  it('[L2-04] [L2-05] [L2-11] [L0-83] P34: the menu', async () => {
    const dearer = { ...TERMS, min_fee_msat: msat(600_000n) }
    const crossing = { ...TERMS, min_fee_msat: msat(700_000n), proportional: 1 as Ppm }
    const { lsp } = await setUp({ terms: [dearer, TERMS, crossing] })
    const menu = await menuOf(lsp)
    expect(menu).toHaveLength(2)
    for (const offer of menu) {
      expect(Object.keys(offer).toSorted()).toEqual(NAMES)
      expect(offer.promise).toMatch(/^[\x20-\x7e]{1,512}$/)
      expect(Date.parse(offer.valid_until as string)).toBeGreaterThanOrEqual(START + 600_000)
    }
    expect(isOrdered(menu.map((offer) => z.decode(OpeningFeeParams, offer)))).toBe(true)
  })

  it('[L2-03] the menu may be empty', async () => {
    expect(await menuOf(createLsp({ terms: [] }))).toEqual([])
  })
})

describe('probes of lsps2.buy', () => {
  it.each([
    { min_fee_msat: '546001' },
    { proportional: 1201 },
    { valid_until: '2023-02-23T08:47:30.512Z' },
    { min_lifetime: 1009 },
    { max_client_to_self_delay: 2017 },
    { min_payment_size_msat: '1001' },
    { max_payment_size_msat: '1000000001' },
    { promise: '' },
  ])('[L2-10] [L2-41] P35: an offer with %j is not ours', async (change) => {
    const { lsp, buy } = await setUp()
    expect(outcome(await buy(change))).toBe(201)
    expect(lsp.sold).toEqual([])
  })

  it('[L2-41] P35: a promise with one character changed, or of another client', async () => {
    const { offer, buy } = await setUp()
    const promise = offer.promise as string
    expect(outcome(await buy({ promise: promise.replace(/.$/, (last) => (last === '0' ? '1' : '0')) }))).toBe(201)
    expect(outcome(await buy({}, BOB))).toBe(201)
    expect(outcome(await buy({}))).toBe('ok')
  })

  it('[L2-16] [L0-78] P36: keys in another order and the same instant in another form', async () => {
    const valid = (Math.floor(START / 1000) * 1000 + HALF_HOUR_MS) as Timestamp
    const { lsp, offer } = await setUp({ terms: [{ ...TERMS, valid_until: valid }] })
    const reversed = Object.fromEntries(Object.entries(offer).toReversed())
    const valid_until = (offer.valid_until as string).replace('.000Z', 'Z')
    expect(valid_until).not.toBe(offer.valid_until)
    const params = { payment_size_msat: '1000000', opening_fee_params: { ...reversed, valid_until } }
    expect(outcome(await lsp.call('lsps2.buy', params))).toBe('ok')
  })

  it('[L2-41] P37: after valid_until', async () => {
    const { lsp, buy } = await setUp()
    lsp.passTime(HALF_HOUR_MS)
    expect(outcome(await buy({}))).toBe('ok')
    lsp.passTime(1)
    expect(outcome(await buy({}))).toBe(201)
  })

  it('[L2-47] [L0-30] [L0-31] P38: a key too many, a key too few, a size that is a number', async () => {
    const { lsp, offer, buy } = await setUp()
    const extra = await buy({ ongoing_proportional: true })
    expect(extra?.error?.data).toEqual({ unrecognized: ['opening_fee_params.ongoing_proportional'] })
    for (const name of NAMES) {
      const { [name]: _left, ...incomplete } = offer
      const answer = await lsp.call('lsps2.buy', { opening_fee_params: incomplete, payment_size_msat: '1000000' })
      expect(answer?.error).toMatchObject({ code: -32602, data: { property: `opening_fee_params.${name}` } })
    }
    const number = await buy({}, undefined, 1_000_000)
    expect(number?.error).toMatchObject({ code: -32602, data: { unrecognized: [], property: 'payment_size_msat' } })
    expect((await lsp.call('lsps2.buy', {}))?.error).toMatchObject({ data: { property: 'opening_fee_params' } })
    expect(lsp.sold).toEqual([])
  })

  it('[L2-42] [L2-43] P39: at the edges of the fee and of the limits', async () => {
    const { buyFor } = await setUp()
    const sizes = ['546000', '546001', '999', '1000000001', '1000', '1000000000']
    const outcomes = await Promise.all(sizes.map(async (size) => outcome(await buyFor(size))))
    expect(outcomes).toEqual([202, 'ok', 202, 203, 202, 'ok'])
  })

  it('[L2-31] [L2-32] P40: the fee overflows', async () => {
    const { buyFor } = await setUp({ terms: [{ ...TERMS, max_payment_size_msat: msat(U64_MAX) }] })
    for (const size of ['15372286728090460', '15372286728091294', U64_MAX.toString()]) {
      expect(outcome(await buyFor(size))).toBe(203)
    }
    expect(outcome(await buyFor('15372286728090459'))).toBe('ok')
  })

  it('[L2-45] [L2-46] [L0-36] a rejected client is told so before its offer is looked at', async () => {
    const { lsp, buy } = await setUp({ rejected: [BOB] })
    expect((await buy({ promise: 'forged' }, BOB))?.error).toMatchObject({ code: 1, data: { message: 'not served' } })
    expect((await lsp.call('lsps2.buy', { odd: 1 }, BOB))?.error?.code).toBe(-32602)
  })

  it('[L2-48] [L2-49] answers the scid and the delta', async () => {
    const { buy } = await setUp()
    const { jit_channel_scid, lsp_cltv_expiry_delta, client_trusts_lsp } = (await buy({}))?.result ?? {}
    expect(jit_channel_scid).toMatch(/^\d+x\d+x\d+$/)
    expect(lsp_cltv_expiry_delta).toBe(144)
    expect(client_trusts_lsp ?? false).toBe(false)
  })
})
