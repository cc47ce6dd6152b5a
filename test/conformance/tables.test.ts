import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { MethodTable } from '../../lsps/base/method.ts'
import { lsps0 } from '../../lsps/lsps0/methods.ts'
import { lsps2 } from '../../lsps/lsps2/methods.ts'
import { STANDARD_FAULTS } from '../../lsps/rpc/fault.ts'

const SPECS: readonly (readonly [number: number, table: MethodTable])[] = [
  [0, lsps0],
  [2, lsps2],
]
const METHODS = SPECS.flatMap(([number, table]) =>
  Object.entries(table).map(([name, method]) => ({ number, name, method })),
)

describe.each(METHODS)('the method $name', ({ number, name, method }) => {
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
    const own = method.faults.map(({ code }) => code).filter((code) => !shared.includes(code))
    for (const code of own) {
      expect(Number.isInteger(code)).toBe(true)
      expect(Math.floor(code / 100)).toBe(number)
    }
  })
})

describe('LSPS0', () => {
  it('[L0-56] has one method and no notification', () => {
    expect(Object.keys(lsps0)).toEqual(['lsps0.list_protocols'])
  })
})
