import { Resolver } from 'node:dns/promises'

/** For one question to one name server; each is asked twice. */
const QUERY_TIMEOUT_MS = 1_000
const QUERY_TRIES = 2

/** RFC 6761: never asked of a name server. It gets here only where loopback is allowed. */
const LOOPBACK_NAME = 'localhost'
const LOOPBACK_ADDRESSES = ['127.0.0.1', '::1']

/** All addresses of a name, as text. The caller bounds the time. Rejects when there is none. */
export type Resolve = (name: string) => Promise<readonly string[]>

/**
 * Asks the machine's name servers, over sockets. (`dns.lookup` would wait in one of the four threads that the database
 * works in: four names whose servers say nothing would stop every commit.) `/etc/hosts` is not read.
 */
export function systemResolver(): Resolve {
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES })
  return async (name) => {
    if (name === LOOPBACK_NAME) return LOOPBACK_ADDRESSES
    const [ipv4, ipv6] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    const found = [ipv4, ipv6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    if (found.length > 0) return found
    throw ipv4.status === 'rejected' ? ipv4.reason : new Error('no address')
  }
}
