import { type Msat, msat } from '../../lsps/base/amount.ts'
import type { RawChannel } from './raw.ts'

const MSAT_PER_SAT = 1000n
/** Weight of one HTLC on a commitment, in weight units. */
const HTLC_WEIGHT = 172n
const WEIGHT_PER_KW = 1000n
/** The opener must be able to add an HTLC also when the feerate has doubled. */
const FEE_BUFFER = 2n

/**
 * The largest HTLC that lnd would add to a channel now, in msat, by the figures that it lists: its balance less its
 * reserve, and for the opener less the commitment fee once more and the fee of one more HTLC, both at twice the
 * feerate (lnd's fee buffer); within what the peer lets be in flight. It knows the balance in whole satoshi: what is
 * in between, and what is being agreed on with the peer in this very moment, lnd itself decides.
 */
export function sendable(raw: RawChannel): Msat {
  const { local_constraints: limits } = raw
  // lnd always says it; what is not known must not look like a channel that is too small.
  if (limits === null) return msat(BigInt(raw.local_balance) * MSAT_PER_SAT)
  const outgoing = raw.pending_htlcs.filter(({ incoming }) => !incoming)
  if (outgoing.length >= Number(limits.max_accepted_htlcs)) return msat(0n)
  const inFlight = outgoing.reduce((sum, { amount }) => sum + BigInt(amount), 0n) * MSAT_PER_SAT
  const buffer = (FEE_BUFFER * BigInt(raw.fee_per_kw) * HTLC_WEIGHT) / WEIGHT_PER_KW
  // The listed balance of an opener is without the commitment fee: the buffer asks for it a second time.
  const beside = raw.initiator ? BigInt(raw.commit_fee) + buffer : 0n
  const balance = (BigInt(raw.local_balance) - BigInt(limits.chan_reserve_sat) - beside) * MSAT_PER_SAT
  const allowed = BigInt(limits.max_pending_amt_msat) - inFlight
  const most = balance < allowed ? balance : allowed
  return msat(most > 0n ? most : 0n)
}
