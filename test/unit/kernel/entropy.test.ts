import { describe, expect, it } from 'vitest'
import { systemEntropy } from '../../../src/kernel/entropy.ts'

describe("the system's entropy", () => {
  it('gives out no byte twice, however the requests cut the pool', () => {
    const lengths = [16, 32, 4, 4096, 5000, 1, 16, 4090, 32]
    const pieces = lengths.flatMap((length) => {
      const bytes = systemEntropy(length)
      expect(bytes).toHaveLength(length)
      return length < 16 ? [] : [Buffer.from(bytes.subarray(0, 16)).toString('hex')]
    })
    expect(new Set(pieces).size).toBe(pieces.length)
  })

  it('keeps what it gave out, whatever is drawn afterwards', () => {
    const bytes = systemEntropy(32)
    const before = Buffer.from(bytes).toString('hex')
    for (let draw = 0; draw < 1_000; draw += 1) systemEntropy(32)
    expect(Buffer.from(bytes).toString('hex')).toBe(before)
    expect(before).not.toBe('00'.repeat(32))
  })
})
