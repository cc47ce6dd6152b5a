import type { Sat } from '../../lsps/base/amount.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Outpoint } from '../lnd/port.ts'

/** Which of the wallet's coins pay for a channel, and how many confirmations each of them must have. */
export type OpeningCoins = { readonly inputs: readonly Outpoint[]; readonly minConfs: number }

/** A channel that somebody wants to open, in the words of no feature. */
export type Wanted = {
  /** Names the opening for ever: its pending channel id. */
  readonly id: string
  /** Who asked, and whose fee pays for it: an id within its feature. */
  readonly owner: string
  readonly peer: NodeId
  /** The token that the customer bought with; empty without one. */
  readonly token: string
  readonly capacity: Sat
  readonly satPerVbyte: number
  /**
   * `at-once`: its funding is published as soon as the channel stands, so its chain fee is spent before anything is
   * earned. `when-due`: it is published after the fee came in.
   */
  readonly broadcast: 'at-once' | 'when-due'
}

/** An opening that was decided, as the funding service has it on disk. */
export type Opening = Wanted & {
  /** Undefined: lnd selects them. */
  readonly coins: OpeningCoins | undefined
  /**
   * `decided`: lnd has not locked its coins yet, or nobody has that on disk. `locked`: it has. `ended`: its transaction
   * is in the chain, the channel is one of the node's. `nothing`: no channel, no transaction, no coins.
   */
  readonly stage: 'decided' | 'locked' | 'ended' | 'nothing'
  /** Its transaction may reach the chain: from here on the chain fee counts as spent. */
  readonly spends: boolean
  /** Unix time in ms; undefined for what an older sluice placed. */
  readonly placedAt: number | undefined
}

/** Why nothing is opened. Every one of them may pass with time. */
export type RefusalReason = 'no-coins' | 'peer-cap' | 'token-cap' | 'total-cap' | 'budget'
export type Refused = { readonly reason: RefusalReason; readonly detail: string }
