import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import { SidecarError } from '../../../src/kernel/errors.ts'
import { makePayable } from '../../../src/orders/make-payable.ts'

const HASH = 'ab'.repeat(32)
const REQUEST = { paymentHash: HASH, amount: msat(1_000n), memo: 'an order', expirySeconds: 3600, cltvExpiry: 288 }
const unavailable = () => new SidecarError({ code: 'LND_UNAVAILABLE', call: 'any', detail: 'connection lost' })
const refused = (detail: string) => new SidecarError({ code: 'LND_REFUSED', call: 'any', detail })
const signal = new AbortController().signal
const BOTH = { invoice: REQUEST, address: 'wanted' } as const

/** A node that answers each call by the next of its answers. */
function nodeThat(answers: {
  readonly addHoldInvoice?: readonly (string | Error)[]
  readonly newAddress?: readonly (string | Error)[]
  readonly known?: string
  readonly cancelInvoice?: Error
}) {
  const cancelled: string[] = []
  const next = (list: (string | Error)[]) => async () => {
    const answer = list.length > 1 ? list.shift() : list[0]
    if (answer instanceof Error) throw answer
    return answer ?? ''
  }
  const lnd = {
    addHoldInvoice: next([...(answers.addHoldInvoice ?? ['invoice'])]),
    newAddress: next([...(answers.newAddress ?? ['address'])]),
    lookupInvoice: async () => (answers.known === undefined ? undefined : ({ request: answers.known } as never)),
    cancelInvoice: async (hash: string) => {
      cancelled.push(hash)
      if (answers.cancelInvoice !== undefined) throw answers.cancelInvoice
    },
  }
  return { lnd, cancelled }
}

describe('what a customer pays to', () => {
  it('is made as far as it is wanted', async () => {
    const { lnd } = nodeThat({})
    expect(await makePayable(lnd, BOTH, signal)).toEqual({ invoice: 'invoice', address: 'address' })
    expect(await makePayable(lnd, { ...BOTH, address: 'not-wanted' }, signal)).toEqual({ invoice: 'invoice' })
    expect(await makePayable(lnd, { ...BOTH, invoice: undefined }, signal)).toEqual({ address: 'address' })
  })

  it('is asked for once more when the answer was lost', async () => {
    const { lnd } = nodeThat({ addHoldInvoice: [unavailable(), 'invoice'], newAddress: [unavailable(), 'address'] })
    expect(await makePayable(lnd, BOTH, signal)).toEqual({ invoice: 'invoice', address: 'address' })
  })

  it('is the invoice that was made the first time, when only the answer was lost', async () => {
    const exists = refused('invoice with payment hash already exists')
    const { lnd } = nodeThat({ addHoldInvoice: [unavailable(), exists], known: 'the first one' })
    expect(await makePayable(lnd, BOTH, signal)).toMatchObject({ invoice: 'the first one' })
  })

  it('[L1-35] is all of it or nothing: an invoice that stands alone is cancelled', async () => {
    const { lnd, cancelled } = nodeThat({ newAddress: [unavailable()] })
    await expect(makePayable(lnd, BOTH, signal)).rejects.toThrow('connection lost')
    expect(cancelled).toEqual([HASH])
    const silent = nodeThat({ newAddress: [unavailable()], cancelInvoice: unavailable() })
    await expect(makePayable(silent.lnd, BOTH, signal)).rejects.toThrow('connection lost')
  })

  it('[L1-35] is nothing when there is no invoice', async () => {
    const { lnd, cancelled } = nodeThat({ addHoldInvoice: [refused('invoice expiry too large')] })
    await expect(makePayable(lnd, BOTH, signal)).rejects.toThrow('invoice expiry too large')
    expect(cancelled).toEqual([])
  })
})
