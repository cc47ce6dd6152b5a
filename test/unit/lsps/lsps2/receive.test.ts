import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { msat, type Ppm } from '../../../../lsps/base/amount.ts'
import type { Clock } from '../../../../lsps/base/clock.ts'
import { formatDatetime, type Timestamp } from '../../../../lsps/base/datetime.ts'
import {
  MAX_CLTV_EXPIRY_DELTA,
  type Quote,
  RECEIVE_PATIENCE,
  type ReceiveRequest,
  receive,
} from '../../../../lsps/lsps2/receive.ts'
import { ReceiveError, type ReceiveFailure } from '../../../../lsps/lsps2/receive-error.ts'
import { NODE } from '../arbitraries.ts'
import { type Script, scriptedServer } from '../scripted-server.ts'

const NOW = 1_900_000_000_000
const AMOUNT = msat(100_000_000n)

const OFFER = {
  min_fee_msat: '546000',
  proportional: 1200,
  valid_until: formatDatetime((NOW + 1_800_000) as Timestamp),
  min_lifetime: 1008,
  max_client_to_self_delay: 2016,
  min_payment_size_msat: '1000',
  max_payment_size_msat: '1000000000',
  promise: 'proof',
}
const BOUGHT = { jit_channel_scid: '16100000x1x1', lsp_cltv_expiry_delta: 144 }

const menu = (...offers: readonly object[]) => ({ result: { opening_fee_params_menu: offers } })
const error = (code: number, data?: object) => ({ error: { code, message: `error ${code}`, data } })

type Answer = object | string | undefined
/** Answers by method; several answers of one method are said in turn, the last one again and again. */
function answers(toInfo: Answer | readonly Answer[], toBuy: Answer | readonly Answer[] = { result: BOUGHT }): Script {
  const script = new Map([
    ['lsps2.get_info', Array.isArray(toInfo) ? [...toInfo] : [toInfo]],
    ['lsps2.buy', Array.isArray(toBuy) ? [...toBuy] : [toBuy]],
  ])
  return ({ method }) => {
    const left = script.get(method) ?? []
    return left.length > 1 ? left.shift() : left[0]
  }
}

const idle = new AbortController().signal
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

function run(script: Script, wanted: Partial<ReceiveRequest> = {}) {
  const server = scriptedServer(script, NOW)
  const result = receive({
    client: server.client,
    clock: server.clock,
    lsp: NODE,
    amount: AMOUNT,
    maxFee: { msat: msat(600_000n) },
    finalCltvBlocks: 40,
    signal: idle,
    ...wanted,
  })
  return { ...server, result }
}

async function failureOf(result: Promise<unknown>): Promise<ReceiveFailure> {
  const outcome = await result.then(
    () => new Error('it was bought'),
    (reason: unknown) => reason,
  )
  if (outcome instanceof ReceiveError) return outcome.failure
  throw outcome
}

