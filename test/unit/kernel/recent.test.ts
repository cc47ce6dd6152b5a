import { describe, expect, it } from 'vitest'
import { Recent } from '../../../src/kernel/recent.ts'

describe('a memory of the last ones', () => {
  it('forgets what was set longest ago, beyond its bound', () => {
    const recent = new Recent<string, number>(2)
    recent.set('a', 1)
    recent.set('b', 2)
    recent.set('a', 3)
    recent.set('c', 4)
    expect([...recent.keys()]).toEqual(['a', 'c'])
    expect(['a', 'b', 'c'].map((key) => recent.get(key))).toEqual([3, undefined, 4])
    recent.delete('a')
    expect([...recent.keys()]).toEqual(['c'])
  })
})
