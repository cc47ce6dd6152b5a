import { expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import type { NodeId } from '../../../lsps/base/node-id.ts'
import { usageOf } from '../../../src/held/usage.ts'

const of = (client: string, amount: bigint) => ({ client: client as NodeId, amount: msat(amount) })

it('tells how much is held in all, and the most of one client: of HTLCs and of value, which may be two clients', () => {
  expect(usageOf([])).toEqual({ htlcs: 0, value: 0n, mostHtlcs: 0, mostValue: 0n })
  const held = [of('many', 1n), of('rich', 70n), of('many', 2n), of('many', 3n)]
  expect(usageOf(held)).toEqual({ htlcs: 4, value: 76n, mostHtlcs: 3, mostValue: 70n })
})