describe('receive', () => {
  it('[L2-01] [L2-20] [L2-40] asks for the menu, sends the cheapest offer back as it came and tells the invoice', async () => {
    const dear = { ...OFFER, min_fee_msat: '590000', promise: 'dear' }
    // Odd, but valid: no value of it may be changed on the way.
    const cheap = { ...OFFER, promise: 'cheap', valid_until: OFFER.valid_until.replace('.000Z', 'Z') }
    const { result, asked } = run(answers(menu(dear, cheap)))
    expect(await result).toEqual({
      fee: 546_000n,
      purchase: {
        lsp: NODE,
        scid: BOUGHT.jit_channel_scid,
        cltvExpiryDelta: 144,
        minFee: 546_000n,
        proportional: 1200,
        validUntil: NOW + 1_800_000,
        lifetimeBlocks: 1008,
        maxToSelfDelayBlocks: 2016,
        amount: AMOUNT,
        maxFee: { msat: 600_000n },
        trust: 'lsp-first',
      },
      invoice: {
        amount: AMOUNT,
        routeHint: {
          nodeId: NODE,
          scid: BOUGHT.jit_channel_scid,
          baseFeeMsat: 0,
          feeProportionalMillionths: 0,
          cltvExpiryDelta: 144,
        },
        basicMpp: true,
        minFinalCltvExpiryDelta: 42,
        expirySeconds: 1800,
      },
    })
    expect(asked.map(({ method, params }) => [method, params])).toEqual([
      ['lsps2.get_info', {}],
      ['lsps2.buy', { opening_fee_params: cheap, payment_size_msat: '100000000' }],
    ])
  })

  it('[L2-53] [L2-57] buys without a size for an invoice without an amount', async () => {
    const { result, asked } = run(answers(menu(OFFER)), { amount: { likely: AMOUNT } })
    const { purchase, invoice } = await result
    expect(Object.keys(asked[1]?.params ?? {})).toEqual(['opening_fee_params'])
    expect(purchase).not.toHaveProperty('amount')
    expect(invoice).toMatchObject({ amount: undefined, basicMpp: false })
  })

  it('[L2-02] shows its token', async () => {
    const { result, asked } = run(answers(menu(OFFER)), { token: 'friend' })
    await result
    expect(asked[0]?.params).toEqual({ token: 'friend' })
  })

  it('does not buy above the cap, and says what it would cost', async () => {
    const { result, asked } = run(answers(menu(OFFER)), { maxFee: { msat: msat(545_999n) } })
    expect(await failureOf(result)).toEqual({ code: 'too-expensive', cheapest: 546_000n, cap: 545_999n })
    await expect(result).rejects.toThrow('costs 546000 msat, allowed are 545999 msat')
    expect(asked).toHaveLength(1)
  })

  it('asks the wallet before it buys, if the wallet wants that', async () => {
    const quotes: Quote[] = []
    const confirm = async (quote: Quote) => {
      quotes.push(quote)
      return 'stop' as const
    }
    const { result, asked } = run(answers(menu(OFFER)), { confirm })
    expect(await failureOf(result)).toEqual({ code: 'declined' })
    expect(quotes).toEqual([{ fee: 546_000n, offer: expect.objectContaining({ promise: 'proof' }) }])
    expect(asked).toHaveLength(1)
  })

  it('[L2-49] [L2-48] takes an LSP that wants the preimage first only where the wallet allows it', async () => {
    const script = answers(menu(OFFER), { result: { ...BOUGHT, client_trusts_lsp: true } })
    expect(await failureOf(run(script).result)).toEqual({ code: 'needs-trust' })
    const { purchase } = await run(script, { trust: 'allow-client-first' }).result
    expect(purchase.trust).toBe('client-first')
    const plain = answers(menu(OFFER), { result: { ...BOUGHT, client_trusts_lsp: false } })
    expect((await run(plain, { trust: 'allow-client-first' }).result).purchase.trust).toBe('lsp-first')
  })

  it('leaves no timer behind', async () => {
    const { result, clock } = run(answers(menu(OFFER)))
    await result
    expect(clock.sleeping).toBe(0)
  })
})

describe('an offer that the LSP no longer knows (201)', () => {
  it('[L2-41] is replaced by one of a new menu, once', async () => {
    const fresh = { ...OFFER, min_fee_msat: '560000', promise: 'fresh' }
    const { result, asked } = run(answers([menu(OFFER), menu(fresh)], [error(201), { result: BOUGHT }]))
    expect(await result).toMatchObject({ fee: 560_000n, purchase: { minFee: 560_000n } })
    expect(asked.map(({ method }) => method)).toEqual(['lsps2.get_info', 'lsps2.buy', 'lsps2.get_info', 'lsps2.buy'])
  })

  it('[L2-41] a second time ends it', async () => {
    const { result, asked } = run(answers(menu(OFFER), error(201)))
    expect(await failureOf(result)).toEqual({ code: 'offer-withdrawn' })
    expect(asked).toHaveLength(4)
  })

  it('does not lift the cap for the new menu', async () => {
    const { result } = run(answers([menu(OFFER), menu({ ...OFFER, min_fee_msat: '600001' })], error(201)))
    expect(await failureOf(result)).toEqual({ code: 'too-expensive', cheapest: 600_001n, cap: 600_000n })
  })

  it('is one too that came too close to its end while it was bought', async () => {
    const short = { ...OFFER, valid_until: formatDatetime((NOW + 305_000) as Timestamp) }
    const server = run(({ method }) => {
      if (method === 'lsps2.get_info') return menu(short)
      server.clock.advance(6000)
      return { result: BOUGHT }
    })
    expect(await failureOf(server.result)).toMatchObject({ code: 'ends-too-soon' })
    expect(server.asked).toHaveLength(3)
  })
})

