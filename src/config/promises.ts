import * as z from 'zod'
import { count } from './fields.ts'

const TEN_YEARS_DAYS = 3650
const MILLION = 1_000_000

/** Section `promises`: which channels `sluice promises closable` names once their promise is over. Nothing is closed by it. */
export const Promises = z.strictObject({
  idle_days: count(0, TEN_YEARS_DAYS)
    .default(30)
    .describe(
      'A channel whose promise is over is idle when nothing settled in it, in either direction, for so many days. ' +
        '0: not asked.',
    ),
  stranded_days: count(0, TEN_YEARS_DAYS)
    .default(30)
    .describe(
      'It is stranded when its customer was not connected for so many days while coins of yours are in it. 0: not asked.',
    ),
  unprofitable_days: count(0, TEN_YEARS_DAYS)
    .default(90)
    .describe(
      'It is unprofitable when the forwards of so many days earned less than `least_yield_ppm_per_year`; a younger ' +
        'channel is not judged. 0: not asked.',
    ),
  least_yield_ppm_per_year: count(0, MILLION)
    .default(5000)
    .describe('What its forwards should earn in a year, in millionths of its capacity.'),
})
