import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { U32_MAX, U64_MAX } from '../../lsps/base/amount.ts'
import type { Lsps1Options } from '../../lsps/lsps1/schema.ts'
import type { Lease } from '../../src/orders/extension-leases.ts'
import { NOW, OPTIONS } from '../unit/lsps/lsps1/orders.ts'
import { GOOD_ORDER } from './kinds/lsps1.ts'
import { ALICE } from './lsp.ts'
import { type OrderAnswer, SCID } from './order-lsp.ts'
import { createSeller, type Seller, type SellerConfig, SOLD_AT_HEIGHT } from './order-seller.ts'

/** Unseen vectors of LSPS1 and LSPS7: whatever a client writes, the answer is the one that the rows ask for. */

const U16_MAX = 65_535
const REFUND = 'refund_onchain_address'
const GOOD: Readonly<Record<string, unknown>> = {
  ...GOOD_ORDER,
  required_channel_confirmations: 1,
  announce_channel: false, // with it no channel is sold without a confirmation (L1-23)
}
const AMOUNTS = ['lsp_balance_sat', 'client_balance_sat']
const U16S = ['required_channel_confirmations', 'funding_confirms_within_blocks']
const REQUIRED = [...AMOUNTS, ...U16S, 'channel_expiry_blocks', 'announce_channel']
const KNOWN = [...REQUIRED, 'token', 'refund_onchain_address']

/** What stands where something else should. */
const anyJunk = () =>
  fc.oneof(
    fc.constantFrom<unknown>(null, true, false, 0, 1, -1, 1.5, 2 ** 53, 1e21, [], {}, ['1'], [1]),
    fc.constantFrom('', ' ', '0', '00', '01', '+1', '-1', '-0', '1e6', '0x10', '1.0', ' 1', '1 ', '1_000', '٣', 'a\0b'),
    // The first is as much as fits beside the other balance of the order.
    fc.constantFrom('18446744073704551615', '18446744073709551616', '99999999999999999999999', 'true', 'null'),
    fc.jsonValue(),
  )

const isAmount = (value: unknown): boolean =>
  typeof value === 'string' && /^(0|[1-9][0-9]{0,19})$/.test(value) && BigInt(value) <= U64_MAX
const isCount = (value: unknown, least: number, most: number): boolean =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most

/** By the rows alone: whether a value may stand in this field, whatever the options say. */
function isOfShape(field: string, value: unknown): boolean {
  if (field === 'lsp_balance_sat') return isAmount(value) && value !== '0'
  if (field === 'client_balance_sat') return isAmount(value)
  if (U16S.includes(field)) return isCount(value, 0, U16_MAX)
  if (field === 'channel_expiry_blocks') return isCount(value, 1, U32_MAX)
  if (field === 'announce_channel') return typeof value === 'boolean'
  if (field === 'token') return value === null || (typeof value === 'string' && !value.includes('\0'))
  return value === null // what else is a refund address, no junk hits by chance
}

async function withSeller<T>(config: SellerConfig, use: (seller: Seller) => Promise<T>): Promise<T> {
  const seller = createSeller(config)
  try {
    return await use(seller)
  } finally {
    expect(seller.unexpected).toEqual([])
    await seller.close()
  }
}

/** What an order is answered; after an error nothing of it is left, after a result just one order. */
function answerTo(params: unknown, config: SellerConfig = {}): Promise<OrderAnswer> {
  return withSeller(config, async (seller) => {
    const answer = await seller.call('lsps1.create_order', params)
    const made = answer.error === undefined ? 1 : 0
    expect(seller.orders.size).toBe(made)
    expect(seller.asked).toHaveLength(made)
    expect(seller.addresses.length).toBeLessThanOrEqual(made)
    return answer
  })
}

const told = (property: string) => ({ unrecognized: [], property, message: expect.stringMatching(/./) })

