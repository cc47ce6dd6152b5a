import { assertNever, go, type Step, stay } from '../../lsps/base/machine.ts'
import type { Batch, BatchEffect, BatchEvent, RefusedMember } from './batch-states.ts'
import type { ChannelOrder } from './states.ts'

/** Orders in one transaction. */
export const MAX_MEMBERS = 50
/** Transactions of one batch that are burnt; after them its orders are refused and may be placed anew. */
export const MAX_ROUNDS = 3

type BatchStep = Step<Batch, BatchEffect>
type In<Tag extends Batch['tag']> = Extract<Batch, { tag: Tag }>
type Heard<Type extends BatchEvent['type']> = Extract<BatchEvent, { type: Type }>

const to = (batch: Batch, effects: readonly BatchEffect[] = []): BatchStep => go<Batch, BatchEffect>(batch, effects)
const refusals = (refused: readonly RefusedMember[]): BatchEffect[] =>
  refused.map((member) => ({ type: 'refuse', ...member }))

/** A new batch: on disk with its orders before lnd hears of it. */
export function gather(id: string, members: readonly ChannelOrder[]): BatchStep {
  return to({ tag: 'gathering', id, round: 0, members: [...members] }, [{ type: 'gather' }])
}

export function isTerminal({ tag }: Batch): boolean {
  return tag === 'done'
}

/**
 * Several orders in one transaction (funding.md, Batch), pure and total. It is signed for only when every channel in it
 * stands: an output to a channel that does not exist would belong to nobody.
 */
export function step(batch: Batch, event: BatchEvent): BatchStep {
  switch (batch.tag) {
    case 'gathering':
      return event.type === 'gathered' ? onGathered(batch, event) : stay(batch, `early: ${event.type}`)
    case 'funded':
      return onFunded(batch, event)
    case 'complete':
      if (event.type !== 'handed-out') return stay(batch, `every channel stands: ${event.type}`)
      return to(done(batch))
    case 'burning':
      return onBurning(batch, event)
    case 'done':
      return stay(batch, `terminal: ${event.type}`)
    default:
      return assertNever(batch)
  }
}

const done = ({ id, round }: Batch): Batch => ({ tag: 'done', id, round })

function onGathered(batch: In<'gathering'>, { placed, psbt, refused }: Heard<'gathered'>): BatchStep {
  const { id, round } = batch
  if (placed.length === 0) return to(done(batch), [...refusals(refused), { type: 'release' }])
  return to({ tag: 'funded', id, round, members: [...placed], psbt }, [...refusals(refused), { type: 'verify' }])
}

function onFunded(batch: In<'funded'>, event: BatchEvent): BatchStep {
  const { id, round, members, psbt } = batch
  switch (event.type) {
    case 'whole':
      return to({ tag: 'complete', id, round, members, psbt }, [{ type: 'hand-out' }])
    case 'thinned':
      return again(
        batch,
        without(
          members.map(({ order }) => order),
          event.refused,
        ),
        event.refused,
      )
    case 'broken': {
      const left = without(
        members.map(({ order }) => order),
        event.refused,
      )
      const standing = members.filter(({ order }) => event.standing.includes(order.pendingChannelId))
      if (standing.length === 0) return again(batch, left, event.refused)
      return to({ tag: 'burning', id, round, stage: 'discarding', members: [...left], standing, psbt, attempt: 0 }, [
        ...refusals(event.refused),
        { type: 'discard' },
      ])
    }
    default:
      return stay(batch, `its peers are signing: ${event.type}`)
  }
}

function onBurning(batch: In<'burning'>, event: BatchEvent): BatchStep {
  const { stage, round, members, attempt } = batch
  if (event.type === 'discarded' && stage === 'discarding')
    return to({ ...batch, stage: 'burning' }, [{ type: 'burn' }])
  if (stage === 'discarding') return stay(batch, `channels stand yet: ${event.type}`)
  if (event.type === 'burn-failed') return to({ ...batch, attempt: attempt + 1 }, [{ type: 'burn' }])
  if (event.type !== 'burnt') return stay(batch, `being burnt: ${event.type}`)
  const next = { ...batch, round: round + 1 }
  if (next.round < MAX_ROUNDS) return again(next, members, [])
  const detail = 'its batch lost a member too often'
  const refused = members.map(({ pendingChannelId }) => ({ pendingChannelId, reason: 'failed' as const, detail }))
  return again(next, [], refused)
}

/** Those that are left are opened with another transaction. */
function again(batch: Batch, members: readonly ChannelOrder[], refused: readonly RefusedMember[]): BatchStep {
  const { id, round } = batch
  if (members.length === 0) return to(done(batch), [...refusals(refused), { type: 'release' }])
  return to({ tag: 'gathering', id, round, members: [...members], again: true }, [
    ...refusals(refused),
    { type: 'gather' },
  ])
}

function without(members: readonly ChannelOrder[], refused: readonly RefusedMember[]): readonly ChannelOrder[] {
  const out = new Set(refused.map(({ pendingChannelId }) => pendingChannelId))
  return members.filter(({ pendingChannelId }) => !out.has(pendingChannelId))
}
