import type { Clock } from '../../lsps/base/clock.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import type { HeldLimits } from '../held/limits.ts'
import type { Entropy } from '../kernel/entropy.ts'
import type { Log } from '../kernel/log.ts'
import type { CircuitKey, LndPort } from '../lnd/port.ts'
import type { Store, Write } from '../store/port.ts'
import type { CallClient } from './absent.ts'
import type { CapacityRule } from './capacity.ts'
import type { EffectDeps } from './effects.ts'
import type { SecondChannelPolicy } from './standing-names.ts'
import type { JitEvent, JitMoney, Sale } from './states.ts'

export type JitDeps = {
  readonly lnd: Pick<LndPort, 'listChannels' | 'forwardingHistory' | 'addAlias' | 'listAliases' | 'disconnectPeer'>
  readonly store: Store
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  readonly openChannel: EffectDeps['openChannel']
  readonly publishFunding: EffectDeps['publishFunding']
  readonly reclaimChannel: EffectDeps['reclaimChannel']
  /** Left out: clients that are away are not called. */
  readonly callClient?: CallClient
  /** Whether this waited for its client, on record, and was never handed on to the sales. Left out: nothing waits. */
  readonly wasNeverHandedOn?: (circuit: CircuitKey) => boolean
  /** Why no further channel is sold to an earlier customer now, beside what the sales say; undefined: it is. */
  readonly rejection: (client: NodeId) => string | undefined
  /** `paid`: how many sales the same commit ends as paid. */
  readonly appendMoney: (money: readonly JitMoney[], paid: number) => readonly Write[]
  readonly recordStep: (scid: Scid, before: Sale, after: Sale, event: JitEvent) => readonly Write[]
  readonly onFatal: (error: unknown) => void
}

export type JitConfig = {
  readonly capacity: CapacityRule
  readonly held: HeldLimits
  readonly maxLiveSales: number
  readonly maxLiveSalesPerPeer: number
  /** The operator lets lnd run without requireinterceptor: it forwards in full what is held when we die (D2). */
  readonly lndResumes: boolean
  readonly secondChannel: SecondChannelPolicy
}
