import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NodeId } from '../../../lsps/base/node-id.ts'
import type { Scid } from '../../../lsps/base/scid.ts'
import { UnpaidSales } from '../../../src/jit/unpaid-sales.ts'

const CLIENTS = [`02${'aa'.repeat(32)}`, `03${'bb'.repeat(32)}`] as NodeId[]
const SCIDS = ['16000001x1x1', '16000001x2x2', '16000001x3x3'] as Scid[]

describe('sales that may still be paid', () => {
  it('are those of their client, each once, until they are removed', () => {
    const action = fc.record({
      type: fc.constantFrom('add' as const, 'remove' as const),
      client: fc.constantFrom(...CLIENTS),
      scid: fc.constantFrom(...SCIDS),
    })
    fc.assert(
      fc.property(fc.array(action), (actions) => {
        const sales = new UnpaidSales()
        const model = new Set<string>()
        for (const { type, client, scid } of actions) {
          sales[type](client, scid)
          if (type === 'add') model.add(`${client} ${scid}`)
          else model.delete(`${client} ${scid}`)
        }
        for (const client of CLIENTS) {
          const expected = SCIDS.filter((scid) => model.has(`${client} ${scid}`))
          expect([...sales.of(client)].sort()).toEqual(expected)
        }
      }),
    )
  })

  it('are gone when they are to be loaded anew', () => {
    const sales = new UnpaidSales()
    for (const client of CLIENTS) sales.add(client, SCIDS[0] as Scid)
    sales.clear()
    expect(CLIENTS.map((client) => sales.of(client).size)).toEqual([0, 0])
  })
})
