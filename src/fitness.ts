import type { Config } from './config/schema.ts'
import { SidecarError } from './kernel/errors.ts'
import type { Log } from './kernel/log.ts'
import { checkNode, type Finding } from './lnd/gate.ts'
import type { NodeInfo } from './lnd/port.ts'

/** What the node lacks for what is enabled. */
export function checkConfigured(info: NodeInfo, config: Config): readonly Finding[] {
  return checkNode(info, {
    network: config.network,
    lsps2: config.lsps2.enabled,
    acceptFundingDeadlock: config.lnd.accept_funding_deadlock,
    withoutRequireInterceptor: config.lsps2.without_require_interceptor === 'accept_lost_fees',
  })
}

/** @throws SidecarError `NOT_READY` with each finding that no start can live with; the others are told in the log */
export function refuseUnfit(findings: readonly Finding[], log: Log): void {
  // A node that catches up with the chain still forwards: it needs us now, and opens nothing before it is synced.
  const fatal = ({ severity, id }: Finding) => severity === 'error' && id !== 'not-synced'
  for (const finding of findings) if (!fatal(finding)) log.warn({ fix: finding.fix }, finding.what)
  const errors = findings.filter(fatal)
  if (errors.length === 0) return
  throw new SidecarError({ code: 'NOT_READY', findings: errors.map(({ what, fix }) => `${what}: ${fix}`) })
}
