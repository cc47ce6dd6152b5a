/** An answer with more bytes than this is not read. */
export const MAX_ANSWER_BYTES = 64 * 1024

/** Asks a server for JSON. The caller bounds the time by its signal. */
export type FetchJson = (url: string, signal: AbortSignal) => Promise<unknown>

/**
 * GET, over HTTP or HTTPS. A redirect is not followed: the operator named this server and no other.
 * @throws Error when there is no answer, another status than 200, too long an answer, or no JSON in it
 */
export const fetchJson: FetchJson = async (url, signal) => {
  const response = await fetch(url, { redirect: 'error', signal, headers: { accept: 'application/json' } })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`${url} answered with status ${response.status}`)
  }
  return JSON.parse(await readText(response, url))
}

async function readText({ body }: Response, url: string): Promise<string> {
  if (body === null) return ''
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of body as AsyncIterable<Uint8Array>) {
    bytes += part.length
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`${url} answered with more than ${MAX_ANSWER_BYTES} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
