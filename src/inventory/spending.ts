import * as z from 'zod'
import { Sat } from '../../lsps/base/amount.ts'
import type { Store, Write } from '../store/port.ts'
import { Table } from '../store/table.ts'
import type { Spending } from './budget.ts'

/** One record for each channel that was opened within the budget's window and has not earned its fee, by opening. */
const spendings = new Table(
  'inventory-spending',
  z.object({
    owner: z.string(),
    amount: Sat,
    /** Unix time in ms. */
    at: z.number().int().nonnegative(),
  }),
)

export async function readSpendings(store: Store): Promise<Spending[]> {
  const found: Spending[] = []
  for await (const [id, record] of spendings.entries(store)) found.push({ id, ...record })
  return found
}

export function putSpending({ id, owner, amount, at }: Spending): Write {
  return spendings.put(id, { owner, amount, at })
}

/** Of one that is not there: changes nothing. */
export function deleteSpending(id: string): Write {
  return spendings.del(id)
}