describe('any order', () => {
  it('[L1-10] [L1-11] [L1-12] [L1-13] [L1-14] [L1-15] [L1-16] [L1-17] [L1-30] with junk in one field is -32602 by its name', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...KNOWN), anyJunk(), async (field, value) => {
        const { error } = await answerTo({ ...GOOD, [field]: value })
        if (isOfShape(field, value)) expect(error?.code).not.toBe(-32602)
        else expect(error).toMatchObject({ code: -32602, data: told(field) })
      }),
      { numRuns: 400 },
    )
  })

  it('[L1-19] [L1-30] [L0-31] without some of its fields names one that is missing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.subarray(REQUIRED, { minLength: 1 }), async (missing) => {
        const params = Object.fromEntries(Object.entries(GOOD).filter(([name]) => !missing.includes(name)))
        const { error } = await answerTo(params)
        expect(error).toMatchObject({ code: -32602, data: { unrecognized: [], message: 'required' } })
        const { property } = error?.data ?? {}
        expect(missing).toContain(property)
      }),
      { numRuns: 60 },
    )
  })

  it('[L0-30] [L0-32] [L1-30] with unknown names lists all of them, whatever else is wrong', async () => {
    const anyName = fc.string({ minLength: 1, maxLength: 20 }).filter((name) => !KNOWN.includes(name))
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(anyName, { minLength: 1, maxLength: 5 }), anyJunk(), async (names, value) => {
        const extra = Object.fromEntries(names.map((name) => [name, value]))
        const { error } = await answerTo(JSON.parse(JSON.stringify({ ...GOOD, lsp_balance_sat: value, ...extra })))
        expect(error?.code).toBe(-32602)
        const { unrecognized } = error?.data ?? {}
        expect([...(unrecognized as string[])].toSorted()).toEqual(Object.keys(extra).toSorted())
      }),
      { numRuns: 100 },
    )
  })

  it('[L1-41] [L1-42] [L1-47] [L1-63] [L1-65] that fits is answered with its own words, and one price', async () => {
    const anyOrder = fc.record(
      {
        lsp_balance_sat: fc.bigInt({ min: 100_000n, max: 10_000_000n }).map(String),
        client_balance_sat: fc.bigInt({ min: 20_000n, max: 6_000_000n }).map(String),
        required_channel_confirmations: fc.integer({ min: 1, max: U16_MAX }),
        funding_confirms_within_blocks: fc.integer({ min: 6, max: U16_MAX }),
        channel_expiry_blocks: fc.integer({ min: 1, max: 20_160 }),
        announce_channel: fc.boolean(),
        token: fc.constantFrom<string | null>('', null, 'good'),
        refund_onchain_address: fc.constantFrom(GOOD[REFUND], null),
      },
      { requiredKeys: REQUIRED as never },
    )
    await fc.assert(
      fc.asyncProperty(anyOrder, async (order) => {
        const { result } = await answerTo(order, { tokens: ['good'], discounts: { good: 250_000 } })
        const { token = '', refund_onchain_address: refund, ...echoed } = order
        expect(result).toMatchObject({ ...echoed, token })
        expect(result).not.toHaveProperty('refund_onchain_address')
        const options = Object.entries(result?.payment ?? {}) as [string, Record<string, string>][]
        expect(options.map(([name]) => name)).toEqual(refund == null ? ['bolt11'] : ['bolt11', 'onchain'])
        for (const [, { fee_total_sat = '', order_total_sat = '', state }] of options) {
          expect(BigInt(order_total_sat)).toBe(BigInt(fee_total_sat) + BigInt(order.client_balance_sat))
          expect(state).toBe('EXPECT_PAYMENT')
        }
      }),
      { numRuns: 150 },
    )
  })
})

type Edge = {
  readonly row: string
  readonly field: string
  readonly option: keyof Lsps1Options
  readonly outwards: 1 | -1
}

const EDGES: readonly Edge[] = [
  { row: 'L1-10', field: 'lsp_balance_sat', option: 'max_initial_lsp_balance_sat', outwards: 1 },
  { row: 'L1-10', field: 'lsp_balance_sat', option: 'min_initial_lsp_balance_sat', outwards: -1 },
  { row: 'L1-11', field: 'client_balance_sat', option: 'max_initial_client_balance_sat', outwards: 1 },
  { row: 'L1-11', field: 'client_balance_sat', option: 'min_initial_client_balance_sat', outwards: -1 },
  {
    row: 'L1-12',
    field: 'required_channel_confirmations',
    option: 'min_required_channel_confirmations',
    outwards: -1,
  },
  {
    row: 'L1-13',
    field: 'funding_confirms_within_blocks',
    option: 'min_funding_confirms_within_blocks',
    outwards: -1,
  },
  { row: 'L1-14', field: 'channel_expiry_blocks', option: 'max_channel_expiry_blocks', outwards: 1 },
]

