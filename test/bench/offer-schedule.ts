import { setTimeout as sleep } from 'node:timers/promises'

/** How often the schedule is looked at; what became due meanwhile is begun then. */
const TICK_MS = 1

/** Calls `begin` once for each of `count`, so many a second, however long what they begin takes. */
export async function atRate(
  { perSecond, count }: { readonly perSecond: number; readonly count: number },
  begin: (number: number) => void,
): Promise<void> {
  const start = performance.now()
  for (let number = 0; number < count; ) {
    const due = Math.min(count, Math.floor(((performance.now() - start) * perSecond) / 1000))
    for (; number < due; number += 1) begin(number)
    await sleep(TICK_MS)
  }
}
