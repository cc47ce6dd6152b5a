import { BlockList, isIP, isIPv6 } from 'node:net'

/** Of an IPv6 address, what providers give to one customer: whoever has one address of it has all. */
const CUSTOMER_GROUPS = 4
const GROUPS = 8
/** IPv4 written as IPv6, as sockets that listen on both tell it. */
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** Who sent a request, or that it is not for us to believe anybody who did. */
export type Sender = { readonly address: string } | { readonly refused: string }

/**
 * Whose request it is. Only the trusted proxy is believed about others, and of what it passes on only the last entry,
 * which it wrote itself: all before that is what the caller said. Without TLS nobody but the proxy is served.
 */
export function senderOf({
  remote,
  forwardedFor,
  trustedProxy,
  encrypted,
}: {
  /** Of the connection; undefined when it is gone. */
  readonly remote: string | undefined
  /** The header, every line of it. */
  readonly forwardedFor: string | readonly string[] | undefined
  readonly trustedProxy: string | undefined
  readonly encrypted: 'yes' | 'no'
}): Sender {
  const peer = plain(remote ?? '')
  if (isIP(peer) === 0) return { refused: 'the connection is gone' }
  if (trustedProxy === undefined || !sameAddress(peer, trustedProxy)) {
    return encrypted === 'yes' ? { address: network(peer) } : { refused: 'only over TLS' }
  }
  const told = [forwardedFor ?? []].flat().join().split(',').at(-1)?.trim() ?? ''
  // It names nobody, such as when it asks for itself: then it is the caller.
  if (told === '') return { address: network(peer) }
  const forwarded = plain(withoutPort(told))
  return isIP(forwarded) === 0 ? { refused: 'the proxy does not tell an address' } : { address: network(forwarded) }
}

/** What counts as one caller: an IPv4 address, or the first 64 bits of an IPv6 address. */
export function network(address: string): string {
  if (!isIPv6(address)) return address
  return `${groupsOf(address).slice(0, CUSTOMER_GROUPS).join(':')}::/64`
}

export function sameAddress(one: string, other: string): boolean {
  const list = new BlockList()
  const [a, b] = [plain(one), plain(other)]
  list.addAddress(a, isIPv6(a) ? 'ipv6' : 'ipv4')
  return list.check(b, isIPv6(b) ? 'ipv6' : 'ipv4')
}

function plain(address: string): string {
  const unscoped = address.split('%')[0] ?? ''
  return MAPPED.exec(unscoped)?.[1] ?? unscoped
}

/** Some proxies write the port too: `203.0.113.5:1234`, `[2001:db8::1]:1234`. */
function withoutPort(text: string): string {
  return /^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1] ?? text
}

/** The eight groups of an IPv6 address, without leading zeros. */
function groupsOf(address: string): readonly string[] {
  const [before = '', after] = hexOnly(address).toLowerCase().split('::')
  const head = before === '' ? [] : before.split(':')
  const tail = after === undefined || after === '' ? [] : after.split(':')
  const zeros = Array<string>(Math.max(0, GROUPS - head.length - tail.length)).fill('0')
  return [...head, ...zeros, ...tail].map((group) => group.replace(/^0+(?=.)/, ''))
}

/** `64:ff9b::192.0.2.1` ends in four decimal bytes. */
function hexOnly(address: string): string {
  const [, head = '', ...bytes] = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address) ?? []
  if (bytes.length === 0) return address
  const [a = 0, b = 0, c = 0, d = 0] = bytes.map(Number)
  return `${head}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
}
