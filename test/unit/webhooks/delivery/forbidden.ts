import { BlockList, isIPv6 } from 'node:net'

/** A second reading of the registries of IANA and of what clouds document; nothing in it comes from the daemon. */
export const FORBIDDEN: readonly (readonly [network: string, bits: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 3], // with everything that embeds IPv4 below 2000::, and loopback
  ['2001::', 23], // Teredo, benchmarking, ORCHID
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3ffe::', 16],
  ['3fff::', 20],
  ['4000::', 2],
  ['8000::', 1], // with unique local, link-local, site-local, multicast
]

/** One for each family: a list also compares an IPv4 address, mapped, with its IPv6 networks. */
const lists = { ipv4: new BlockList(), ipv6: new BlockList() }
for (const [network, bits] of FORBIDDEN) lists[family(network)].addSubnet(network, bits, family(network))

export function isForbidden(address: string): boolean {
  return lists[family(address)].check(address, family(address))
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4'
}
