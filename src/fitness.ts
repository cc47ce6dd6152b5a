import type { Clock } from '../lsps/base/clock.ts'
import type { Config } from './config/schema.ts'
import { loopbackWarning } from './config/webhooks.ts'
import { delayAfter, STREAM_BACKOFF } from './kernel/backoff.ts'
import { SidecarError } from './kernel/errors.ts'
import type { Log } from './kernel/log.ts'
import { checkNode, type Finding } from './lnd/gate.ts'
import type { LndPort, NodeInfo } from './lnd/port.ts'

/** What the node lacks for what is enabled, and what of the config nobody should overlook. */
export function checkConfigured(info: NodeInfo, config: Config): readonly Finding[] {
  const loopback = loopbackWarning(config)
  const own: readonly Finding[] =
    loopback === undefined ? [] : [{ id: 'webhooks-loopback', severity: 'warning', ...loopback }]
  const ofNode = checkNode(info, {
    network: config.network,
    lsps2: config.lsps2.enabled,
    acceptFundingDeadlock: config.lnd.accept_funding_deadlock,
    withoutRequireInterceptor: config.lsps2.without_require_interceptor === 'accept_lost_fees',
  })
  return [...ofNode, ...own]
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

export type WaitDeps = { readonly lnd: Pick<LndPort, 'getInfo'>; readonly clock: Clock; readonly log: Log }

/** lnd may start after us, or restart while we start: wait for it, saying so. */
export async function waitForNode({ lnd, clock, log }: WaitDeps, signal: AbortSignal): Promise<NodeInfo> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await lnd.getInfo(signal)
    } catch (error) {
      if (signal.aborted || !(error instanceof SidecarError && error.retryable)) throw error
      const retryMs = delayAfter(failures, STREAM_BACKOFF, 0)
      log.warn({ retryMs, err: error }, 'waiting for lnd')
      await clock.sleep(retryMs, signal)
    }
  }
}
