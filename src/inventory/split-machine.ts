import { assertNever, go, type Step, stay } from '../../lsps/base/machine.ts'
import type { Split, SplitEffect, SplitEvent, SplitPlan } from './split-states.ts'

type SplitStep = Step<Split, SplitEffect>

const to = (split: Split, effects: readonly SplitEffect[] = []): SplitStep => go<Split, SplitEffect>(split, effects)

/** A new split: on disk before lnd hears of it. */
export function planned(plan: SplitPlan): SplitStep {
  return to({ tag: 'planned', plan }, [{ type: 'fund' }])
}

export function isSplitOver(split: Split): boolean {
  return split.tag === 'done' || split.tag === 'dropped'
}

/** Pure and total. One transaction is signed at most: its outpoints are on disk before its signature exists. */
export function stepSplit(split: Split, event: SplitEvent): SplitStep {
  const { plan } = split
  switch (split.tag) {
    case 'planned':
      if (event.type === 'funded') return to({ tag: 'funded', plan, psbt: event.psbt }, [{ type: 'sign' }])
      if (event.type === 'refused') return to({ tag: 'dropped', plan, why: event.why }, [{ type: 'release' }])
      return stay(split, `early: ${event.type}`)
    case 'funded':
      if (event.type !== 'signed') return stay(split, `not signed yet: ${event.type}`)
      return to({ tag: 'signed', plan, raw: event.raw, txid: event.txid }, [{ type: 'publish' }])
    case 'signed':
      if (event.type === 'confirmed') return to({ tag: 'done', plan, txid: split.txid })
      if (event.type !== 'conflicted') return stay(split, `already signed: ${event.type}`)
      return to({ tag: 'dropped', plan, why: `a coin was spent by ${event.spentBy}` }, [{ type: 'release' }])
    case 'done':
    case 'dropped':
      return stay(split, `terminal: ${event.type}`)
    default:
      return assertNever(split)
  }
}
