import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { fetchJson, MAX_ANSWER_BYTES } from '../../../src/kernel/fetch-json.ts'

/** What is fetched from a server that answers like this. */
async function fetched(answer: RequestListener, signal = new AbortController().signal): Promise<unknown> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    return await fetchJson(`http://127.0.0.1:${(server.address() as AddressInfo).port}/fees`, signal)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

describe('asking a server for JSON', () => {
  it('gives what it answered', async () => {
    expect(await fetched((_, response) => response.end('{"hourFee":7}'))).toEqual({ hourFee: 7 })
  })

  it.each<[string, RequestListener, string | RegExp]>([
    ['another status', (_, response) => response.writeHead(503).end(), 'status 503'],
    [
      'a redirect',
      (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      /fetch failed|redirect/,
    ],
    ['no JSON', (_, response) => response.end('<html>'), /JSON/],
    ['too much', (_, response) => response.end(`"${'x'.repeat(MAX_ANSWER_BYTES)}"`), 'more than'],
  ])('refuses %s', async (_name, answer, words) => {
    await expect(fetched(answer)).rejects.toThrow(words)
  })

  it('ends when it is told to, whatever the server does', async () => {
    const stop = new AbortController()
    const asked = fetched(() => stop.abort(new Error('enough')), stop.signal)
    await expect(asked).rejects.toThrow('enough')
  })
})
