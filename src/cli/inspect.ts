import type { Config } from '../config/schema.ts'
import { loopbackWarning } from '../config/webhooks.ts'
import { refusedWith } from '../kernel/errors.ts'
import { createLndAdapter, type LndAdapter } from '../lnd/adapter.ts'
import { checkNode } from '../lnd/gate.ts'
import { probePermissions } from '../lnd/permissions.ts'
import type { NodeInfo } from '../lnd/port.ts'
import { checkSlots, countSlots } from '../lnd/slots.ts'
import { enabledFeatures } from './features.ts'
import { thousands } from './format.ts'
import type { Finding } from './render-findings.ts'

/** For all that the doctor asks of lnd. */
const INSPECTION_DEADLINE_MS = 30_000

/**
 * Looks at the node that the config names, without taking its interceptor: that belongs to the daemon.
 * @throws SidecarError when it cannot be reached
 */
export async function inspect(config: Config): Promise<readonly Finding[]> {
  const { socket, cert_path: certPath, macaroon_path: macaroonPath } = config.lnd
  const lnd = createLndAdapter({ socket, certPath, macaroonPath })
  const signal = AbortSignal.timeout(INSPECTION_DEADLINE_MS)
  try {
    const missing = await probePermissions(lnd.connection, enabledFeatures(config), signal)
    // What lnd does not let us see is in the findings already.
    const info = await unlessRefused(lnd.getInfo(signal))
    const slots = await unlessRefused(inspectSlots(lnd, config, signal))
    return [
      ...(info === undefined ? [] : [reached(info, config), ...checkNode(info, gateOptions(config))]),
      ...(missing.length > 0 ? missing : [PERMITTED]),
      ...(slots === undefined ? [] : [slots]),
      ...checkTerms(config),
    ]
  } finally {
    lnd.close()
  }
}

/** bLIP-52: all parts should be held for at least this long, counted from the first. */
const MIN_PART_HOLD_SECONDS = 90

/** What the config allows but wallets do not expect, or nobody should leave so. */
export function checkTerms(config: Config): readonly Finding[] {
  const { lsps2 } = config
  const loopback = loopbackWarning(config)
  return [
    ...(lsps2.enabled ? [...checkHold(lsps2), ...checkRates(lsps2)] : []),
    ...(loopback === undefined ? [] : [{ severity: 'warning', ...loopback } as const]),
    ...(config.webhooks.enabled ? [wayOut(config.webhooks)] : []),
  ]
}

/** What the network around us has to allow; whether it does shows `sluice webhooks test`. */
function wayOut({ delivery: { proxy } }: Config['webhooks']): Finding {
  const what =
    proxy === undefined
      ? 'webhooks are called from this machine: let it reach all hosts of the internet over HTTPS, at port 443 and from 1024 on'
      : `webhooks are called through the proxy ${proxy}, which looks names up: let it refuse your own networks`
  return { severity: 'ok', what }
}

/** Two offers of one rate cost the same once the chain costs more than both floors; then only the first can be sold. */
function checkRates({ offers, tokens, pricing }: Config['lsps2']): readonly Finding[] {
  if (pricing.mode === 'fixed') return []
  const menus = [
    { name: 'lsps2.offers', offers },
    ...tokens.map(({ name, offers: own }) => ({ name: `token ${name}`, offers: own })),
  ]
  return menus.flatMap(({ name, offers: menu }): Finding[] => {
    const twice = menu.find((offer, index) => offer.proportional === menu[index - 1]?.proportional)
    if (twice === undefined) return []
    const what = `${name}: two offers have ${twice.proportional} ppm; while the chain costs more than both floors, only the first is sold`
    return [{ severity: 'warning', what, fix: 'give each offer a larger `proportional` than the one before' }]
  })
}

function checkHold(lsps2: Config['lsps2']): readonly Finding[] {
  if (lsps2.part_hold_seconds >= MIN_PART_HOLD_SECONDS) return []
  const what = `payments are held for ${lsps2.part_hold_seconds} s only; bLIP-52 asks for at least ${MIN_PART_HOLD_SECONDS}`
  return [{ severity: 'warning', what, fix: `write "part_hold_seconds": ${MIN_PART_HOLD_SECONDS} or leave it out` }]
}

const PERMITTED: Finding = { severity: 'ok', what: 'the macaroon permits every call that is needed' }

async function unlessRefused<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (refusedWith(error, /./)) return undefined
    throw error
  }
}

function gateOptions({ network, lnd, lsps2 }: Config): Parameters<typeof checkNode>[1] {
  return {
    network,
    lsps2: lsps2.enabled,
    acceptFundingDeadlock: lnd.accept_funding_deadlock,
    withoutRequireInterceptor: lsps2.without_require_interceptor === 'accept_lost_fees',
  }
}

function reached({ alias, nodeId, version, network, blockHeight }: NodeInfo, { lnd }: Config): Finding {
  const what = `lnd ${version} at ${lnd.socket} on ${network}, block ${thousands(blockHeight)}: ${alias} ${nodeId}`
  return { severity: 'ok', what }
}

async function inspectSlots(lnd: LndAdapter, config: Config, signal: AbortSignal): Promise<Finding> {
  const [peers, channels, pending] = await Promise.all([
    lnd.listPeers(signal),
    lnd.listChannels(signal),
    lnd.pendingChannels(signal),
  ])
  const withChannel = new Set([...channels, ...pending].map(({ peer }) => peer))
  const slots = countSlots({ peers, withChannel }, config.lnd.restricted_slots)
  const what = `${slots.used} of ${slots.limit} access slots for peers without a channel are taken`
  return checkSlots(slots) ?? { severity: 'ok', what }
}
