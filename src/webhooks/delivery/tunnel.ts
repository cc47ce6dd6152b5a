import type { Socket } from 'node:net'
import { Client } from 'undici'
import type { Dial, Endpoint, ProxyHost } from './dialer.ts'
import { reasonOf, Undelivered } from './outcome.ts'

/** Of the proxy's answer to CONNECT. */
const MAX_HEADER_BYTES = 8_192

export type HttpProxy = { readonly host: ProxyHost; readonly port: number }

/**
 * A way through an HTTP proxy to `host:port`. The proxy looks the name up by itself: which addresses it connects to is
 * for the proxy to restrict. What is sent through is encrypted for the host, not for the proxy.
 * @throws Undelivered `unreachable` when the proxy is, `proxy` when it refuses
 */
export async function openTunnel(
  { host, port }: { readonly host: string; readonly port: number },
  { proxy, dial, signal }: { readonly proxy: HttpProxy; readonly dial: Dial; readonly signal: AbortSignal },
): Promise<Socket> {
  const socket = await dialProxy(proxy, dial, signal)
  const client = new Client(`http://${authorityOf(proxy)}`, {
    // Not at once: the client does not look for an answer before its connector returned.
    connect: (_options, callback) => queueMicrotask(() => callback(null, socket)),
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: 0, // the caller's signal bounds the time
  })
  const path = `${host}:${port}`
  const answer = await client.connect({ path, headers: { host: path }, signal }).catch((error: unknown) => {
    socket.destroy()
    throw signal.aborted
      ? signal.reason
      : new Undelivered('proxy', `no way through the proxy: ${reasonOf(error)}`, error)
  })
  if (answer.statusCode >= 200 && answer.statusCode < 300) return socket
  socket.destroy()
  throw new Undelivered('proxy', `the proxy answered ${answer.statusCode}`)
}

async function dialProxy(proxy: Endpoint, dial: Dial, signal: AbortSignal): Promise<Socket> {
  try {
    return await dial(proxy, signal)
  } catch (error) {
    throw signal.aborted ? error : new Undelivered('unreachable', `the proxy: ${reasonOf(error)}`, error)
  }
}

function authorityOf({ host, port }: HttpProxy): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
