import { parseDatetime } from '../../lsps/base/datetime.ts'
import type { OrderRecord } from '../../src/admin/schema-orders.ts'
import { formatMsat, formatSat, thousands } from '../../src/cli/format.ts'
import type { Moment } from './timeline.ts'

type Step = OrderRecord['steps'][number]

/** A step of an order's flight record as the story tells it. */
export function orderMoment(record: OrderRecord, step: Step): Moment {
  return { at: parseDatetime(step.at) ?? 0, who: 'operator', ...phrase(record, step) }
}

/** A step that the story has no words for is told in those of the record: nothing is left out. */
function phrase(record: OrderRecord, { what, detail }: Step): Pick<Moment, 'what' | 'details'> {
  const { received_msat: received, held_until: heldUntil, outpoint = '', earned_msat: earned } = detail
  switch (what) {
    case 'payment held':
      return {
        what: `HOLD: holds ${amountOf(received)}, ${nextOf(record)}`,
        ...(heldUntil === undefined ? {} : { details: [`held until block ${thousands(heldUntil)} at most`] }),
      }
    case 'funding published, order completed': {
      const [txid] = outpoint.split(':')
      return { what: 'COMPLETED: has published the funding transaction', details: [`txid ${txid}`] }
    }
    case 'extended':
      return { what: 'COMPLETED: the longer life is on disk' }
    case 'payment taken':
      return { what: `PAID: has settled the invoice${earning(earned)}` }
    default:
      return { what: `${what}${earning(earned)}` }
  }
}

function nextOf({ wanted }: OrderRecord): string {
  if ('outpoint' in wanted) return 'looks at the channel'
  const capacity = BigInt(wanted.lsp_balance_sat) + BigInt(wanted.client_balance_sat)
  return `opens a channel of ${formatSat(`${capacity}`)}`
}

function amountOf(msat: string | undefined): string {
  return msat === undefined ? 'the payment' : formatMsat(msat)
}

function earning(msat: string | undefined): string {
  return msat === undefined ? '' : `, earned ${formatMsat(msat)}`
}
