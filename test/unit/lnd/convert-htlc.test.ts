import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import { toHtlcEvent, toHtlcOffer, toRawAnswer } from '../../../src/lnd/convert-htlc.ts'
import { loadGrpc } from '../../../src/lnd/grpc.ts'
import { METHODS } from '../../../src/lnd/methods.ts'
import type { RawHtlcEvent, RawOffer } from '../../../src/lnd/raw.ts'

const KEY = { chan_id: '18446744073709551615', htlc_id: '9007199254740993' }
const OFFER: RawOffer = {
  incoming_circuit_key: KEY,
  incoming_amount_msat: '1000000',
  incoming_expiry: 700,
  payment_hash: Buffer.alloc(32, 9),
  outgoing_requested_chan_id: `${(16_000_001n << 40n) | (2n << 16n) | 3n}`,
  outgoing_amount_msat: '1000001',
  outgoing_expiry: 556,
  auto_fail_height: 681,
}

describe('an offered HTLC', () => {
  it('keeps 64-bit numbers whole and names the scid of the onion', () => {
    expect(toHtlcOffer(OFFER)).toEqual({
      circuit: '18446744073709551615:9007199254740993',
      incomingChannel: 18446744073709551615n,
      paymentHash: '09'.repeat(32),
      requestedScid: '16000001x2x3',
      amountIn: 1_000_000n,
      amountOut: 1_000_001n,
      expiryIn: 700,
      expiryOut: 556,
      autoFailHeight: 681,
    })
  })

  it('may name the sentinel of a forward by node id', () => {
    const offer = toHtlcOffer({ ...OFFER, outgoing_requested_chan_id: '18446744073709551615' })

    expect(offer.requestedScid).toBe('16777215x16777215x65535')
  })
})

describe('an answer', () => {
  const extra = (answer: object) =>
    (answer as { out_wire_custom_records?: Record<string, Uint8Array> }).out_wire_custom_records

  it('gives the circuit back as it came and always has an action', () => {
    expect(toRawAnswer(KEY, { type: 'resume' })).toEqual({ incoming_circuit_key: KEY, action: 'RESUME' })
    expect(toRawAnswer(KEY, { type: 'fail' })).toEqual({
      incoming_circuit_key: KEY,
      action: 'FAIL',
      failure_code: 'TEMPORARY_CHANNEL_FAILURE',
    })
  })

  it('[L2-93] [L2-111] tells the wallet in record 65537 what was withheld, 8 bytes big-endian', () => {
    const answer = toRawAnswer(KEY, { type: 'resume-modified', amountOut: msat(454_000n), extraFee: msat(546_000n) })

    expect(answer).toMatchObject({ action: 'RESUME_MODIFIED', out_amount_msat: '454000' })
    expect(extra(answer)).toEqual({ 65537: Buffer.from('00000000000854d0', 'hex') })
  })

  it('[L2-94] has no such record where nothing was withheld', () => {
    const answer = toRawAnswer(KEY, { type: 'resume-modified', amountOut: msat(1n), extraFee: msat(0n) })

    expect(extra(answer)).toBeUndefined()
  })

  it('carries the record through the encoding: the key of the map is a 64-bit number', () => {
    const { requestSerialize } = loadGrpc().method(METHODS.htlcInterceptor)
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: (1n << 64n) - 1n }), (fee) => {
        const answer = toRawAnswer(
          { chan_id: '1', htlc_id: '2' },
          { type: 'resume-modified', amountOut: msat(1n), extraFee: msat(fee) },
        )
        const hex = requestSerialize(answer).toString('hex')
        // field 8: { key 1: varint 65537, value 2: 8 bytes }
        expect(hex).toContain(`420e08818004${'1208'}${fee.toString(16).padStart(16, '0')}`)
      }),
    )
  })
})

describe('an HTLC event', () => {
  const event = (more: Partial<RawHtlcEvent>): RawHtlcEvent => ({
    incoming_channel_id: '17592186044416000003',
    incoming_htlc_id: '5',
    event_type: 'FORWARD',
    ...more,
  })
  const circuit = '17592186044416000003:5'

  it('tells of forwards, settles and both kinds of failure by the incoming circuit', () => {
    const info = { incoming_amt_msat: '1000000', outgoing_amt_msat: '454000' }

    expect(toHtlcEvent(event({ event: 'forward_event', forward_event: { info } }))).toEqual({
      type: 'forwarded',
      circuit,
      amountIn: 1_000_000n,
      amountOut: 454_000n,
    })
    expect(toHtlcEvent(event({ event: 'settle_event' }))).toEqual({ type: 'settled', circuit })
    expect(toHtlcEvent(event({ event: 'forward_fail_event' }))).toMatchObject({ type: 'failed', circuit })
    const failure = { wire_failure: 'UNKNOWN_NEXT_PEER', failure_string: '' }
    expect(toHtlcEvent(event({ event: 'link_fail_event', link_fail_event: failure }))).toEqual({
      type: 'failed',
      circuit,
      reason: 'UNKNOWN_NEXT_PEER',
    })
  })

  it('leaves out what is no forward', () => {
    expect(toHtlcEvent(event({ event_type: 'SEND', event: 'settle_event' }))).toBeUndefined()
    expect(toHtlcEvent(event({ event_type: 'RECEIVE', event: 'settle_event' }))).toBeUndefined()
    expect(toHtlcEvent(event({ event_type: 'UNKNOWN', event: 'subscribed_event' }))).toBeUndefined()
    expect(toHtlcEvent(event({ event_type: 'UNKNOWN', event: 'final_htlc_event' }))).toBeUndefined()
  })
})
