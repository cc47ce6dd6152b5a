import * as z from 'zod'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { Store, Write } from '../store/port.ts'
import { Table } from '../store/table.ts'

/** Steps of one subject that are read back; a sale has a few dozen. */
export const MAX_STEPS_READ = 1_000
const COUNTER_DIGITS = 9

/** One thing that happened to a sale: what an operator reads to understand it. */
export const FlightStep = z.object({
  at: z.custom<Timestamp>((v) => Number.isSafeInteger(v)),
  what: z.string(),
  detail: z.record(z.string(), z.string()),
})
export type FlightStep = z.output<typeof FlightStep>

const table = new Table('flight', FlightStep)
let counter = 0

/** The write that adds a step to a subject's record, in the commit of what it tells. */
export function flightStep(subject: string, step: FlightStep): Write {
  counter += 1
  return table.put(`${subject}/${step.at}-${counter.toString().padStart(COUNTER_DIGITS, '0')}`, step)
}

/** All steps of a subject in the order of time. */
export async function flightSteps(store: Store, subject: string): Promise<readonly FlightStep[]> {
  const steps: FlightStep[] = []
  for await (const [, step] of table.entries(store, { prefix: `${subject}/`, limit: MAX_STEPS_READ })) steps.push(step)
  return steps.sort((a, b) => a.at - b.at)
}
