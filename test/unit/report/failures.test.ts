import { describe, expect, it } from 'vitest'
import type { TestModule } from 'vitest/node'
import { describeFailures, MAX_TOLD } from '../../report/failures.ts'

/** As much of a module as is looked at. */
function moduleWith(failed: readonly string[], message = 'expected 1 to be 2'): TestModule {
  const tests = failed.map((fullName) => ({ fullName, result: () => ({ state: 'failed', errors: [{ message }] }) }))
  return {
    relativeModuleId: 'test/unit/a.test.ts',
    state: () => 'failed',
    errors: () => [{ message: 'no such import' }],
    children: { allTests: () => tests },
  } as unknown as TestModule
}

describe('the end of a run', () => {
  it('tells each failed test with its file and what was wrong, on one line each', () => {
    expect(describeFailures([moduleWith(['adds'], 'waited 3 s\n  for x')], [])).toEqual([
      'FAILED test/unit/a.test.ts > adds\n    waited 3 s for x',
    ])
  })

  it('tells a file that could not be loaded, and an error outside of tests', () => {
    const told = describeFailures([moduleWith([])], [{ name: 'TypeError', message: 'x is not a function' }])
    expect(told).toEqual([
      'FAILED test/unit/a.test.ts > the file\n    no such import',
      'FAILED outside of tests > TypeError\n    x is not a function',
    ])
  })

  it('counts what is too much to tell', () => {
    const titles = Array.from({ length: MAX_TOLD + 3 }, (_, n) => `test ${n}`)
    const told = describeFailures([moduleWith(titles, 'x'.repeat(10_000))], [])
    expect(told.length).toBe(MAX_TOLD + 1)
    expect(told.at(-1)).toBe('and 3 more')
    expect(told[0]?.length).toBeLessThan(600)
  })
})
