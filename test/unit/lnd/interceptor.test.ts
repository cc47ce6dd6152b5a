import { describe, expect, it } from 'vitest'
import { createInterceptorSession } from '../../../src/lnd/interceptor.ts'
import type { HtlcOffer, Interceptor } from '../../../src/lnd/port.ts'
import type { RawAnswer, RawOffer } from '../../../src/lnd/raw.ts'

const offer = (htlc: number): RawOffer => ({
  incoming_circuit_key: { chan_id: '1', htlc_id: `${htlc}` },
  incoming_amount_msat: '1000',
  incoming_expiry: 700,
  payment_hash: Buffer.alloc(32),
  outgoing_requested_chan_id: '1',
  outgoing_amount_msat: '1000',
  outgoing_expiry: 600,
  auto_fail_height: 681,
})

function start(onOffer: (offer: HtlcOffer, stream: Interceptor) => void = () => {}) {
  const written: RawAnswer[] = []
  const session = createInterceptorSession((answer) => written.push(answer), onOffer)
  return { session, written }
}

describe('an interceptor session', () => {
  it('offers at once, and writes an answer that is given at once before it returns', () => {
    const { session, written } = start(({ circuit }, stream) => stream.answer(circuit, { type: 'resume' }))
    session.offer(offer(1))

    expect(written).toEqual([{ incoming_circuit_key: { chan_id: '1', htlc_id: '1' }, action: 'RESUME' }])
    expect(session.size()).toBe(0)
  })

  it('writes one answer to each offer, whatever comes later', () => {
    const { session, written } = start()
    session.offer(offer(1))
    session.answer('1:1', { type: 'fail' })
    session.answer('1:1', { type: 'resume' })

    expect(written.map(({ action }) => action)).toEqual(['FAIL'])
  })

  it('writes nothing for a circuit that this stream did not offer', () => {
    const { session, written } = start()
    session.offer(offer(1))
    session.answer('1:2', { type: 'fail' })

    expect(written).toEqual([])
    expect(session.size()).toBe(1)
  })

  it('takes an offer that comes again as a new one', () => {
    const { session, written } = start()
    session.offer(offer(1))
    session.offer(offer(1))
    session.answer('1:1', { type: 'resume' })
    session.offer(offer(1))
    session.answer('1:1', { type: 'resume' })

    expect(written).toHaveLength(2)
  })

  it('writes nothing once the stream has ended', () => {
    const { session, written } = start()
    session.offer(offer(1))
    session.end()
    session.answer('1:1', { type: 'resume' })

    expect(written).toEqual([])
  })

  it('keeps the answers of two streams apart', () => {
    const first = start()
    const second = start()
    first.session.offer(offer(1))
    first.session.end()
    second.session.offer(offer(1))
    first.session.answer('1:1', { type: 'fail' })
    second.session.answer('1:1', { type: 'resume' })

    expect(first.written).toEqual([])
    expect(second.written.map(({ action }) => action)).toEqual(['RESUME'])
  })
})
