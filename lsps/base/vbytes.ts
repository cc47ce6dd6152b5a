/**
 * Sizes of transactions, in weight units: what the cost of a channel is reckoned with. A virtual byte is four of them.
 * Where the size depends on who spends, the larger case counts.
 */

const WEIGHT_PER_VBYTE = 4

/** Version, locktime and both counts are 10 bytes; marker and flag of SegWit weigh a quarter (BIP 141). */
const OVERHEAD = 4 * 10 + 2
/** Outpoint, empty script and sequence. */
const INPUT = 4 * 41
/** A P2WKH input (BIP 141): 2 items, a signature of 72 bytes, a key of 33. A P2TR input weighs 42 less. */
const WALLET_INPUT = INPUT + 1 + 1 + 72 + 1 + 33
/** A P2WSH or P2TR output: 8 bytes of value, 35 of script. */
const OUTPUT = 4 * 43
/** The 2-of-2 of a channel, as BOLT 3 (appendix A) counts its witness. */
const FUNDING_INPUT = INPUT + 222
/** A commitment transaction with anchors and without HTLCs (BOLT 3, appendix A). */
const COMMITMENT = 1124
/** Spending an anchor: 3 items, a signature of 73 bytes, a script of 40 (BOLT 3). */
const ANCHOR_INPUT = INPUT + 1 + 1 + 73 + 1 + 40
/** Spending our own output of our commitment: a signature of 73 bytes, an empty item, a script of 77 (BOLT 3). */
const DELAYED_INPUT = INPUT + 1 + 1 + 73 + 1 + 1 + 77

function vbytes(...weights: readonly number[]): number {
  return Math.ceil(weights.reduce((sum, weight) => sum + weight, 0) / WEIGHT_PER_VBYTE)
}

/** One P2WKH input, the 2-of-2 output, change. */
export const OPEN_VBYTES = vbytes(OVERHEAD, WALLET_INPUT, OUTPUT, OUTPUT)
/** The 2-of-2 input, an output for each side. Whoever opened the channel pays it. */
export const COOPERATIVE_CLOSE_VBYTES = vbytes(OVERHEAD, FUNDING_INPUT, OUTPUT, OUTPUT)
/** The commitment, a child that bumps it through an anchor with a coin of the wallet, and the sweep of our output. */
export const FORCED_CLOSE_VBYTES = vbytes(
  COMMITMENT,
  OVERHEAD + ANCHOR_INPUT + WALLET_INPUT + OUTPUT,
  OVERHEAD + DELAYED_INPUT + OUTPUT,
)
/** Our assumption: wallets on phones come and go, and one channel in so many ends by force. */
const CLOSES_PER_FORCED_ONE = 10
export const EXPECTED_CLOSE_VBYTES = Math.ceil(
  ((CLOSES_PER_FORCED_ONE - 1) * COOPERATIVE_CLOSE_VBYTES + FORCED_CLOSE_VBYTES) / CLOSES_PER_FORCED_ONE,
)
