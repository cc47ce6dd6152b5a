import { expect, it } from 'vitest'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import { DELIVERY_MS, HandedOn } from '../../../src/held/handed-on.ts'

const time = (ms: number) => ms as Timestamp

it('remembers what went on for as long as lnd may have it in memory', () => {
  const handedOn = new HandedOn(time(0))
  for (let second = 0; second <= 600; second += 1) {
    handedOn.add(`1:${second}`, time(second * 1_000))
    for (let past = 0; past <= DELIVERY_MS / 1_000 && past <= second; past += 10) {
      expect(handedOn.has(`1:${second - past}`)).toBe(true)
    }
  }
  expect(handedOn.has('1:0')).toBe(false)
})

it('knows nothing for certain after a start, nor after it had to forget', () => {
  const handedOn = new HandedOn(time(0), 10)
  expect([handedOn.isComplete(time(DELIVERY_MS - 1)), handedOn.isComplete(time(DELIVERY_MS))]).toEqual([false, true])
  const at = 10 * DELIVERY_MS
  for (let index = 0; index < 10; index += 1) handedOn.add(`1:${index}`, time(at))
  expect(handedOn.isComplete(time(at))).toBe(true)
  handedOn.add('1:10', time(at))
  expect(handedOn.has('1:0')).toBe(true)
  expect(handedOn.isComplete(time(at))).toBe(false)
  expect(handedOn.isComplete(time(at + DELIVERY_MS))).toBe(true)
})
