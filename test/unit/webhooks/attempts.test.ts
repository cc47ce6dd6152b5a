import { expect, it } from 'vitest'
import { attemptOutcome } from '../../../src/webhooks/attempts.ts'
import { noAnswer, type Why } from '../../../src/webhooks/delivery/outcome.ts'

it('[L5-45] an answer is an answer, whatever it says', () => {
  expect(attemptOutcome({ kind: 'answered', status: 500 })).toEqual({ type: 'answered', status: 500 })
})

it.each<[Why, string]>([
  ['refused', 'forbidden'],
  ['timeout', 'silent'],
  ['broken', 'silent'],
  ['unresolved', 'unsent'],
  ['unreachable', 'unsent'],
  ['proxy', 'unsent'],
  ['tls', 'unsent'],
  ['busy', 'unsent'],
])('[L5-45] no answer because it was %s is %s', (why, type) => {
  expect(attemptOutcome(noAnswer(why, 'a detail'))).toEqual({ type, why: `${why}: a detail` })
})
