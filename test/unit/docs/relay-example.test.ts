import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MAX_NOTIFICATION_BYTES, type WebhookNotification } from '../../../lsps/index.ts'
import { callOf, LSP_NODE, NOW } from '../../conformance/webhook-lsp.ts'
import { NODE } from '../lsps/arbitraries.ts'
import { read } from './pages.ts'
import { createRelay, type Device } from './relay-example.ts'

const PAGE = fileURLToPath(new URL('../../../docs/relay.md', import.meta.url))
const EXAMPLE = 'test/unit/docs/relay-example.ts'
const URL_OF = (token: string) => `https://relay.example/push?token=${token}`
const INCOMING: WebhookNotification = { method: 'lsps5.payment_incoming', params: {} }

function relaying() {
  const pushed: string[][] = []
  const devices = new Map<string, Device>([
    ['phone', { lsp: LSP_NODE, pushToken: 'push to the phone' }],
    ['tablet', { lsp: NODE, pushToken: 'push to the tablet' }],
  ])
  const relay = createRelay(devices, async (pushToken, method) => void pushed.push([pushToken, method]))
  const post = async (token = 'phone', change: RequestInit = {}, notification = INCOMING) => {
    const { url, headers, body } = callOf({ url: URL_OF(token), notification })
    const response = await relay(new Request(url, { method: 'POST', headers, body, ...change }))
    return [response.status, await response.text()]
  }
  return { pushed, post }
}

describe('the example of a relay', () => {
  beforeEach(() => void vi.useFakeTimers({ now: NOW, toFake: ['Date'] }))
  afterEach(() => void vi.useRealTimers())

  it('[L5-48] wakes the device of the token, once', async () => {
    const { pushed, post } = relaying()
    expect(await post()).toEqual([200, ''])
    expect(await post()).toEqual([403, 'replayed'])
    expect(pushed).toEqual([['push to the phone', 'lsps5.payment_incoming']])
  })

  it('[L5-48] wakes nobody for another LSP, an unknown token, a GET, or what is too long', async () => {
    const { pushed, post } = relaying()
    expect(await post('tablet')).toEqual([403, 'bad-signature'])
    expect(await post('none')).toEqual([404, ''])
    expect(await post('phone', { method: 'GET', body: null })).toEqual([404, ''])
    expect(await post('phone', { body: 'x'.repeat(MAX_NOTIFICATION_BYTES * 3) })).toEqual([403, 'bad-body'])
    expect(pushed).toEqual([])
  })

  it('is the one on the page; `npx vitest run --project unit test/unit/docs -u` writes it anew', async () => {
    const source = read(EXAMPLE).replaceAll("'../../../lsps/index.ts'", "'sluice/lsps'")
    const page = read('docs/relay.md')
    const pattern = new RegExp(`(<!-- ${EXAMPLE} -->\n\`\`\`ts\n)[\\s\\S]*?(\`\`\`)`)
    expect(page).toMatch(pattern)
    await expect(page.replace(pattern, (_, begin, end) => `${begin}${source}${end}`)).toMatchFileSnapshot(PAGE)
  })
})
