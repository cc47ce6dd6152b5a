import type { Msat } from '../../lsps/base/amount.ts'
import { scidFromNumber } from '../../lsps/base/scid.ts'
import { circuitKey, toMsat } from './convert.ts'
import type { HtlcAnswer, HtlcEvent, HtlcOffer } from './port.ts'
import type { RawAnswer, RawCircuitKey, RawHtlcEvent, RawOffer } from './raw.ts'

/** Pure: HTLCs in lnd's words and in the port's. */

/** bLIP-52: the record of `update_add_htlc` that tells the client how much was withheld. */
const EXTRA_FEE_RECORD = '65537'
const EXTRA_FEE_BYTES = 8

export function toHtlcOffer(raw: RawOffer): HtlcOffer {
  const { chan_id, htlc_id } = raw.incoming_circuit_key
  return {
    circuit: circuitKey(chan_id, htlc_id),
    incomingChannel: BigInt(chan_id),
    paymentHash: raw.payment_hash.toString('hex'),
    requestedScid: scidFromNumber(BigInt(raw.outgoing_requested_chan_id)),
    amountIn: toMsat(raw.incoming_amount_msat),
    amountOut: toMsat(raw.outgoing_amount_msat),
    expiryIn: raw.incoming_expiry,
    expiryOut: raw.outgoing_expiry,
    autoFailHeight: raw.auto_fail_height,
  }
}

/**
 * `action` stands in every answer: its default in the proto is SETTLE. The circuit key goes back as it came. A fee of
 * zero has no record: bLIP-52 forbids it on parts of which nothing was withheld.
 */
export function toRawAnswer(key: RawCircuitKey, answer: HtlcAnswer): RawAnswer {
  switch (answer.type) {
    case 'resume':
      return { incoming_circuit_key: key, action: 'RESUME' }
    case 'fail':
      return { incoming_circuit_key: key, action: 'FAIL', failure_code: 'TEMPORARY_CHANNEL_FAILURE' }
    case 'resume-modified': {
      const { amountOut, extraFee } = answer
      const resume = { incoming_circuit_key: key, action: 'RESUME_MODIFIED', out_amount_msat: `${amountOut}` } as const
      return extraFee === 0n ? resume : { ...resume, out_wire_custom_records: extraFeeRecord(extraFee) }
    }
  }
}

function extraFeeRecord(fee: Msat): Readonly<Record<string, Uint8Array>> {
  const bytes = Buffer.alloc(EXTRA_FEE_BYTES)
  bytes.writeBigUInt64BE(fee)
  return { [EXTRA_FEE_RECORD]: bytes }
}

/** Undefined for what is not a forward: our own payments, receives and final resolutions. */
export function toHtlcEvent(raw: RawHtlcEvent): HtlcEvent | undefined {
  if (raw.event_type !== 'FORWARD') return undefined
  const circuit = circuitKey(raw.incoming_channel_id, raw.incoming_htlc_id)
  switch (raw.event) {
    case 'forward_event': {
      const info = raw.forward_event?.info
      if (info === undefined || info === null) return undefined
      const { incoming_amt_msat, outgoing_amt_msat } = info
      return { type: 'forwarded', circuit, amountIn: toMsat(incoming_amt_msat), amountOut: toMsat(outgoing_amt_msat) }
    }
    case 'settle_event':
      return { type: 'settled', circuit }
    case 'forward_fail_event':
      return { type: 'failed', circuit, reason: 'failed downstream' }
    case 'link_fail_event': {
      const { failure_string = '', wire_failure = '' } = raw.link_fail_event ?? {}
      return { type: 'failed', circuit, reason: failure_string === '' ? wire_failure : failure_string }
    }
    default:
      return undefined
  }
}
