import { describe, expect, it } from 'vitest'
import { plain } from '../../../src/cli/format.ts'
import { renderOrder, renderOrders, renderOutcome } from '../../../src/cli/render-orders.ts'
import { EXTENSION_RECORD, ORDER, ORDER_ID, ORDER_RECORD, OUTCOME } from '../admin/order-samples.ts'
import { HASH } from '../admin/samples.ts'

const NOW = 1_767_398_400_000
/** Lines that are wider than a terminal for another reason than a transaction's id. */
const wide = (text: string) => text.split('\n').filter((line) => line.length > 80 && !/[0-9a-f]{64}/.test(line))

describe('the list of orders', () => {
  it('fits a terminal', () => {
    const failed = { ...ORDER, state: 'failed', purpose: 'extension', fee_sat: '10000000' } as const
    const text = renderOrders([ORDER, failed], NOW, plain)
    expect(text).toBe(
      [
        'order                                 state      for        fee in sat   ordered',
        `${ORDER_ID}  completed  channel        48,376  20 h ago`,
        `${ORDER_ID}  failed     extension  10,000,000  20 h ago`,
      ].join('\n'),
    )
    expect(wide(text)).toEqual([])
  })

  it('may be empty', () => {
    expect(renderOrders([], NOW, plain)).toBe('no orders')
  })
})

describe('one order', () => {
  it('shows the formula of its price with its numbers, which add up', () => {
    const text = renderOrder(ORDER_RECORD, NOW, plain)
    const formula = text.split('\n').filter((line) => / sat$/.test(line) && /^(price)? +([+=] )?/.test(line))
    expect(text).toContain('x 50,000 ppm a year of 52,560 blocks')
    expect(text).toContain('165 vB x 12 sat/vB to open')
    const numbers = formula.map((line) => Number(/([\d,]+) sat$/.exec(line)?.[1]?.replaceAll(',', '')))
    const fee = numbers.indexOf(48_376)
    expect(numbers.slice(0, fee).reduce((sum, number) => sum + number, 0)).toBe(48_376)
    expect(wide(text)).toEqual([])
  })

  it('shows what came in, what of it was sold, and what went back', () => {
    const text = renderOrder(ORDER_RECORD, NOW, plain)
    expect(text).toContain('paid by       a payment on chain, in the journal')
    expect(text).toContain('PAID, 150,000 sat received, taken at 1 confirmation')
    expect(text).toContain('148,376 sat of it paid for the order')
    expect(text).toContain('1,624 sat of it sent back, of which 1,320 sat to miners')
    expect(text).toContain(`by ${'12'.repeat(32)}`)
    expect(text).toContain('Lightning     REFUNDED (invoice cancelled)')
    expect(text).toMatch(/not opened: client-gone: the client went away/)
  })

  it('shows the flight record', () => {
    expect(renderOrder(ORDER_RECORD, NOW, plain)).toMatch(/\+26 min +paid on chain/)
  })

  it('of a longer life names the channel and its new end, and no transaction', () => {
    const text = renderOrder(EXTENSION_RECORD, NOW, plain)
    expect(text).toContain('2,016 blocks more of channel 16000000x0x0')
    expect(text).toContain('block 902,016')
    expect(text).toMatch(/- +10 % by its token +291 sat/)
    expect(text).not.toContain('to open')
    expect(wide(text)).toEqual([])
  })

  it('shows what is held, and until when', () => {
    const bolt11 = {
      state: 'HOLD',
      invoice_state: 'held',
      payment_hash: HASH,
      received_msat: '2630000',
      held_until_height: 900_100,
    }
    const text = renderOrder({ ...EXTENSION_RECORD, bolt11 }, NOW, plain)
    expect(text).toMatch(/received +2,630 sat/)
    expect(text).toMatch(/held until +block 900,100/)
  })

  it.each([
    [{ amount_sat: '1624', stage: 'owed' } as const, '1,624 sat of it go back once it is confirmed'],
    [{ amount_sat: '1624', stage: 'asked' } as const, '1,624 sat of it are being sent back'],
    [{ amount_sat: '200', stage: 'dust' } as const, '200 sat of it are too little to be sent back'],
  ])('says how the refund %j stands', (refund, says) => {
    const { onchain } = ORDER_RECORD
    const [deposit] = onchain?.deposits ?? []
    if (onchain === undefined || deposit === undefined) throw new Error('the sample has no deposit')
    const record = { ...ORDER_RECORD, onchain: { ...onchain, deposits: [{ ...deposit, refund }] } }
    expect(renderOrder(record, NOW, plain)).toContain(says)
  })
})

describe('a command that changes an order', () => {
  it('says what it would do and how to do it', () => {
    const text = renderOutcome(OUTCOME, plain)
    expect(text).toMatch(/^order 3f9d7c9e..4d5e: nothing was done yet\. This would happen:\n {2}no channel is opened/)
    expect(text).toMatch(new RegExp(`sluice orders refund ${ORDER_ID} --yes$`))
    expect(wide(text)).toEqual([])
  })

  it('says what was done', () => {
    const text = renderOutcome({ ...OUTCOME, done: true, order: { ...ORDER, state: 'failed' } }, plain)
    expect(text).toMatch(new RegExp(`^order ${ORDER_ID} is failed\n  no channel is opened for it`))
  })
})
