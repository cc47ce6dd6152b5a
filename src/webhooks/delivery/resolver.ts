import { Resolver } from 'node:dns/promises'

/** For the first question to a name server; the second one waits longer, by the library's rule. */
const QUERY_TIMEOUT_MS = 800
const QUERY_TRIES = 2

/** RFC 6761: never asked of a name server. It gets here only where loopback is allowed. */
const LOOPBACK_NAME = 'localhost'
const LOOPBACK_ADDRESSES = ['127.0.0.1', '::1']

/** All addresses of a name, as text; rejects when there is none, or with the reason of the signal. */
export type Resolve = (name: string, signal: AbortSignal) => Promise<readonly string[]>

/**
 * Asks the machine's name servers (or others: `address:port`), over sockets. `dns.lookup` would wait in one of the four
 * threads that the database works in: four names whose servers say nothing would stop every commit. `/etc/hosts` is not
 * read. Each question has a resolver of its own, which knows the name servers of now and can be given up.
 */
export function systemResolver(servers?: readonly string[]): Resolve {
  return async (name, signal) => {
    signal.throwIfAborted()
    if (name === LOOPBACK_NAME) return LOOPBACK_ADDRESSES
    const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES })
    if (servers !== undefined) resolver.setServers(servers)
    const giveUp = () => resolver.cancel()
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      const [ipv4, ipv6] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
      signal.throwIfAborted()
      const found = [ipv4, ipv6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
      if (found.length > 0) return found
      throw ipv4.status === 'rejected' ? ipv4.reason : new Error('no address')
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }
}
