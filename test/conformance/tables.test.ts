import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { MethodTable } from '../../lsps/base/method.ts'
import { lsps0 } from '../../lsps/lsps0/methods.ts'
import { lsps1 } from '../../lsps/lsps1/methods.ts'
import { lsps2 } from '../../lsps/lsps2/methods.ts'
import { lsps5 } from '../../lsps/lsps5/methods.ts'
import { lsps5Notifications } from '../../lsps/lsps5/notifications.ts'
import { lsps7 } from '../../lsps/lsps7/methods.ts'
import { STANDARD_FAULTS } from '../../lsps/rpc/fault.ts'

type Spec = {
  readonly number: number
  /** Whose codes it answers: LSPS7 says those of LSPS1 again (L7-04). */
  readonly hundred: number
  /** A code that its text puts elsewhere (L5-21). */
  readonly stray?: number
  readonly table: MethodTable
}

const SPECS: readonly Spec[] = [
  { number: 0, hundred: 0, table: lsps0 },
  { number: 1, hundred: 1, table: lsps1 },
  { number: 2, hundred: 2, table: lsps2 },
  { number: 5, hundred: 5, stray: 1010, table: lsps5 },
  { number: 7, hundred: 1, table: lsps7 },
]
const METHODS = SPECS.flatMap(({ table, ...spec }) =>
  Object.entries(table).map(([name, method]) => ({ ...spec, name, method })),
)

describe.each(METHODS)('the method $name', ({ number, hundred, stray, name, method }) => {
  it('[L0-60] is named in snake_case after its spec', () => {
    expect(name).toMatch(new RegExp(`^lsps${number}\\.[a-z]+(_[a-z]+)*$`))
  })

  it('[L0-61] takes and answers an object with named keys, and documents each error', () => {
    expect(method.params).toBeInstanceOf(z.ZodObject)
    expect(method.result).toBeInstanceOf(z.ZodObject)
    expect(method.summary).not.toBe('')
    for (const { code, name: called, message } of method.faults) expect([code, called, message]).not.toContain('')
  })

  it('[L0-34] has errors of its own hundred only, besides those that all share', () => {
    const shared = Object.values(STANDARD_FAULTS).map(({ code }): number => code)
    const own = method.faults.map(({ code }) => code).filter((code) => !shared.includes(code) && code !== stray)
    for (const code of own) {
      expect(Number.isInteger(code)).toBe(true)
      expect(Math.floor(code / 100)).toBe(hundred)
    }
  })
})

describe('LSPS0', () => {
  it('[L0-56] has one method and no notification', () => {
    expect(Object.keys(lsps0)).toEqual(['lsps0.list_protocols'])
  })
})

describe('notifications to webhooks', () => {
  const names = Object.keys(lsps5Notifications)

  it('[L5-33] are named after their own spec', () => {
    for (const name of names) expect(name).toMatch(/^lsps5\.[a-z]+(_[a-z]+)*$/)
  })

  it('[L5-32] are nothing that could be said to a client: no method has such a name', () => {
    const methods = METHODS.map(({ name }) => name)
    expect(names.filter((name) => methods.includes(name))).toEqual([])
  })
})
