import { parseDatetime } from '../../lsps/base/datetime.ts'
import type { FlightRecord } from '../../src/admin/schema.ts'
import { formatMsat, formatSat } from '../../src/cli/format.ts'
import type { Moment } from './timeline.ts'

/** A step of the flight record as the story tells it. */
export function operatorMoment(record: FlightRecord, step: FlightRecord['steps'][number]): Moment {
  return { at: parseDatetime(step.at) ?? 0, who: 'operator', ...phrase(record, step.what) }
}

/** A step that the story has no words for is told in those of the record: nothing is left out. */
function phrase(record: FlightRecord, what: string): Pick<Moment, 'what' | 'details'> {
  switch (what) {
    case 'payment held':
      return { what: `holds the payment of ${amount(record.payment_msat)} and opens a channel` }
    case 'channel active': {
      const size = record.capacity_sat === undefined ? '' : ` of ${formatSat(record.capacity_sat)}`
      const details = record.funding_txid === undefined ? [] : [`txid ${record.funding_txid}`]
      return { what: `the channel${size} is usable, unconfirmed`, details }
    }
    case 'alias bound, payment forwarded':
      return {
        what: `keeps ${amount(record.fee_msat)} opening fee, forwards ${amount(record.amount_out_msat)}`,
      }
    case 'payment settled, fee earned':
      return { what: `lnd has settled: earned ${amount(record.earned_msat)}` }
    case 'funding published':
      return { what: 'published the funding transaction' }
    default:
      return { what }
  }
}

function amount(msat: string | undefined): string {
  return msat === undefined ? 'the payment' : formatMsat(msat)
}