describe('every way to fail', () => {
  it.each([
    ['no offers', answers(menu()), { code: 'no-offers' }],
    ['rejected by the menu', answers(error(1, { message: 'not\nyou' })), { code: 'rejected', said: 'not you' }],
    ['rejected without words', answers(menu(OFFER), error(1)), { code: 'rejected', said: 'error 1' }],
    ['an unknown token', answers(error(200)), { code: 'unknown-token' }],
    ['too small, says the LSP', answers(menu(OFFER), error(202)), { code: 'too-small', smallest: undefined }],
    ['too large, says the LSP', answers(menu(OFFER), error(203)), { code: 'too-large', largest: undefined }],
    [
      'too small for the offers',
      answers(menu({ ...OFFER, min_payment_size_msat: '200000000' })),
      { code: 'too-small', smallest: 200_000_000n },
    ],
    [
      'too large for the offers',
      answers(menu({ ...OFFER, max_payment_size_msat: '99999999' })),
      { code: 'too-large', largest: 99_999_999n },
    ],
    ['no LSPS2 there', answers(error(-32601)), { code: 'not-offered' }],
    ['[L0-33] [L0-37] an unknown error', answers(error(777)), { code: 'refused', errorCode: 777, said: 'error 777' }],
    ['an error without sense', answers(menu(OFFER), error(-32603)), { code: 'refused', errorCode: -32603 }],
  ])('has its own code and says what to do: %s', async (_, script, failure) => {
    const { result } = run(script)
    expect(await failureOf(result)).toMatchObject(failure)
    await expect(result).rejects.toThrow(/: (try|leave|ask|use|check|connect|allow|accept)/)
  })

  it('ends when the signal aborts, wherever it is', async () => {
    const silent: readonly Script[] = [() => undefined, answers(menu(OFFER), [undefined])]
    for (const script of silent) {
      const abort = new AbortController()
      const { result, clock } = run(script, { signal: abort.signal })
      await settle()
      abort.abort(new Error('enough'))
      expect(await failureOf(result)).toEqual({ code: 'aborted' })
      await expect(result).rejects.toHaveProperty('cause.message', 'enough')
      expect(clock.sleeping).toBe(0)
    }
    const abort = new AbortController()
    const confirm = () => new Promise<never>(() => undefined)
    const { result } = run(answers(menu(OFFER)), { signal: abort.signal, confirm })
    await settle()
    abort.abort()
    expect(await failureOf(result)).toEqual({ code: 'aborted' })
  })

  it('does not ask the wallet any more once the signal has aborted', async () => {
    const abort = new AbortController()
    const confirm = () => Promise.reject(new Error('it was asked'))
    // The time is asked for between the answer and the question.
    const clock: Clock = {
      now: () => {
        abort.abort()
        return NOW as Timestamp
      },
      sleep: () => Promise.reject(new Error('nobody sleeps on this clock')),
    }
    const { result } = run(answers(menu(OFFER)), { signal: abort.signal, clock, confirm })
    expect(await failureOf(result)).toEqual({ code: 'aborted' })
  })

  it('tells when the LSP is not connected', async () => {
    const { result } = run(() => {
      throw new Error('no connection')
    })
    expect(await failureOf(result)).toEqual({ code: 'unreachable', why: 'not-sent' })
  })

  it("lets the wallet's own errors through", async () => {
    const confirm = () => Promise.reject(new TypeError('a bug of the wallet'))
    await expect(run(answers(menu(OFFER)), { confirm }).result).rejects.toThrow(TypeError)
  })
})

describe('an answer that is lost or late', () => {
  it('[L0-44] is asked for again with the same bytes', async () => {
    let asks = 0
    const { result, clock, asked } = run(({ method }) => {
      if (method === 'lsps2.get_info') return menu(OFFER)
      asks += 1
      return asks < 3 ? undefined : { result: BOUGHT }
    })
    await settle()
    clock.advance(RECEIVE_PATIENCE.resendAfterMs)
    await settle()
    clock.advance(RECEIVE_PATIENCE.resendAfterMs)
    expect((await result).purchase.scid).toBe(BOUGHT.jit_channel_scid)
    expect(asked).toHaveLength(4)
    expect(new Set(asked.slice(1).map(({ text }) => text)).size).toBe(1)
  })

  it('ends within a bound when nothing comes, after a bounded number of messages', async () => {
    const { result, clock, asked } = run(() => undefined)
    let done = false
    result.then(undefined, () => {
      done = true
    })
    for (let ms = 0; ms < RECEIVE_PATIENCE.answerMs && !done; ms += 1000) {
      await settle()
      clock.advance(1000)
    }
    expect(await failureOf(result)).toEqual({ code: 'timed-out', method: 'lsps2.get_info' })
    expect(asked).toHaveLength(RECEIVE_PATIENCE.sends)
  })
})

