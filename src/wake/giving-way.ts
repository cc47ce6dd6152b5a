import { type Exposure, type HeldLimits, isTooMuch } from '../held/limits.ts'

/**
 * What ends so that a larger one may wait: dust for everybody's names would otherwise keep real payments out, for
 * nothing. The smallest go first, of the same client where its own limits are full. None when it fits without; undefined
 * when it does not fit even so.
 */
export function givingWay<One extends Exposure>(
  one: Exposure,
  waiting: readonly One[],
  limits: HeldLimits,
): readonly One[] | undefined {
  let left = waiting
  const gone: One[] = []
  while (isTooMuch(one, left, limits)) {
    const own = left.filter(({ client }) => client === one.client)
    const from = isTooMuch(one, own, limits) ? own : left
    const smallest = from.toSorted((a, b) => (a.amount < b.amount ? -1 : 1))[0]
    if (smallest === undefined || smallest.amount >= one.amount) return undefined
    gone.push(smallest)
    left = left.filter((other) => other !== smallest)
  }
  return gone
}
