import { createHash, randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { refusedWith } from '../../src/kernel/errors.ts'
import { HOLD_INVOICE_CANCEL_BLOCKS, type HoldInvoiceRequest, type Invoice } from '../../src/lnd/port.ts'
import { msatOf, type NodeUnderTest, type Parts, settled, until } from './node-under-test.ts'

const AMOUNT = 5_000_000n
const CLTV_EXPIRY = 40
const REFUSED = { settled: false, failure: 'incorrect_or_unknown_payment_details' }

type Secret = { readonly preimage: string; readonly paymentHash: string }

function newSecret(): Secret {
  const preimage = randomBytes(32)
  return {
    preimage: preimage.toString('hex'),
    paymentHash: createHash('sha256').update(preimage).digest('hex'),
  }
}

/** Hold invoices: paid in one part or several, taken, given back, and given back by lnd itself. */
export function invoiceCases(world: () => NodeUnderTest, signal: AbortSignal): void {
  const add = async (overrides: Partial<HoldInvoiceRequest> = {}) => {
    const { preimage, paymentHash } = newSecret()
    const terms = { amount: msatOf(AMOUNT), memo: 'order', expirySeconds: 3_600, cltvExpiry: CLTV_EXPIRY }
    const request = await settled(
      world(),
      'AddHoldInvoice',
      world().port.addHoldInvoice({ paymentHash, ...terms, ...overrides }, signal),
    )
    return { preimage, paymentHash, request }
  }
  const send = (invoice: string, overrides: Partial<Parts> = {}) =>
    world().payer.send(invoice, { amounts: [AMOUNT], total: AMOUNT, finalDelta: CLTV_EXPIRY + 3, ...overrides })
  const lookup = async (paymentHash: string) => {
    const found = await world().port.lookupInvoice(paymentHash, signal)
    if (found === undefined) throw new Error(`the node has no invoice of ${paymentHash}`)
    return found
  }
  const reached = (paymentHash: string, state: Invoice['state']) =>
    until(world(), `the invoice to be ${state}`, async () => {
      const invoice = await lookup(paymentHash)
      return invoice.state === state ? invoice : undefined
    })
  const partsHeld = (paymentHash: string, count: number) =>
    until(world(), `${count} parts to be held`, async () => {
      const { htlcs } = await lookup(paymentHash)
      return htlcs.filter(({ state }) => state === 'accepted').length === count
    })
  const ends = (payments: readonly Promise<unknown>[]) => settled(world(), 'the payment', Promise.all(payments))
  /** Undefined when it was not refused. */
  const refusalOf = (promise: Promise<unknown>) =>
    settled(
      world(),
      'the answer',
      promise.then(
        () => undefined,
        (error: unknown) => error,
      ),
    )
  const follow = (paymentHash: string) => {
    const states: Invoice['state'][] = []
    const stop = new AbortController()
    const ended = world().port.subscribeInvoice(paymentHash, ({ state }) => states.push(state), stop.signal)
    return { states, ended, stop: () => stop.abort() }
  }

  it('are taken when told to, and each step is told until then', async () => {
    const { port } = world()
    const { preimage, paymentHash, request } = await add()
    expect(request).toMatch(/^lnbcrt50u1/)
    const seen = follow(paymentHash)
    await until(world(), 'the state now', () => seen.states.length === 1)
    expect(await lookup(paymentHash)).toMatchObject({ state: 'open', amount: AMOUNT, paid: 0n, htlcs: [], request })
    expect(refusedWith(await refusalOf(port.settleInvoice(preimage, signal)), /invoice still open/)).toBe(true)
    const { blockHeight } = await port.getInfo(signal)
    const payment = send(request)
    const held = await reached(paymentHash, 'accepted')
    const expiryHeight = blockHeight + CLTV_EXPIRY + 3
    expect(held).toMatchObject({ paid: AMOUNT, htlcs: [{ amount: AMOUNT, expiryHeight, state: 'accepted' }] })
    await port.settleInvoice(preimage, signal)
    await port.settleInvoice(preimage, signal)
    expect(await ends(payment)).toEqual([{ settled: true }])
    expect(await lookup(paymentHash)).toMatchObject({ state: 'settled', paid: AMOUNT, htlcs: [{ state: 'settled' }] })
    await settled(world(), 'the end of the stream', seen.ended)
    expect(seen.states).toEqual(['open', 'accepted', 'settled'])
    expect(refusedWith(await refusalOf(port.cancelInvoice(paymentHash, signal)), /invoice already settled/)).toBe(true)
  })

  it('are given back when told to', async () => {
    const { port } = world()
    const { preimage, paymentHash, request } = await add()
    const payment = send(request)
    await reached(paymentHash, 'accepted')
    const seen = follow(paymentHash)
    await until(world(), 'the state now', () => seen.states.length === 1)
    await port.cancelInvoice(paymentHash, signal)
    await port.cancelInvoice(paymentHash, signal)
    expect(await ends(payment)).toEqual([REFUSED])
    expect(await lookup(paymentHash)).toMatchObject({ state: 'canceled', paid: 0n, htlcs: [{ state: 'canceled' }] })
    await settled(world(), 'the end of the stream', seen.ended)
    expect(seen.states).toEqual(['accepted', 'canceled'])
    expect(refusedWith(await refusalOf(port.settleInvoice(preimage, signal)), /invoice already canceled/)).toBe(true)
    expect(await ends(send(request))).toEqual([REFUSED])
  })

  it('are made once for a hash; the text of that time can be looked up', async () => {
    const { port } = world()
    const { paymentHash, request } = await add()
    const again = add({ paymentHash })
    expect(refusedWith(await refusalOf(again), /invoice with payment hash already exists/)).toBe(true)
    expect((await lookup(paymentHash)).request).toBe(request)
    await port.cancelInvoice(paymentHash, signal)
    expect(refusedWith(await refusalOf(add({ paymentHash })), /already exists/)).toBe(true)
  })

  it('are unknown when nobody made them', async () => {
    const { port } = world()
    const { preimage, paymentHash } = newSecret()
    expect(await port.lookupInvoice(paymentHash, signal)).toBeUndefined()
    expect(refusedWith(await refusalOf(port.settleInvoice(preimage, signal)), /unable to locate invoice/)).toBe(true)
    expect(refusedWith(await refusalOf(port.cancelInvoice(paymentHash, signal)), /unable to locate invoice/)).toBe(true)
  })

  it('may be waited for before they are made', async () => {
    const { paymentHash } = newSecret()
    const seen = follow(paymentHash)
    await settled(world(), 'getInfo', world().port.getInfo(signal))
    await add({ paymentHash })
    await until(world(), 'the new invoice', () => seen.states.length === 1)
    expect(seen.states).toEqual(['open'])
    seen.stop()
    await seen.ended
  })

  it('are accepted when all parts of a payment are held, and not before', async () => {
    const { port } = world()
    const { preimage, paymentHash, request } = await add()
    const seen = follow(paymentHash)
    const [one, other] = [2_000_000n, 3_000_000n]
    const first = send(request, { amounts: [one] })
    await partsHeld(paymentHash, 1)
    expect(await lookup(paymentHash)).toMatchObject({ state: 'open', paid: one })
    expect(refusedWith(await refusalOf(port.settleInvoice(preimage, signal)), /invoice still open/)).toBe(true)
    const second = send(request, { amounts: [other] })
    expect(await reached(paymentHash, 'accepted')).toMatchObject({ paid: AMOUNT })
    await port.settleInvoice(preimage, signal)
    expect(await ends([...first, ...second])).toEqual([{ settled: true }, { settled: true }])
    await settled(world(), 'the end of the stream', seen.ended)
    expect(seen.states).toEqual(['open', 'accepted', 'settled'])
  })

  it('may be overpaid, and say so', async () => {
    const { preimage, paymentHash, request } = await add()
    const payment = send(request, { amounts: [AMOUNT + 1_000n], total: AMOUNT + 1_000n })
    expect(await reached(paymentHash, 'accepted')).toMatchObject({ amount: AMOUNT, paid: AMOUNT + 1_000n })
    await world().port.settleInvoice(preimage, signal)
    expect(await ends(payment)).toEqual([{ settled: true }])
  })

  it('take no part that expires too early or is of too small a total', async () => {
    const { paymentHash, request } = await add()
    expect(await ends(send(request, { finalDelta: CLTV_EXPIRY - 1 }))).toEqual([REFUSED])
    expect(await ends(send(request, { amounts: [AMOUNT - 1n], total: AMOUNT - 1n }))).toEqual([REFUSED])
    expect(await lookup(paymentHash)).toMatchObject({ state: 'open', htlcs: [] })
  })

  it('give back the parts of an incomplete payment when they are cancelled', async () => {
    const { paymentHash, request } = await add()
    const payment = send(request, { amounts: [1_000_000n] })
    await partsHeld(paymentHash, 1)
    await world().port.cancelInvoice(paymentHash, signal)
    expect(await ends(payment)).toEqual([REFUSED])
    expect(await lookup(paymentHash)).toMatchObject({ state: 'canceled', paid: 0n })
  })

  it('are cancelled by lnd when their time is over, unless they are accepted then', async () => {
    const { port } = world()
    const paid = await add({ expirySeconds: 3 })
    const payment = send(paid.request)
    await reached(paid.paymentHash, 'accepted')
    const open = await add({ expirySeconds: 1 })
    const seen = follow(open.paymentHash)
    await reached(open.paymentHash, 'canceled')
    await settled(world(), 'the end of the stream', seen.ended)
    expect(seen.states).toEqual(['open', 'canceled'])
    const later = await add({ expirySeconds: 3 })
    await reached(later.paymentHash, 'canceled')
    expect((await lookup(paid.paymentHash)).state).toBe('accepted')
    await port.settleInvoice(paid.preimage, signal)
    expect(await ends(payment)).toEqual([{ settled: true }])
  })

  it('are cancelled by lnd when an accepted HTLC comes near its expiry, and cannot be settled any more', async () => {
    const { port } = world()
    const cltvExpiry = 24
    const { preimage, paymentHash, request } = await add({ cltvExpiry })
    const payment = send(request, { finalDelta: cltvExpiry })
    const { htlcs } = await reached(paymentHash, 'accepted')
    const { blockHeight } = await port.getInfo(signal)
    const left = (htlcs[0]?.expiryHeight ?? 0) - blockHeight
    await world().mine(left - HOLD_INVOICE_CANCEL_BLOCKS - 1)
    expect((await lookup(paymentHash)).state).toBe('accepted')
    await world().mine(1)
    await reached(paymentHash, 'canceled')
    expect(await ends(payment)).toEqual([REFUSED])
    expect(refusedWith(await refusalOf(port.settleInvoice(preimage, signal)), /invoice already canceled/)).toBe(true)
  })
}
