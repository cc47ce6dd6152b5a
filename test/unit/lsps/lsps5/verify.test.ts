import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { getPublicKey, Point } from '@noble/secp256k1'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Timestamp } from '../../../../lsps/base/datetime.ts'
import { signMessage } from '../../../../lsps/base/ln-signature.ts'
import { decodeZbase32, encodeZbase32 } from '../../../../lsps/base/zbase32.ts'
import type { WebhookNotification } from '../../../../lsps/lsps5/notifications.ts'
import { MAX_REMEMBERED, type ReplayMemory, remember } from '../../../../lsps/lsps5/replay.ts'
import { composeNotification, signedText, TIMESTAMP_STYLES } from '../../../../lsps/lsps5/signed-text.ts'
import {
  createNotificationVerifier,
  FRESHNESS_WINDOW_MS,
  MAX_NOTIFICATION_BYTES,
  verifyNotification,
} from '../../../../lsps/lsps5/verify.ts'
import { LSP_KEY, LSP_NODE, NOW } from '../../../conformance/webhook-lsp.ts'
import { NODE } from '../arbitraries.ts'

const INCOMING: WebhookNotification = { method: 'lsps5.payment_incoming', params: {} }
const at = (ms: number) => (NOW + ms) as Timestamp
const context = (now = NOW) => ({ lsp: LSP_NODE, now })

type Signed = { readonly timestamp: string; readonly signature: string; readonly body: string }

/** Signed by the LSP, whatever it says. */
function signed(body: string, timestamp = '2026-01-01T00:00:00.000Z', key = LSP_KEY): Signed {
  return { timestamp, body, signature: signMessage(utf8ToBytes(signedText(timestamp, body)), key) }
}

function call(notification = INCOMING, when = NOW, style: (typeof TIMESTAMP_STYLES)[number] = 'Z') {
  const { timestamp, body } = composeNotification({ notification, at: when, style })
  return signed(body, timestamp)
}

const said = (method: string, params: unknown = {}) => JSON.stringify({ jsonrpc: '2.0', method, params })

