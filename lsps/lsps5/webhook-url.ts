/**
 * What a URL is made of: unreserved, reserved and escaped characters. Outside the host RFC 1738 has neither brackets nor
 * a tilde, but they are in use and nobody rewrites them; what a URL parser would rewrite is not accepted, since a webhook
 * is called verbatim (L5-49). A fragment is no part of a URL there, and would never reach the wallet's server.
 */
const URL_TEXT = /^(?:[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):/
/** Schemes whose URLs name a host: readers on the web supply missing slashes, RFC 1738 does not (L5-06). */
const WITH_HOST: ReadonlySet<string> = new Set(['https', 'http', 'ftp', 'ws', 'wss'])
const HOST_FOLLOWS = /^[^:]+:\/\/[^/?]/

/** Why a text cannot be a webhook: it is no URL (501), or one of another protocol than https (502). */
export type UrlProblem = 'not-a-url' | 'unsupported-protocol'

/** Undefined for a URL that can be called as it stands (L5-04, L5-05). Where its host leads is judged when it is called. */
export function urlProblem(text: string): UrlProblem | undefined {
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined || !URL_TEXT.test(text)) return 'not-a-url'
  if (WITH_HOST.has(scheme) && !HOST_FOLLOWS.test(text)) return 'not-a-url'
  if (!isReadable(text)) return 'not-a-url'
  return scheme === 'https' ? undefined : 'unsupported-protocol'
}

/** Hosts and ports have rules that only a parser knows: 256.256.256.256, ports above 65535. */
function isReadable(text: string): boolean {
  try {
    return new URL(text).href !== ''
  } catch {
    return false
  }
}
