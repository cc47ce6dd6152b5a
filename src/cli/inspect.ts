import type { Config } from '../config/schema.ts'
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
    const info = await lnd.getInfo(signal)
    return [
      reached(info, socket),
      ...checkNode(info, gateOptions(config)),
      ...(await inspectSlots(lnd, config, signal)),
    ]
  } finally {
    lnd.close()
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

function reached({ alias, nodeId, version, network, blockHeight }: NodeInfo, socket: string): Finding {
  const what = `lnd ${version} at ${socket} on ${network}, block ${thousands(blockHeight)}: ${alias} ${nodeId}`
  return { severity: 'ok', what }
}

async function inspectPermissions(lnd: LndAdapter, config: Config, signal: AbortSignal): Promise<readonly Finding[]> {
  const missing = await probePermissions(lnd.connection, enabledFeatures(config), signal)
  return missing.length > 0 ? missing : [{ severity: 'ok', what: 'the macaroon permits every call that is needed' }]
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
