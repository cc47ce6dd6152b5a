import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

declare const brand: unique symbol

/** An IP address that may be connected to, as `judgeAddress` wrote it: nothing else is ever dialed. */
export type SafeAddress = string & { readonly [brand]: 'safe-address' }

/** Of the machine's own, only the loopback addresses can be allowed, and only for regtest. */
export type Loopback = 'refused' | 'allowed'

export type AddressRules = {
  readonly loopback: Loopback
  /**
   * Addresses of this machine, in any notation. A firewall lets the machine reach itself, so that its public address
   * leads to what only it may reach, such as the RPC of the node.
   */
  readonly own: readonly string[]
}

/** The address to dial, or the name of the range for which it is refused. */
export type JudgedAddress = { readonly safe: SafeAddress } | { readonly refused: string }

/** By prefix: what is not a public host of the internet, from the special-purpose registries of IANA and from clouds. */
export const FORBIDDEN_IPV4: readonly (readonly [prefix: string, range: string])[] = [
  ['0.0.0.0/8', 'this network'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'carrier-grade NAT'], // with 100.100.100.200, the metadata of Alibaba Cloud
  ['127.0.0.0/8', 'loopback'],
  ['168.63.129.16/32', 'metadata of Azure'],
  ['169.254.0.0/16', 'link-local'], // with 169.254.169.254, the metadata of most clouds
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'protocol assignments'], // with 192.0.0.192, the metadata of Oracle Cloud
  ['192.0.2.0/24', 'documentation'],
  ['192.31.196.0/24', 'AS112'],
  ['192.52.193.0/24', 'automatic multicast tunneling'],
  ['192.88.99.0/24', '6to4 relay'],
  ['192.168.0.0/16', 'private'],
  ['192.175.48.0/24', 'AS112'],
  ['198.18.0.0/15', 'benchmarking'],
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'], // with the broadcast address
]

/** The only part of IPv6 that is handed out to public hosts. */
export const GLOBAL_IPV6 = '2000::/3'

/**
 * The same for IPv6. Whatever carries an IPv4 address within is refused, be that one public or not: no honest host needs
 * it, and a gateway would unwrap it. Those outside `GLOBAL_IPV6` are here for their names.
 */
export const FORBIDDEN_IPV6: readonly (readonly [prefix: string, range: string])[] = [
  ['::/128', 'unspecified'],
  ['::1/128', 'loopback'],
  ['::ffff:0:0/96', 'IPv4-mapped'],
  ['::/96', 'IPv4-compatible'],
  ['::ffff:0:0:0/96', 'IPv4-translated'],
  ['64:ff9b::/96', 'NAT64'],
  ['64:ff9b:1::/48', 'NAT64'],
  ['100::/64', 'discard'],
  ['100:0:0:1::/64', 'dummy prefix'],
  ['2001::/32', 'Teredo'],
  ['2001::/23', 'protocol assignments'], // with benchmarking, 2001:2::/48, and ORCHID
  ['2001:db8::/32', 'documentation'],
  ['2002::/16', '6to4'],
  ['2620:4f:8000::/48', 'AS112'],
  ['3ffe::/16', '6bone'],
  ['3fff::/20', 'documentation'],
  ['5f00::/16', 'segment routing'],
  ['fc00::/7', 'unique local'], // with fd00:ec2::254 and fd20:ce::254, the metadata of AWS and Google
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'site-local'],
  ['ff00::/8', 'multicast'],
]

type Prefix = { readonly network: readonly [ipaddr.IPv4 | ipaddr.IPv6, number]; readonly range: string }

const IPV4 = prefixes(FORBIDDEN_IPV4)
const IPV6 = prefixes(FORBIDDEN_IPV6)
const GLOBAL = ipaddr.parseCIDR(GLOBAL_IPV6)
const LOOPBACK = [ipaddr.parseCIDR('127.0.0.0/8'), ipaddr.parseCIDR('::1/128')]

/** Where the interface identifier of an ISATAP address says so (RFC 5214); an IPv4 address follows. */
const ISATAP = { group: 5, value: 0x5efe, before: [0x0000, 0x0200] }

/** Whether an address may be connected to. Anything that is not an IP address in full notation may not. */
export function judgeAddress(text: string, { loopback, own }: AddressRules): JudgedAddress {
  if (isIP(text) === 0 || text.includes('%')) return { refused: 'not an IP address' }
  const address = ipaddr.parse(text)
  const plain = address.toString()
  if (loopback === 'allowed' && LOOPBACK.some((network) => isWithin(address, network))) return safe(plain)
  const range = forbiddenRange(address)
  if (range !== undefined) return { refused: range }
  if (own.some((other) => isSame(plain, other))) return { refused: 'an address of this machine' }
  return safe(plain)
}

function safe(plain: string): JudgedAddress {
  return { safe: plain as SafeAddress }
}

function forbiddenRange(address: ipaddr.IPv4 | ipaddr.IPv6): string | undefined {
  const table = address.kind() === 'ipv4' ? IPV4 : IPV6
  const found = table.find(({ network }) => isWithin(address, network))
  if (found !== undefined) return found.range
  if (!('parts' in address)) return undefined
  if (!isWithin(address, GLOBAL)) return 'not a public range'
  return isIsatap(address.parts) ? 'ISATAP' : undefined
}

function isIsatap(groups: readonly number[]): boolean {
  return groups[ISATAP.group] === ISATAP.value && ISATAP.before.includes(groups[ISATAP.group - 1] ?? 0)
}

/** Of another family: never. */
function isWithin(address: ipaddr.IPv4 | ipaddr.IPv6, [network, bits]: Prefix['network']): boolean {
  return address.kind() === network.kind() && address.match(network, bits)
}

function isSame(plain: string, other: string): boolean {
  const bare = other.split('%')[0] ?? ''
  return isIP(bare) !== 0 && ipaddr.parse(bare).toString() === plain
}

function prefixes(table: readonly (readonly [prefix: string, range: string])[]): readonly Prefix[] {
  return table.map(([prefix, range]) => ({ network: ipaddr.parseCIDR(prefix), range }))
}
