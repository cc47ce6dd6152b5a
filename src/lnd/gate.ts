import type { NodeInfo } from './port.ts'

/** Something about the node that stands in the way, with the exact way to change it. */
export type Finding = {
  /** Stable name, for whoever treats one finding specially. */
  readonly id: string
  /** error: the daemon must not serve. warning: it may, and the operator should know. */
  readonly severity: 'error' | 'warning'
  readonly what: string
  readonly fix: string
}

export type GateOptions = {
  /** The network of the config, in lnd's words. */
  readonly network: string
  readonly lsps2: boolean
  readonly acceptFundingDeadlock: boolean
  /** The operator accepts lost fees (decisions D2). */
  readonly withoutRequireInterceptor: boolean
}

export type Version = { readonly major: number; readonly minor: number; readonly patch: number; readonly rc: boolean }

/** Below: a failing RESUME_MODIFIED strands the HTLC (decisions D3). */
const MINIMUM = version(0, 20, 2)
/** Has that fault again, although it is newer. */
const REFUSED = version(0, 21, 0)
/** From here on a PSBT verify/cancel deadlock (lnd #11008) is fixed; all tests run on it. */
export const RECOMMENDED = version(0, 21, 3)

/** BOLT 9 bits: the even (required) and odd (optional) one of each pair mean the same here. */
const ZERO_CONF = [50, 51]
const SCID_ALIAS = [46, 47]
/** LSPS0: how wallets that look for an LSP find one. */
const LSP_BITS = [728, 729]

/** Pure: what has to change before the daemon can serve on this node. */
export function checkNode(info: NodeInfo, options: GateOptions): readonly Finding[] {
  const lsps2 = options.lsps2 ? [...checkFeatures(info), ...checkInterceptor(info, options)] : []
  return [...checkNetwork(info, options), ...checkVersion(info, options), ...checkSync(info), ...lsps2]
}

function checkNetwork(info: NodeInfo, { network }: GateOptions): readonly Finding[] {
  if (info.network === network) return []
  return [
    error(
      'network',
      `lnd runs on ${info.network}, the config says ${network}`,
      `write "network": "${info.network}" in the config, or point lnd.socket to your ${network} node`,
    ),
  ]
}

function checkVersion(info: NodeInfo, { acceptFundingDeadlock }: GateOptions): readonly Finding[] {
  const found = parseVersion(info.version)
  const upgrade = `upgrade lnd to v${show(RECOMMENDED)}-beta or newer`
  if (found === undefined) return [error('version', `lnd's version "${info.version}" cannot be read`, upgrade)]
  const name = `lnd ${info.version}`
  if (older(found, MINIMUM) || same(found, REFUSED)) {
    return [error('version', `${name} can lose track of a held payment while it is forwarded`, upgrade)]
  }
  if (older(found, RECOMMENDED)) {
    const what = `${name} has a deadlock (lnd #11008) that can block all channel openings until lnd restarts`
    if (acceptFundingDeadlock) return [warning('funding-deadlock', what, upgrade)]
    return [error('funding-deadlock', what, `${upgrade}, or accept it with "accept_funding_deadlock": true`)]
  }
  if (found.major === RECOMMENDED.major && found.minor === RECOMMENDED.minor) return []
  return [
    warning(
      'version',
      `${name} is of a newer line than this sluice was tested with (${show(RECOMMENDED)})`,
      'look for a newer sluice',
    ),
  ]
}

function checkSync(info: NodeInfo): readonly Finding[] {
  if (info.syncedToChain) return []
  return [
    error(
      'not-synced',
      `lnd is not synced to the chain yet (height ${info.blockHeight})`,
      'wait until `lncli getinfo` shows "synced_to_chain": true',
    ),
  ]
}

function checkFeatures(info: NodeInfo): readonly Finding[] {
  const has = (bits: readonly number[]) => bits.some((bit) => info.features.includes(bit))
  const findings: Finding[] = []
  if (!has(ZERO_CONF)) {
    findings.push(error('zero-conf', 'lnd does not open zero-conf channels', lndConf('protocol.zero-conf=true')))
  }
  if (!has(SCID_ALIAS)) {
    findings.push(
      error('scid-alias', 'lnd does not support channel aliases', lndConf('protocol.option-scid-alias=true')),
    )
  }
  if (!has(LSP_BITS)) {
    const what = 'lnd does not announce the LSP feature (729): wallets that look for one do not see it'
    findings.push(warning('lsp-feature', what, lndConf('protocol.custom-init=729', 'protocol.custom-nodeann=729')))
  }
  return findings
}

function checkInterceptor(info: NodeInfo, { withoutRequireInterceptor }: GateOptions): readonly Finding[] {
  if (info.requireInterceptor) return []
  const what =
    'lnd runs without requireinterceptor: when sluiced stops in the middle of a sale, lnd may forward the payment in ' +
    'full and the fee is lost'
  const fix = lndConf('requireinterceptor=true')
  if (withoutRequireInterceptor) return [warning('require-interceptor', what, fix)]
  const accept = 'or accept it with "without_require_interceptor": "accept_lost_fees" in lsps2'
  return [error('require-interceptor', what, `${fix}, ${accept}`)]
}

function lndConf(...lines: readonly string[]): string {
  return `add ${lines.map((line) => `\`${line}\``).join(' and ')} to lnd.conf and restart lnd`
}

/** Reads `0.21.3-beta`, `v0.21.3-beta.rc1` and the like. */
export function parseVersion(text: string): Version | undefined {
  const match = /^v?(\d+)\.(\d+)\.(\d+)(?:-([\w.]+))?/.exec(text)
  if (match === null) return undefined
  const [, major, minor, patch, label = ''] = match
  return { major: Number(major), minor: Number(minor), patch: Number(patch), rc: /rc\d+/.test(label) }
}

function version(major: number, minor: number, patch: number): Version {
  return { major, minor, patch, rc: false }
}

/** A release candidate comes before its release. */
function older(a: Version, b: Version): boolean {
  const difference = a.major - b.major || a.minor - b.minor || a.patch - b.patch
  return difference < 0 || (difference === 0 && a.rc && !b.rc)
}

function same(a: Version, b: Version): boolean {
  return a.major === b.major && a.minor === b.minor && a.patch === b.patch
}

function show({ major, minor, patch }: Version): string {
  return `${major}.${minor}.${patch}`
}

function error(id: string, what: string, fix: string): Finding {
  return { id, severity: 'error', what, fix }
}

function warning(id: string, what: string, fix: string): Finding {
  return { id, severity: 'warning', what, fix }
}
