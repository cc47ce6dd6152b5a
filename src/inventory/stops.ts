import type { Sat } from '../../lsps/base/amount.ts'
import type { Stop } from '../kernel/stop.ts'

export const LND_SILENT: Stop = {
  code: 'lnd-silent',
  what: 'lnd has not said for ten minutes what its wallet holds',
  fix: 'look whether it runs and answers',
}
export const BUDGET_SPENT: Stop = {
  code: 'budget-spent',
  what: 'the chain fees for channels that earned nothing have reached inventory.unearned_budget_sat_per_hour',
  fix: 'look at the sales that were not paid; it is freed within an hour, or raise it',
}
export const CAPACITY_SOLD: Stop = {
  code: 'capacity-sold',
  what: 'the channels that we opened have reached inventory.max_capacity_sat',
  fix: 'raise it, or close channels that are not used',
}

export function noCoins(largest: Sat, least: Sat): Stop {
  return {
    code: 'no-coins',
    what: `lnd's wallet has confirmed coins for a channel of ${largest} sat, the smallest that is sold has ${least} sat`,
    fix: 'fund it, or wait until the change of earlier openings is confirmed',
  }
}
