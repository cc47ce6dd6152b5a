import { describe, expect, it } from 'vitest'
import { requestIds } from '../../../../lsps/rpc/request-id.ts'

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length))

describe('the ids of requests', () => {
  it('[L0-40] are text with 128 bits of chance', () => {
    let asked = 0
    const newId = requestIds((length) => {
      asked = length
      return Uint8Array.from({ length }, (_, index) => index)
    })
    expect(newId()).toBe('000102030405060708090a0b0c0d0e0f')
    expect(asked).toBe(16)
  })

  it('[L0-41] are no counter: nothing but the chance of the moment is in them', () => {
    const newId = requestIds(random)
    const ids = Array.from({ length: 1000 }, newId)
    expect(new Set(ids).size).toBe(1000)
    const steps = ids.slice(1).map((id, index) => BigInt(`0x${id}`) - BigInt(`0x${ids[index]}`))
    expect(new Set(steps).size).toBe(999)
    expect(steps.filter((step) => step < 0n).length).toBeGreaterThan(300)
  })

  it('[L0-40] are not made from a generator that is broken', () => {
    expect(requestIds(() => new Uint8Array(8))).toThrow('asked for 16 random bytes, got 8')
    const stuck = requestIds((length) => new Uint8Array(length))
    stuck()
    expect(stuck).toThrow('the random bytes repeat')
  })
})