/** Room on both sides of every edge, and for the sum. */
const ROOMY: Lsps1Options = {
  ...OPTIONS,
  min_required_channel_confirmations: 3,
  min_channel_balance_sat: 1n as never,
  max_channel_balance_sat: 1_000_000_000n as never,
}
const INSIDE = { ...GOOD, required_channel_confirmations: 3 }

describe.each(EDGES)('[$row] [L1-32] the edge $option', ({ field, option, outwards }) => {
  it('is inside, and the next one is 100 by its name', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 1000 }), async (further) => {
        const edge = ROOMY[option]
        const at = (offset: number) => {
          if (typeof edge === 'bigint') return `${edge + BigInt(offset * outwards)}`
          return (edge as number) + offset * outwards
        }
        const large = { features: [18, 19], options: ROOMY }
        expect((await answerTo({ ...INSIDE, [field]: at(0) }, large)).error).toBeUndefined()
        const beyond = at(1 + (typeof edge === 'bigint' || outwards > 0 ? further : 0))
        const { error } = await answerTo({ ...INSIDE, [field]: beyond }, large)
        expect(error).toMatchObject({ code: 100, data: { property: option, message: expect.stringMatching(/./) } })
      }),
      { numRuns: 15 },
    )
  })
})

describe('the size of the channel', () => {
  it('[L1-18] [L1-32] is the sum of both balances: at the edge it is sold, one more or less is 100', async () => {
    const options = {
      ...OPTIONS,
      min_initial_lsp_balance_sat: 1n,
      min_initial_client_balance_sat: 0n,
      min_channel_balance_sat: 50_000n,
      max_channel_balance_sat: 9_000_000n,
    } as Lsps1Options
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(
          { sum: 49_999n, property: 'min_channel_balance_sat' },
          { sum: 50_000n, property: undefined },
          { sum: 9_000_000n, property: undefined },
          { sum: 9_000_001n, property: 'max_channel_balance_sat' },
        ),
        fc.integer({ min: 1, max: 49_999 }),
        async ({ sum, property }, lsp) => {
          const balances = { lsp_balance_sat: `${lsp}`, client_balance_sat: `${sum - BigInt(lsp)}` }
          const { error, result } = await answerTo({ ...GOOD, ...balances }, { options })
          if (property === undefined) expect(result).toMatchObject(balances)
          else expect(error).toMatchObject({ code: 100, data: { property } })
        },
      ),
      { numRuns: 60 },
    )
  })

  it('[L1-18] that leaves 64 bits is -32602, never a smaller channel', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.bigInt({ min: 1n, max: U64_MAX }),
        fc.bigInt({ min: 0n, max: U64_MAX }),
        async (lsp, client) => {
          const { error } = await answerTo({ ...GOOD, lsp_balance_sat: `${lsp}`, client_balance_sat: `${client}` })
          if (lsp + client > U64_MAX) expect(error).toMatchObject({ code: -32602, data: told('client_balance_sat') })
          else expect([undefined, 100]).toContain(error?.code)
        },
      ),
      { numRuns: 100 },
    )
  })
})

describe('a token', () => {
  it('[L1-34] [L1-42] is a known one, or none at all, or 102', async () => {
    const text = fc.oneof(fc.constantFrom('', 'good', 'Good', 'good ', 'x'.repeat(300)), fc.string({ maxLength: 40 }))
    await fc.assert(
      fc.asyncProperty(
        text.filter((token) => !token.includes('\0')),
        async (token) => {
          const { error, result } = await answerTo({ ...GOOD, token }, { tokens: ['good'] })
          if (token === '' || token === 'good') expect(result).toMatchObject({ token })
          else expect(error).toEqual({ code: 102, message: expect.any(String) })
        },
      ),
      { numRuns: 80 },
    )
  })

  it('[L1-33] [L1-34] is looked at last: whatever else is wrong is told first', async () => {
    const config = { tokens: ['good'] }
    const order = { ...GOOD, token: 'bad' }
    expect((await answerTo({ ...order, channel_expiry_blocks: 0 }, config)).error?.code).toBe(-32602)
    expect((await answerTo({ ...order, channel_expiry_blocks: 99_999 }, config)).error?.code).toBe(100)
    expect(
      (await answerTo({ ...order, channel_expiry_blocks: 99_999 }, { ...config, notSelling: 'no' })).error?.code,
    ).toBe(1)
  })
})

