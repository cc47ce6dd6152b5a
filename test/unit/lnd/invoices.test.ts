import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import { SidecarError } from '../../../src/kernel/errors.ts'
import type { Connection } from '../../../src/lnd/connect.ts'
import { toInvoice } from '../../../src/lnd/convert-invoice.ts'
import { invoiceCalls } from '../../../src/lnd/invoices.ts'
import type { Invoice } from '../../../src/lnd/port.ts'
import type { RawInvoice } from '../../../src/lnd/raw.ts'
import { FakeCall } from './fake-call.ts'

const { signal } = new AbortController()
const HASH = 'ab'.repeat(32)
const HASH_BYTES = Buffer.alloc(32, 0xab)

const raw: RawInvoice = {
  r_hash: HASH_BYTES,
  payment_request: 'lnbcrt1',
  value_msat: '3000',
  state: 'ACCEPTED',
  htlcs: [
    { amt_msat: '1000', expiry_height: 700, state: 'ACCEPTED' },
    { amt_msat: '2500', expiry_height: 690, state: 'ACCEPTED' },
    { amt_msat: '900', expiry_height: 690, state: 'CANCELED' },
  ],
}

/** An lnd that answers what the test says; requests are kept. */
function fake(answer: (request: object) => unknown) {
  const requests: object[] = []
  const call = new FakeCall()
  const lnd = {
    unary: async (_: string, request: object) => {
      requests.push(request)
      return answer(request)
    },
    stream: (_: string, request: object) => {
      requests.push(request)
      return call
    },
  } as unknown as Connection
  return { calls: invoiceCalls(lnd), requests, call }
}

function refuse(detail: string): never {
  throw new SidecarError({ code: 'LND_REFUSED', call: 'call', detail })
}

describe('an invoice', () => {
  it('counts as paid what is held or was taken, and nothing that went back', () => {
    expect(toInvoice(raw)).toEqual({
      paymentHash: HASH,
      state: 'accepted',
      amount: 3_000n,
      paid: 3_500n,
      htlcs: [
        { amount: 1_000n, expiryHeight: 700, state: 'accepted' },
        { amount: 2_500n, expiryHeight: 690, state: 'accepted' },
        { amount: 900n, expiryHeight: 690, state: 'canceled' },
      ],
    })
  })

  it('is asked for to the millisatoshi, with its own final delta and time', async () => {
    const { calls, requests } = fake(() => ({ payment_request: 'lnbcrt30n1' }))
    const request = { paymentHash: HASH, amount: msat(3_001n), memo: 'order', expirySeconds: 3_600, cltvExpiry: 144 }

    expect(await calls.addHoldInvoice(request, signal)).toBe('lnbcrt30n1')
    expect(requests).toEqual([
      { memo: 'order', hash: HASH_BYTES, value_msat: '3001', expiry: '3600', cltv_expiry: '144' },
    ])
  })

  it('is looked up with its text; one that lnd does not know is none', async () => {
    const lookup = (answer: () => unknown) => fake(answer).calls.lookupInvoice(HASH, signal)

    expect(await lookup(() => raw)).toMatchObject({ state: 'accepted', request: 'lnbcrt1' })
    expect(await lookup(() => refuse('unable to locate invoice'))).toBeUndefined()
    expect(await lookup(() => refuse('there are no existing invoices'))).toBeUndefined()
    await expect(lookup(() => refuse('permission denied'))).rejects.toMatchObject({
      failure: { detail: 'permission denied' },
    })
  })

  it('is told of until it ends', async () => {
    const { calls, requests, call } = fake(() => undefined)
    const seen: Invoice['state'][] = []
    const ended = calls.subscribeInvoice(HASH, ({ state }) => seen.push(state), signal)
    call.emit('data', { ...raw, state: 'OPEN' })
    call.emit('data', { ...raw, state: 'SETTLED' })
    call.emit('end')

    await expect(ended).resolves.toBeUndefined()
    expect(requests).toEqual([{ r_hash: HASH_BYTES }])
    expect(seen).toEqual(['open', 'settled'])
  })
})
