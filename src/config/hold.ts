import * as z from 'zod'
import { count, millisatoshi } from './fields.ts'

/** What waits blocks slots and money of payers; wallets that are not here by then seldom come. */
const LONGEST_HOLD_SECONDS = 120
/** HTLCs that a channel takes in one direction are 483: forwards of others need some. */
const MOST_HTLCS = 300

/** What waits for customers that are away. */
export const Hold = z.strictObject({
  seconds: count(1, LONGEST_HOLD_SECONDS)
    .default(60)
    .describe(
      'How long a customer is waited for; what comes for it meanwhile waits until then as well. When it did not come, it ' +
        'is not waited for during twice that time, then four times, up to an hour, until it has been here.',
    ),
  max_htlcs: count(0, MOST_HTLCS)
    .default(100)
    .describe(
      'HTLCs that wait at once; for a further one a smaller one gives way, or it fails as if nobody waited. A channel ' +
        'takes 483, and `lsps2.max_held_htlcs` may be held beside these. 0: none wait.',
    ),
  max_htlcs_per_peer: count(1, MOST_HTLCS)
    .default(20)
    .describe('HTLCs that wait at once for one customer; a payment may come in several.'),
  max_msat: millisatoshi('50000000000')
    .prefault('50000000000')
    .describe('Value of all HTLCs that wait at once: what is locked in the channels of payers meanwhile.'),
  max_msat_per_peer: millisatoshi('10000000000')
    .prefault('10000000000')
    .describe('Value of the HTLCs that wait at once for one customer.'),
})