describe('the id of an order', () => {
  it('[L1-51] [L1-52] that is not one of the caller is 101, and what is no text -32602', async () => {
    await withSeller({}, async (seller) => {
      await seller.call('lsps1.create_order', GOOD)
      const [id = ''] = seller.orders.keys()
      const near = fc.constantFrom(id.toUpperCase(), ` ${id}`, `${id} `, id.slice(1), `${id}0`, id.replaceAll('-', ''))
      await fc.assert(
        fc.asyncProperty(fc.oneof(near, anyJunk(), fc.string()), async (order_id) => {
          for (const method of ['lsps1.get_order', 'lsps7.get_order']) {
            const { error } = await seller.call(method, { order_id })
            if (typeof order_id === 'string') expect(error).toEqual({ code: 101, message: expect.any(String) })
            else expect(error).toMatchObject({ code: -32602, data: told('order_id') })
          }
        }),
        { numRuns: 200 },
      )
    })
  })
})

const LEASE: Lease = {
  outpoint: `${'ab'.repeat(32)}:0`,
  scid: SCID,
  client: ALICE,
  capacity: 5_000_000n as Lease['capacity'],
  source: { type: 'order', id: 'an order' },
  extensions: [],
  untilHeight: SOLD_AT_HEIGHT + 1_000,
  until: (NOW + 1_000 * 600_000) as Lease['until'],
  fundedAt: NOW,
}
const EXTENSION = { short_channel_id: SCID, channel_extension_expiry_blocks: 144 }

describe('any extension', () => {
  const config = { leases: { [ALICE]: [LEASE] }, mostBlocks: 5_000 }
  const answered = (params: unknown) =>
    withSeller(config, async (seller) => {
      const answer = await seller.call('lsps7.create_order', params)
      expect(seller.asked).toHaveLength(answer.error === undefined ? 1 : 0)
      return answer
    })

  it('[L7-02] [L7-04] with junk in one field is -32602 by its name, and costs nothing', async () => {
    const fields = ['short_channel_id', 'channel_extension_expiry_blocks', 'token', 'refund_onchain_address']
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...fields), anyJunk(), async (field, value) => {
        const { error } = await answered({ ...EXTENSION, [field]: value })
        const isFine =
          field === 'channel_extension_expiry_blocks'
            ? isCount(value, 1, U32_MAX)
            : field !== 'short_channel_id' && isOfShape(field, value)
        if (isFine) expect(error?.code).not.toBe(-32602)
        else expect(error).toMatchObject({ code: -32602, data: told(field) })
      }),
      { numRuns: 200 },
    )
  })

  it('[L7-02] [L7-03] [L7-04] [L7-07] for as long as the channel can be had is sold, and one block more is 100', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.constantFrom(1, 3_999, 4_000, 4_001), fc.integer({ min: 1, max: U32_MAX })),
        async (blocks) => {
          const { error, result } = await answered({ ...EXTENSION, channel_extension_expiry_blocks: blocks })
          if (blocks > 4_000) {
            expect(error).toMatchObject({ code: 100, data: { property: 'max_channel_extension_expiry_blocks' } })
            return
          }
          expect(result).toMatchObject({
            short_channel_id: SCID,
            channel_extension_expiry_blocks: blocks,
            new_channel_expiry_blocks: LEASE.untilHeight + blocks,
          })
          const [option = {}] = Object.values(result?.payment ?? {}) as Record<string, string>[]
          const { fee_total_sat: fee, order_total_sat: total } = option
          expect(total).toBe(fee)
        },
      ),
      { numRuns: 60 },
    )
  })
})