describe('a call of a webhook', () => {
  it.each(TIMESTAMP_STYLES)('[L5-44] [L5-48] is accepted with a time that ends in %s', (style) => {
    for (const when of [NOW, at(395), at(-1)]) {
      const verdict = verifyNotification(call(INCOMING, when, style), context())
      expect(verdict).toMatchObject({
        accepted: { method: 'lsps5.payment_incoming', notification: INCOMING, at: when },
      })
    }
  })

  it('[L5-44] [L5-48] is accepted with the time in any offset, over the header as it stands', () => {
    const { body } = call()
    expect(verifyNotification(signed(body, '2026-01-01T05:30:00.000+05:30'), context())).toHaveProperty('accepted')
  })

  it('[L5-44] is accepted when the same instant was written anew on the way', () => {
    const forms = ['2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00+00:00']
    for (const timestamp of [...forms, '2026-01-01T00:00:00Z', '2026-01-01T01:00:00.000+01:00']) {
      for (const form of forms) {
        const { signature, body } = signed(said('lsps5.payment_incoming'), form)
        expect(verifyNotification({ timestamp, signature, body }, context())).toHaveProperty('accepted')
      }
    }
  })

  it('[L5-48] as bytes is the same as text', () => {
    const { body, ...headers } = call()
    expect(verifyNotification({ ...headers, body: utf8ToBytes(body) }, context())).toHaveProperty('accepted')
  })

  it('[L5-48] is accepted with a method or parameters that nobody knows, which are left out', () => {
    const unknown = verifyNotification(signed(said('lsps9.batch_cleared', { a: 1 })), context())
    expect(unknown).toMatchObject({ accepted: { method: 'lsps9.batch_cleared' } })
    expect(unknown).not.toHaveProperty('accepted.notification')
    const more = verifyNotification(signed(said('lsps5.expiry_soon', { timeout: 5, sooner: true })), context())
    expect(more).toMatchObject({ accepted: { notification: { method: 'lsps5.expiry_soon', params: { timeout: 5 } } } })
    expect(verifyNotification(signed(said('__proto__')), context())).not.toHaveProperty('accepted.notification')
  })

  it.each([
    undefined,
    '',
    'now',
    '2026-01-01',
    '2026-01-01T00:00:00.000',
    '1767225600',
    `2026-01-01T00:00:00Z${' '.repeat(30)}`,
  ])('[L5-48] is refused with the time %j', (timestamp) => {
    const { signature, body } = signed(said('lsps5.payment_incoming'), timestamp)
    expect(verifyNotification({ timestamp, signature, body }, context())).toEqual({ refused: 'bad-timestamp' })
  })

  it('[L5-48] is refused outside the window, to the millisecond', () => {
    const judge = (now: Timestamp) => verifyNotification(call(), context(now))
    expect(judge(at(FRESHNESS_WINDOW_MS))).toHaveProperty('accepted')
    expect(judge(at(FRESHNESS_WINDOW_MS + 1))).toEqual({ refused: 'stale' })
    expect(judge(at(-FRESHNESS_WINDOW_MS))).toHaveProperty('accepted')
    expect(judge(at(-FRESHNESS_WINDOW_MS - 1))).toEqual({ refused: 'from-the-future' })
  })

  it.each([
    '',
    'null',
    '[]',
    '"x"',
    '{',
    '{"jsonrpc":"2.0","method":"lsps5.payment_incoming"}',
    '{"jsonrpc":"2.0","method":"lsps5.payment_incoming","params":[]}',
    '{"jsonrpc":"2.0","method":"lsps5.payment_incoming","params":{},"id":1}',
    '{"jsonrpc":"1.0","method":"lsps5.payment_incoming","params":{}}',
    '{"jsonrpc":"2.0","method":5,"params":{}}',
    said('lsps5.expiry_soon', {}),
    said('lsps5.expiry_soon', { timeout: '144' }),
    said('lsps5.expiry_soon', { timeout: -1 }),
    `\ufeff${said('lsps5.payment_incoming')}`,
    said('lsps5.payment_incoming', { filler: 'x'.repeat(MAX_NOTIFICATION_BYTES) }),
  ])('[L5-48] is refused with the body %.70s, though the LSP signed it', (body) => {
    expect(verifyNotification(signed(body), context())).toEqual({ refused: 'bad-body' })
  })

  it('[L5-48] is refused with a body that is not UTF-8', () => {
    const { timestamp, signature } = call()
    const body = Uint8Array.of(...utf8ToBytes('{"jsonrpc":"2.0","method":"'), 0xff, ...utf8ToBytes('","params":{}}'))
    expect(verifyNotification({ timestamp, signature, body }, context())).toEqual({ refused: 'bad-body' })
  })

  it.each([undefined, '', 'd9', 'y'.repeat(104), '0'.repeat(104), `${call().signature.slice(1)}`])(
    '[L5-48] is refused with the signature %j',
    (signature) => {
      const { timestamp, body } = call()
      expect(verifyNotification({ timestamp, signature, body }, context())).toEqual({ refused: 'bad-signature' })
    },
  )

  it('[L5-48] is refused when anybody else signed it', () => {
    const key = hexToBytes('01'.padStart(64, '0'))
    expect(bytesToHex(getPublicKey(key))).toBe(NODE)
    expect(verifyNotification(signed(said('lsps5.payment_incoming'), undefined, key), context())).toEqual({
      refused: 'bad-signature',
    })
  })

  it('[L5-42] [L5-48] is refused when anything of it was changed', () => {
    const { timestamp, signature, body } = call({ method: 'lsps5.expiry_soon', params: { timeout: 900_144 } })
    fc.assert(
      fc.property(fc.nat({ max: body.length - 1 }), fc.constantFrom('0', '9', ' ', 'x', '}'), (place, character) => {
        fc.pre(body[place] !== character)
        const changed = body.slice(0, place) + character + body.slice(place + 1)
        expect(verifyNotification({ timestamp, signature, body: changed }, context())).toHaveProperty('refused')
      }),
      { numRuns: 60 },
    )
    const later = verifyNotification({ timestamp: '2026-01-01T00:00:00.001Z', signature, body }, context())
    expect(later).toEqual({ refused: 'bad-signature' })
  })

  it('[L5-48] never throws, whatever comes', () => {
    const anyText = fc.string({ unit: 'binary', maxLength: 120 })
    const anyCall = fc.record({
      timestamp: fc.oneof(anyText, fc.constant('2026-01-01T00:00:00.000Z'), fc.constant(undefined)),
      signature: fc.oneof(anyText, fc.base64String({ minLength: 104, maxLength: 104 }), fc.constant(undefined)),
      body: fc.oneof(anyText, fc.uint8Array(), fc.constant(said('lsps5.payment_incoming'))),
    })
    fc.assert(fc.property(anyCall, (one) => 'refused' in verifyNotification(one, context())))
  })
})

