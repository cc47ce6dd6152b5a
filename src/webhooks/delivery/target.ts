import { isIP } from 'node:net'
import type { Loopback } from './addresses.ts'

/** LSPS5: longer URLs are not even registered (L5-03). */
const MAX_URL_LENGTH = 1024
const MAX_NAME_LENGTH = 253
const HTTPS_PORT = 443
/** Below it, besides 443, stand services that act on whatever bytes they read: mail, terminals, printers. */
const LEAST_OTHER_PORT = 1024
const MOST_PORT = 65_535

/** Where a notification goes. */
export type Target = {
  /** A DNS name in lower case, or an IP address without brackets. */
  readonly host: string
  readonly hostKind: 'name' | 'address'
  readonly port: number
  /** What connections are kept for: `https://host`, and the port unless it is 443. */
  readonly origin: string
  /** Path and query, byte for byte as the wallet wrote them: they carry its token (L5-49). Never to be logged. */
  readonly path: string
}

export type TargetRules = {
  readonly loopback: Loopback
  /** `by-name`: who connects is a proxy that looks the host up by itself, so that no address can be checked here. */
  readonly reached: 'by-address' | 'by-name'
}

/** The target, or why nothing is sent there: half a sentence that does not repeat the URL. */
export type JudgedUrl = { readonly target: Target } | { readonly refused: string }

const VISIBLE = /^[\x21-\x7e]*$/
const PARTS = /^https:\/\/([^/?#\\]*)([^#]*)/i
const AUTHORITY = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::([1-9]\d{0,4}))?$/i
/** RFC 1738: labels of letters, digits and dashes; the last one starts with a letter. */
const NAME = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const LOOPBACK_NAME = 'localhost'

/**
 * Names that lead nowhere, or into somebody's own network: reserved by RFC 6761, 6762, 7686, 8375, 9476 and ICANN, or
 * in use in homes, companies and clouds. Their addresses would be refused too; where a proxy looks names up this is all.
 */
const PRIVATE_SUFFIXES = [
  'localhost',
  'localdomain',
  'local',
  'internal', // with metadata.google.internal
  'intranet',
  'private',
  'corp',
  'home',
  'lan',
  'test',
  'example',
  'invalid',
  'onion',
  'alt',
  'arpa', // with home.arpa
]

/**
 * Reads a URL by the grammar of RFC 1738 and nothing beyond it. A browser makes `127.0.0.1` of `2130706433`, `0x7f.1` or
 * `１２７。0.0.1`; here these are no hosts at all, so that what is checked is what was written.
 */
export function judgeUrl(url: string, rules: TargetRules): JudgedUrl {
  if (url.length > MAX_URL_LENGTH) return { refused: `longer than ${MAX_URL_LENGTH} characters` }
  if (!VISIBLE.test(url)) return { refused: 'contains other characters than visible ASCII' }
  const [, authority, path = ''] = PARTS.exec(url) ?? []
  if (authority === undefined) return { refused: 'not an https URL' }
  if (authority.includes('@')) return { refused: 'contains a user name or password' }
  if (path.startsWith('\\')) return { refused: 'not an https URL' }
  const [, written, digits] = AUTHORITY.exec(authority) ?? []
  if (written === undefined) return { refused: 'its host is not written as RFC 1738 says' }
  const port = digits === undefined ? HTTPS_PORT : Number(digits)
  if (!isAllowedPort(port))
    return { refused: `port ${port} is neither ${HTTPS_PORT} nor above ${LEAST_OTHER_PORT - 1}` }
  const refused = refusedHost(written.toLowerCase(), rules)
  if (refused !== undefined) return { refused }
  const { origin, hostname } = new URL(`https://${written}:${port}`)
  const host = hostname.replace(/^\[|\]$/g, '')
  const hostKind = isIP(host) === 0 ? 'name' : 'address'
  return { target: { host, hostKind, port, origin, path: path.startsWith('/') ? path : `/${path}` } }
}

function isAllowedPort(port: number): boolean {
  return port === HTTPS_PORT || (port >= LEAST_OTHER_PORT && port <= MOST_PORT)
}

function refusedHost(host: string, rules: TargetRules): string | undefined {
  const isBracketed = host.startsWith('[')
  if (isIP(isBracketed ? host.slice(1, -1) : host) === (isBracketed ? 6 : 4)) return refusedLiteral(rules)
  return isBracketed ? 'its host is not a full DNS name' : refusedName(host, rules)
}

/** Its range is for `judgeAddress` to judge, before it is dialed. */
function refusedLiteral({ reached }: TargetRules): string | undefined {
  return reached === 'by-name' ? 'its host is an IP address, which a proxy is not asked for' : undefined
}

function refusedName(name: string, { loopback, reached }: TargetRules): string | undefined {
  if (name === LOOPBACK_NAME && loopback === 'allowed' && reached === 'by-address') return undefined
  if (PRIVATE_SUFFIXES.some((suffix) => name === suffix || name.endsWith(`.${suffix}`))) {
    return 'its host is a name of private networks'
  }
  if (name.length > MAX_NAME_LENGTH || !NAME.test(name)) return 'its host is not a full DNS name'
  // The libraries below read URLs as browsers do: what they would not read, or read otherwise, is not given to them.
  const url = `https://${name}/`
  if (!URL.canParse(url) || new URL(url).hostname !== name) return 'its host is not a full DNS name'
  return undefined
}
