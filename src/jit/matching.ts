/** Pure: which parts settled, when only the sum of what a channel sent is known. */

/** More parts than this are not matched: there are two to the power of it ways. */
export const MOST_MATCHED = 16

export type Match = 'settled' | 'failed' | 'unknown'

/**
 * Of parts that ended unheard, which can have settled if just `sent` msat went out: in all ways that add up a part is
 * settled, or failed, or in some one and in some the other. Channels count in whole satoshi, rounded down: `slack` msat
 * more may have gone out. Undefined when nothing adds up, or there are too many parts: something else was sent as well.
 */
export function matchParts(amounts: readonly bigint[], sent: bigint, slack: bigint): readonly Match[] | undefined {
  if (amounts.length > MOST_MATCHED) return undefined
  const settledIn = amounts.map(() => 0)
  let ways = 0
  for (const [way, sum] of sumsOf(amounts).entries()) {
    if (sum < sent || sum >= sent + slack) continue
    ways += 1
    for (const index of amounts.keys()) if ((way & (1 << index)) !== 0) settledIn[index] = (settledIn[index] ?? 0) + 1
  }
  if (ways === 0) return undefined
  return settledIn.map((count) => {
    if (count === ways) return 'settled'
    return count === 0 ? 'failed' : 'unknown'
  })
}

/** What each set of parts adds up to; the bits of its place say who is in it. */
function sumsOf(amounts: readonly bigint[]): readonly bigint[] {
  const sums = [0n]
  for (const amount of amounts) for (const sum of [...sums]) sums.push(sum + amount)
  return sums
}
