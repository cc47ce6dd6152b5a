import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../../src/config/load.ts'
import { optionsOf, ordersOf } from '../../../src/slices.ts'

const parse = (orders: object) =>
  parseConfig({ network: 'regtest', orders: { enabled: true, ...orders } }, '/etc/sluice.json')

describe('section orders', () => {
  it('[L1-03] [L1-04] offers something that makes sense when it says nothing', () => {
    const { wanted, change } = optionsOf(parse({}))
    expect(wanted).toMatchObject({
      min_required_channel_confirmations: 0,
      min_funding_confirms_within_blocks: 6,
      supports_zero_channel_reserve: false,
      max_channel_expiry_blocks: 52_560,
      max_channel_balance_sat: 10_000_000n,
    })
    expect(change).toBe('daily')
  })

  it.each<[string, object, string]>([
    [
      '[L1-04] a least balance above the largest',
      { min_initial_lsp_balance_sat: '10000001' },
      'min_initial_lsp_balance_sat',
    ],
    [
      '[L1-04] a smallest channel above the largest',
      { min_channel_balance_sat: '10000001' },
      'min_channel_balance_sat',
    ],
    [
      '[L1-03] a funding that must confirm in no block',
      { min_funding_confirms_within_blocks: 0 },
      'min_funding_confirms_within_blocks',
    ],
    ['[L1-53] orders that are forgotten within a month', { keep_days: 29 }, 'keep_days'],
    ['[L1-70] payments that lnd gives back before we do', { bolt11: { safety_blocks: 18 } }, 'safety_blocks'],
    [
      '[L1-70] payments that come too late for any channel',
      { bolt11: { cltv_expiry_blocks: 66 } },
      'cltv_expiry_blocks',
    ],
    ['[L1-75] payments that must be deeper than six blocks', { onchain: { confirmations: 7 } }, 'confirmations'],
    ['[L1-45] no way to pay', { bolt11: { enabled: false }, onchain: { enabled: false } }, 'must be payable'],
  ])('is refused with %s', (_, orders, message) => {
    expect(() => parse(orders)).toThrow(message)
  })

  it('[L1-53] keeps orders for 90 days, and for 30 at least', () => {
    expect(ordersOf(parse({})).keepMs).toBe(90 * 86_400_000)
    expect(ordersOf(parse({ keep_days: 30 })).keepMs).toBe(30 * 86_400_000)
  })
})