/** The other signature that recovers the same key: whoever saw one can make it without the key. */
function mirrored(signature: string): string {
  const bytes = decodeZbase32(signature) ?? new Uint8Array()
  const s = BigInt(`0x${bytesToHex(bytes.slice(33))}`)
  const other = (Point.CURVE().n - s).toString(16).padStart(64, '0')
  const header = 31 + (((bytes[0] ?? 0) - 31) ^ 1)
  return encodeZbase32(Uint8Array.of(header, ...bytes.slice(1, 33), ...hexToBytes(other)))
}

describe('a verifier', () => {
  it('[L5-48] accepts each call once, however its signature is written', () => {
    const verifier = createNotificationVerifier({ lsp: LSP_NODE })
    const { signature, ...rest } = call()
    expect(verifier.verify({ ...rest, signature }, NOW)).toHaveProperty('accepted')
    for (const other of [signature, signature.toUpperCase(), mirrored(signature)]) {
      expect(verifier.verify({ ...rest, signature: other }, at(1))).toEqual({ refused: 'replayed' })
    }
    const rewritten = { ...rest, signature, timestamp: '2026-01-01T00:00:00+00:00' }
    expect(verifier.verify(rewritten, at(1))).toEqual({ refused: 'replayed' })
  })

  it('[L5-48] accepts another attempt of the LSP, which has another time', () => {
    const verifier = createNotificationVerifier({ lsp: LSP_NODE })
    expect(verifier.verify(call(), NOW)).toHaveProperty('accepted')
    expect(verifier.verify(call(INCOMING, at(1)), at(1))).toHaveProperty('accepted')
  })

  it('[L5-48] remembers nothing of what it refused', () => {
    const verifier = createNotificationVerifier({ lsp: LSP_NODE })
    expect(verifier.verify(call(), at(FRESHNESS_WINDOW_MS + 1))).toEqual({ refused: 'stale' })
    expect(verifier.verify({ ...call(), signature: undefined }, NOW)).toEqual({ refused: 'bad-signature' })
    expect(verifier.memory()).toEqual([])
    expect(verifier.verify(call(), NOW)).toHaveProperty('accepted')
  })

  it('[L5-48] goes on with what another one remembered, written down in between', () => {
    const first = createNotificationVerifier({ lsp: LSP_NODE })
    first.verify(call(), NOW)
    const memory = JSON.parse(JSON.stringify(first.memory())) as ReplayMemory
    const second = createNotificationVerifier({ lsp: LSP_NODE, memory })
    expect(second.verify(call(), at(1000))).toEqual({ refused: 'replayed' })
  })

  it('[L5-48] accepts nothing twice at any time, as long as no more come than it remembers', () => {
    const step = fc.record({
      signedAt: fc.integer({ min: 0, max: 5 }),
      passed: fc.integer({ min: 0, max: 8 * 60_000 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const verifier = createNotificationVerifier({ lsp: LSP_NODE, most: 6 })
        const accepted = new Set<number>()
        let now = NOW as number
        for (const { signedAt, passed } of steps) {
          now += passed
          const when = at(signedAt * 7 * 60_000)
          const verdict = verifier.verify(call(INCOMING, when), now as Timestamp)
          const fresh = Math.abs(now - when) <= FRESHNESS_WINDOW_MS
          expect('accepted' in verdict).toBe(fresh && !accepted.has(when))
          if ('accepted' in verdict) accepted.add(when)
        }
      }),
      { numRuns: 40 },
    )
  })
})

describe('what is remembered', () => {
  const seen = (n: number) => ({ digest: `digest ${n}`, at: at(n) })

  it('[L5-48] is never more than its bound, and the newest', () => {
    let memory: ReplayMemory = []
    for (let n = 0; n < MAX_REMEMBERED + 10; n += 1) {
      memory = remember(memory, seen(n), { now: NOW, windowMs: FRESHNESS_WINDOW_MS }).memory
    }
    expect(memory).toHaveLength(MAX_REMEMBERED)
    expect([memory.at(0), memory.at(-1)]).toEqual([seen(10), seen(MAX_REMEMBERED + 9)])
  })

  it('[L5-48] is only what is not stale by itself', () => {
    const { memory } = remember([seen(0)], seen(5), { now: at(1001), windowMs: 1000 })
    expect(memory).toEqual([seen(5)])
    expect(remember([seen(0)], seen(0), { now: at(1000), windowMs: 1000 }).replayed).toBe(true)
  })
})
