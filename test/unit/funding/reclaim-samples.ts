import { ask } from '../../../src/funding/reclaim-machine.ts'
import type { Reclaim, ReclaimEvent, ReclaimTerms } from '../../../src/funding/reclaim-states.ts'
import { ORDER, OUTPOINT } from './samples.ts'

export const SINCE = 800_000
export const KEEP: ReclaimTerms = { withinBlocks: 10, afterwards: 'keep' }
export const FORCE: ReclaimTerms = { withinBlocks: 10, afterwards: 'force' }

type In<Tag extends Reclaim['tag']> = Extract<Reclaim, { tag: Tag }>

const channel = { order: ORDER, outpoint: OUTPOINT }
export const asked = (how: 'cooperative' | 'force' = 'cooperative'): In<'asked'> => ({
  tag: 'asked',
  ...channel,
  terms: KEEP,
  how,
  since: SINCE,
})
export const justAsked = (): Reclaim => ask(ORDER, OUTPOINT, KEEP).state
export const waiting = (terms: ReclaimTerms = KEEP): In<'waiting'> => ({
  tag: 'waiting',
  ...channel,
  terms,
  since: SINCE,
})
export const closing = (): In<'closing'> => ({ tag: 'closing', ...channel })
export const closed = (): In<'closed'> => ({ tag: 'closed', ...channel })
export const kept = (reason: In<'kept'>['reason'] = 'client-away'): In<'kept'> => ({ tag: 'kept', ...channel, reason })

type Heard<Type extends ReclaimEvent['type']> = Extract<ReclaimEvent, { type: Type }>

export const block = (height: number, peer: 'there' | 'away'): Heard<'block'> => ({ type: 'block', height, peer })
export const notNow: Heard<'not-now'> = { type: 'not-now' }
export const inUse: Heard<'in-use'> = { type: 'in-use' }
export const promised: Heard<'promised'> = { type: 'promised' }
export const closingNow: Heard<'closing'> = { type: 'closing' }
export const closedNow: Heard<'closed'> = { type: 'closed' }
