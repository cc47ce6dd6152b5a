import { assertNever, go, type Step, stay } from '../../lsps/base/machine.ts'
import type { KeptReason, Reclaim, ReclaimEffect, ReclaimEvent, ReclaimTerms } from './reclaim-states.ts'
import type { ChannelOrder } from './states.ts'

type In<Tag extends Reclaim['tag']> = Extract<Reclaim, { tag: Tag }>
type Next = Step<Reclaim, ReclaimEffect>

/** The decision to take a channel back: persisted before the peer is asked to close. */
export function ask(order: ChannelOrder, outpoint: string, terms: ReclaimTerms): Next {
  return attempt({ order, outpoint, terms }, 'cooperative')
}

/** Pure and total. A peer that is away is tried again at each block, and forced only if the terms say so. */
export function step(reclaim: Reclaim, event: ReclaimEvent): Next {
  switch (reclaim.tag) {
    case 'asked':
    case 'waiting':
      return onOpen(reclaim, event)
    case 'closing':
      return event.type === 'closed' ? end(reclaim) : stay(reclaim, `closing: ${event.type}`)
    case 'closed':
    case 'kept':
      return stay(reclaim, `terminal: ${event.type}`)
    default:
      return assertNever(reclaim)
  }
}

export function isTerminal({ tag }: Reclaim): boolean {
  return tag === 'closed' || tag === 'kept'
}

function onOpen(reclaim: In<'asked' | 'waiting'>, event: ReclaimEvent): Next {
  const { order, outpoint, terms, since } = reclaim
  switch (event.type) {
    case 'block':
      return onBlock(reclaim, event)
    case 'not-now': {
      if (reclaim.tag === 'waiting') return stay(reclaim, 'already waiting')
      const waiting = { tag: 'waiting', order, outpoint, terms, ...(since === undefined ? {} : { since }) } as const
      return go<Reclaim, ReclaimEffect>(waiting)
    }
    case 'in-use':
    case 'promised':
      return keep(reclaim, event.type)
    case 'closing':
      return go<Reclaim, ReclaimEffect>({ tag: 'closing', order, outpoint })
    case 'closed':
      return end(reclaim)
    default:
      return assertNever(event)
  }
}

function onBlock(reclaim: In<'asked' | 'waiting'>, { height, peer }: Extract<ReclaimEvent, { type: 'block' }>): Next {
  const { terms, since } = reclaim
  if (since === undefined) return go<Reclaim, ReclaimEffect>({ ...reclaim, since: height })
  if (reclaim.tag === 'asked') return stay(reclaim, 'an attempt is under way')
  const over = height - since >= terms.withinBlocks
  if (!over) return peer === 'there' ? attempt(reclaim, 'cooperative') : stay(reclaim, 'the peer is away')
  return terms.afterwards === 'force' ? attempt(reclaim, 'force') : keep(reclaim, 'client-away')
}

function attempt(
  channel: Pick<In<'waiting'>, 'order' | 'outpoint' | 'terms' | 'since'>,
  how: 'cooperative' | 'force',
): Next {
  const { order, outpoint, terms, since } = channel
  const asked = { tag: 'asked', order, outpoint, terms, how, ...(since === undefined ? {} : { since }) } as const
  return go<Reclaim, ReclaimEffect>(asked, [{ type: 'close' }])
}

function keep({ order, outpoint }: Reclaim, reason: KeptReason): Next {
  return go<Reclaim, ReclaimEffect>({ tag: 'kept', order, outpoint, reason }, [{ type: 'notify-kept' }])
}

function end({ order, outpoint }: Reclaim): Next {
  return go<Reclaim, ReclaimEffect>({ tag: 'closed', order, outpoint }, [{ type: 'notify-closed' }])
}