describe('a hostile LSP', () => {
  const bad: readonly (readonly [string, Script])[] = [
    ['[L2-13] a promise of 513 bytes', answers(menu({ ...OFFER, promise: 'x'.repeat(513) }))],
    ['[L2-13] a long promise beside a good offer', answers(menu(OFFER, { ...OFFER, promise: 'x'.repeat(513) }))],
    ['[L2-21] an unknown field', answers(menu({ ...OFFER, discount: '1' }))],
    ['[L2-21] an unknown field beside a good offer', answers(menu(OFFER, { ...OFFER, discount: '1' }))],
    [
      '[L2-21] a field __proto__',
      answers(
        `{"jsonrpc":"2.0","id":"ID","result":${JSON.stringify(menu(OFFER).result).replace('{"min_fee', '{"__proto__":{},"min_fee')}}`,
      ),
    ],
    ['a missing field', answers(menu({ ...OFFER, promise: undefined }))],
    ['no result', answers({ result: null })],
    ['a menu that is no list', answers({ result: { opening_fee_params_menu: {} } })],
    ['a menu of twenty thousand empty offers', answers(menu(...Array.from({ length: 20_000 }, () => ({}))))],
    ['an amount above 64 bits', answers(menu({ ...OFFER, min_fee_msat: '18446744073709551616' }))],
    ['a delta of 0', answers(menu(OFFER), { result: { ...BOUGHT, lsp_cltv_expiry_delta: 0 } })],
    [
      'a delta just above the limit',
      answers(menu(OFFER), { result: { ...BOUGHT, lsp_cltv_expiry_delta: MAX_CLTV_EXPIRY_DELTA + 1 } }),
    ],
    ['a delta of a billion', answers(menu(OFFER), { result: { ...BOUGHT, lsp_cltv_expiry_delta: 1_000_000_000 } })],
    ['a scid out of range', answers(menu(OFFER), { result: { ...BOUGHT, jit_channel_scid: '16777216x0x0' } })],
    ['a scid of zeros', answers(menu(OFFER), { result: { ...BOUGHT, jit_channel_scid: '0x0x0' } })],
    ['a scid of ones', answers(menu(OFFER), { result: { ...BOUGHT, jit_channel_scid: '16777215x16777215x65535' } })],
    ['a trust that is no boolean', answers(menu(OFFER), { result: { ...BOUGHT, client_trusts_lsp: 'yes' } })],
    ...['NaN', 'Infinity', '1e3', '-1', ' 1', '0x10', '', '1.0'].map(
      (text) => [`the amount "${text}"`, answers(menu({ ...OFFER, min_fee_msat: text }))] as const,
    ),
    ...['-1', '1.5', '1e999', '4294967296', '"1200"', 'null'].map(
      (number) =>
        [
          `a rate of ${number}`,
          answers(
            `{"jsonrpc":"2.0","id":"ID","result":${JSON.stringify(menu(OFFER).result).replace(':1200', `:${number}`)}}`,
          ),
        ] as const,
    ),
  ]

  it.each(bad)('gets nothing by %s', async (_, script) => {
    const { result } = run(script)
    expect(await failureOf(result)).toMatchObject({ code: 'bad-answer' })
  })

  it('cannot sell what has ended', async () => {
    const { result } = run(answers(menu({ ...OFFER, valid_until: formatDatetime((NOW - 1000) as Timestamp) })))
    expect(await failureOf(result)).toMatchObject({ code: 'ends-too-soon' })
  })

  it('cannot sell for a fee that does not fit into 64 bits', async () => {
    const offer = { ...OFFER, proportional: 4_294_967_295, max_payment_size_msat: '18446744073709551615' }
    const { result } = run(answers(menu(offer)), { amount: msat(10_000_000_000_000_000n) })
    expect(await failureOf(result)).toEqual({ code: 'too-large', largest: undefined })
  })

  it('[L0-07] [L2-20] is held to the last of equal fields, in the fee and in what is sent back', async () => {
    const twice = JSON.stringify(menu(OFFER).result).replace('"min_fee_msat"', '"min_fee_msat":"1","min_fee_msat"')
    const { result, asked } = run(answers(`{"jsonrpc":"2.0","id":"ID","result":${twice}}`))
    expect(await result).toHaveProperty('fee', 546_000n)
    expect(asked[1]?.params).toHaveProperty('opening_fee_params', OFFER)
  })

  it('finds the one good offer in the largest menu that fits', async () => {
    const dear = Array.from({ length: 250 }, () => ({ ...OFFER, min_fee_msat: '590000' }))
    const { result } = run(answers(menu(...dear, OFFER)))
    expect(await result).toHaveProperty('fee', 546_000n)
  })

  it('[L0-13] gets a typed error for noise', async () => {
    const { result, clock } = run(() => '{')
    await settle()
    clock.advance(RECEIVE_PATIENCE.answerMs)
    expect(await failureOf(result)).toMatchObject({ code: 'timed-out' })
  })

  it('never sells above the cap, whatever its menu says', async () => {
    const text = fc.oneof(fc.bigInt({ min: 0n, max: 700_000n }).map(String), fc.string(), fc.constantFrom('NaN', '-1'))
    const number = fc.oneof(fc.integer({ min: 0, max: 9000 }), fc.double(), fc.integer())
    const anyOffer = fc.record(
      { ...Object.fromEntries(Object.entries(OFFER).map(([name, value]) => [name, fc.constant(value)])) },
      {},
    )
    const hostile = fc.tuple(anyOffer, text, number, fc.integer({ min: 0, max: 9 })).map(([offer, fee, rate, odd]) => ({
      ...offer,
      min_fee_msat: odd === 0 ? fee : '546000',
      ...(odd === 1 ? { min_fee_msat: '600001' } : {}),
      ...(odd === 2 ? { proportional: rate } : {}),
      ...(odd === 3 ? { [fee]: 1 } : {}),
    }))
    let bought = 0
    await fc.assert(
      fc.asyncProperty(fc.array(hostile, { maxLength: 6 }), async (offers) => {
        const { result, asked } = run(answers(menu(...offers)))
        const outcome = await result.catch((reason: unknown) => reason)
        if (outcome instanceof ReceiveError) {
          expect(asked).toHaveLength(1)
          return
        }
        bought += 1
        const { opening_fee_params: sent } = (asked[1]?.params ?? {}) as { opening_fee_params: typeof OFFER }
        const rate = (AMOUNT * BigInt(sent.proportional) + 999_999n) / 1_000_000n
        const least = BigInt(sent.min_fee_msat)
        expect(rate > least ? rate : least).toBeLessThanOrEqual(600_000n)
        // As they went over the wire: JSON knows no -0.
        expect(JSON.parse(JSON.stringify(offers))).toContainEqual(sent)
      }),
      { numRuns: 300 },
    )
    expect(bought).toBeGreaterThan(30)
  })
})

describe('the terms that a wallet accepts', () => {
  it.each([
    ['closes-too-soon', { channel: { lifetimeBlocks: 1009 } }],
    ['delay-too-short', { channel: { toSelfDelayBlocks: 2017 } }],
    ['ends-too-soon', { expiry: { least: 1801 } }],
  ] as const)('are kept: %s', async (code, wanted) => {
    const { result, asked } = run(answers(menu(OFFER)), wanted)
    expect(await failureOf(result)).toHaveProperty('code', code)
    expect(asked).toHaveLength(1)
  })

  it('may be a share of the payment', async () => {
    expect(await run(answers(menu(OFFER)), { maxFee: { ppm: 5460 as Ppm } }).result).toHaveProperty('fee', 546_000n)
    expect(await failureOf(run(answers(menu(OFFER)), { maxFee: { ppm: 5459 as Ppm } }).result)).toHaveProperty(
      'cap',
      545_900n,
    )
  })

  it('may be a short invoice', async () => {
    const { invoice } = await run(answers(menu(OFFER)), { expiry: { most: 60 } }).result
    expect(invoice.expirySeconds).toBe(60)
  })
})
