import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkWebhook } from '../../../../lsps/lsps5/rules.ts'
import { requestTarget, urlProblem } from '../../../../lsps/lsps5/webhook-url.ts'

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

  it('[L5-49] is called verbatim, and that is the call that it means', () => {
    const anyUrl = fc.webUrl({ validSchemes: ['https'], withQueryParameters: true, withFragments: false })
    fc.assert(
      fc.property(anyUrl, (text) => {
        fc.pre(urlProblem(text) === undefined)
        const target = requestTarget(text)
        expect(text.endsWith(target) || text.endsWith(target.slice(1))).toBe(true)
        expect(new URL(`${new URL(text).origin}${target}`).href).toBe(new URL(text).href)
      }),
    )
  })

  it.each([
    ['https://ex.com', '/'],
    ['https://ex.com/', '/'],
    ['https://ex.com?', '/?'],
    ['https://ex.com?a=b', '/?a=b'],
    ["https://user:pw@ex.com:8443/a/../b/%2e?x='&y=//z", "/a/../b/%2e?x='&y=//z"],
    ['HTTPS://[::1]/?https://a/b', '/?https://a/b'],
  ])('[L5-49] %s asks for %s', (url, target) => {
    expect(urlProblem(url)).toBeUndefined()
    expect(requestTarget(url)).toBe(target)
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
