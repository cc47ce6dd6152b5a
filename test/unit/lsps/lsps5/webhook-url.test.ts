import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkWebhook } from '../../../../lsps/lsps5/rules.ts'
import { urlProblem } from '../../../../lsps/lsps5/webhook-url.ts'

/** Characters that mean something in URLs, and some that must not be there. */
const PIECES = [
  'https',
  'http',
  ':',
  '/',
  '//',
  '?',
  '#',
  '@',
  '.',
  '%',
  '%41',
  '[',
  ']',
  '::1',
  'a',
  '1',
  '0x',
  'xn--',
  "'",
]
const BAD_PIECES = ['\\', ' ', '\t', '\n', '\0', 'ü', '<', '"', '|', '^', '{', '`', '\u200b', '\ud800']

const anyUrlish = (): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...PIECES) }, fc.constantFrom(...BAD_PIECES)), {
      maxLength: 12,
    })
    .map((pieces) => pieces.join(''))

describe('the URL of a webhook', () => {
  it('[L5-04] [L5-14] is one that a parser can call: https, with a host, and nothing that it would have to guess', () => {
    let accepted = 0
    fc.assert(
      fc.property(
        fc.oneof(
          anyUrlish(),
          anyUrlish().map((rest) => `https://${rest}`),
          fc.webUrl(),
        ),
        (text) => {
          if (urlProblem(text) !== undefined) return
          accepted += 1
          const { protocol, hostname } = new URL(text)
          expect([protocol, hostname === '']).toEqual(['https:', false])
          expect(text).toMatch(/^https:\/\/[\x21-\x7e]+$/i)
          expect(text).not.toMatch(/[\\#]/)
        },
      ),
      { numRuns: 3000 },
    )
    expect(accepted).toBeGreaterThan(100)
  })

  it('[L5-04] [L5-05] is read in time that grows with its length', () => {
    for (const text of [`https://${'%41'.repeat(20_000)}`, 'a'.repeat(60_000), `${'a+'.repeat(30_000)}:`]) {
      expect(['not-a-url', 'unsupported-protocol', undefined]).toContain(urlProblem(text))
    }
  })

  it('[L5-06] is never judged before the lengths', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 65 }), fc.string({ unit: 'binary' }), (app_name, webhook) => {
        expect(checkWebhook({ app_name, webhook })?.code).toBe(500)
      }),
    )
  })
})
