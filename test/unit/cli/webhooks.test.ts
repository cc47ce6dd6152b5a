import { describe, expect, it } from 'vitest'
import { plain, printable } from '../../../src/cli/format.ts'
import { renderWebhookClient, renderWebhookList, renderWebhookTest } from '../../../src/cli/render-webhooks.ts'
import {
  FAILED_TEST,
  WALLET,
  WEBHOOK_CLIENT,
  WEBHOOK_RECORD,
  WEBHOOK_TEST,
  WEBHOOKS,
} from '../admin/webhook-samples.ts'

const NOW = Date.parse('2026-01-03T00:00:00.000Z')
const lines = (text: string) => text.split('\n')
const wide = (text: string) => lines(text).filter((line) => line.length > 80 && !line.includes(WALLET))

describe('the list of webhooks', () => {
  it('says for each client whether it is here, where it is woken, and what came of it last', () => {
    const text = renderWebhookList(WEBHOOKS, NOW, plain)
    expect(lines(text)).toEqual([
      'client          is    webhook                            last said',
      '03ababab..abab  away  push.wallet.example.com 1f2e3d4c   payment failed, 30 s',
      '                      ..relay.example.com:8443 00aa11bb',
      '',
      'and 2 more clients: --limit or --json',
    ])
    expect(wide(text)).toEqual([])
  })

  it('says when webhooks are off, and when there are none', () => {
    expect(renderWebhookList({ enabled: true, clients: [], more: 0 }, NOW, plain)).toBe('no webhooks')
    expect(renderWebhookList({ enabled: false, clients: [], more: 0 }, NOW, plain)).toMatch(/^webhooks are off/)
  })

  it('fits a terminal with the longest of everything', () => {
    const last = {
      ...WEBHOOK_CLIENT.last,
      method: 'lsps5.onion_message_incoming',
      ended_at: '2026-01-02T01:00:00.000Z',
    }
    const client = { ...WEBHOOK_CLIENT, last: { ...WEBHOOK_CLIENT.last, ...last } } as typeof WEBHOOK_CLIENT
    const webhooks = client.webhooks.map((one) => ({ ...one, host: 'x'.repeat(253) }))
    expect(wide(renderWebhookList({ ...WEBHOOKS, clients: [{ ...client, webhooks }] }, NOW, plain))).toEqual([])
  })
})

describe('one client', () => {
  const text = renderWebhookClient(WEBHOOK_RECORD, NOW, plain)

  it('shows what waits for it, what is being said, and how the last notifications ended', () => {
    expect(lines(text)).toEqual([
      `client        ${WALLET}`,
      'is            away',
      'channel       none',
      'waits for it  payment, until 2026-01-03T00:00:30Z (in 30 s)',
      '              not said again before 2026-01-03T00:00:20Z (in 20 s)',
      '',
      'webhook     My wallet',
      'host        push.wallet.example.com, URL 1f2e3d4c',
      'set         2026-01-02T00:00:00Z (1 d ago)',
      'kept until  2026-01-09T00:00:00Z (in 6 d)',
      '',
      'webhook     another \\u001b[31mapp',
      'host        a-rather-long-name.of-a-relay.example.com:8443, URL 00aa11bb',
      'set         2026-01-02T00:00:00Z (1 d ago)',
      'kept until  2026-01-09T00:00:00Z (in 6 d)',
      'times       written as +00:00, as LDK verifies them',
      '',
      'being said  to                    attempts  now',
      'expiry      ..ther \\u001b[31mapp         1  due 2026-01-03T00:00:04Z (in 4 s)',
      '',
      'ended                 said        to         attempts  outcome',
      '2026-01-02T23:59:30Z  payment     My wallet         3  failed',
      '2026-01-02T00:00:00Z  registered  My wallet         1  200',
      '',
      '2026-01-02T23:59:30Z  payment: timeout: no response within 8000 ms',
    ])
    expect(wide(text)).toEqual([])
  })

  it('says that its webhooks are kept while it has a channel', () => {
    const [first] = WEBHOOK_RECORD.webhooks.map(({ kept_until: _, ...webhook }) => webhook)
    if (first === undefined) throw new Error('the sample has no webhook')
    const record = { ...WEBHOOK_RECORD, has_channel: true, webhooks: [first] }
    const shown = renderWebhookClient(record, NOW, plain)
    expect(shown).toContain('channel       yes: its webhooks are kept as long as it has one')
    expect(shown).not.toContain('kept until')
  })
})

describe('a test of webhooks', () => {
  it('says what was answered and after which time', () => {
    expect(lines(renderWebhookTest(WEBHOOK_TEST, plain))).toEqual([
      'webhook    host                              answered  after',
      'My wallet  push.wallet.example.com 1f2e3d4c  200       87 ms',
    ])
  })

  it('says why a webhook did not hear it', () => {
    const text = renderWebhookTest(FAILED_TEST, plain)
    expect(lines(text)).toEqual([
      'webhook               host                               answered      after',
      'My wallet             push.wallet.example.com 1f2e3d4c   404           87 ms',
      '..ther \\u001b[31mapp  ..relay.example.com:8443 00aa11bb  no answer  12.345 s',
      '',
      'My wallet: only 200 says that it was heard, not 404',
      'another \\u001b[31mapp: refused: 10.0.0.7 is an address of private networks',
    ])
    expect(wide(text)).toEqual([])
  })
})

describe('what others wrote', () => {
  it.each([
    ['\u001b[2J', '\\u001b[2J'],
    ['a\nb', 'a\\u000ab'],
    ['\u202eevil', '\\u202eevil'],
    ['\u{e0001}', '\\udb40\\udc01'],
    ['plain é 😀', 'plain é 😀'],
  ])('has no power over a terminal: %j', (text, shown) => {
    expect(printable(text)).toBe(shown)
  })
})
