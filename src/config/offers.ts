import type { Msat, Ppm } from '../../lsps/base/amount.ts'

type OfferTerms = {
  readonly min_fee_msat: Msat
  readonly proportional: Ppm
  readonly min_payment_size_msat: Msat
  readonly max_payment_size_msat: Msat
}

export type OffersProblem = {
  readonly path: readonly (string | number)[]
  readonly input: unknown
  readonly fix: string
}

/** The first reason why these offers cannot be a menu: L2-05 (order) and L2-07 (sizes). */
export function offersProblem(offers: readonly OfferTerms[]): OffersProblem | undefined {
  for (const [index, offer] of offers.entries()) {
    const problem = sizesProblem(offer, index) ?? orderProblem(offers[index - 1], offer, index)
    if (problem !== undefined) return problem
  }
  return undefined
}

function sizesProblem(offer: OfferTerms, index: number): OffersProblem | undefined {
  const { min_fee_msat: fee, min_payment_size_msat: min, max_payment_size_msat: max } = offer
  if (min <= fee) {
    const fix = `write more than ${fee}, the min_fee_msat of this offer: a smaller payment could not pay the fee`
    return { path: [index, 'min_payment_size_msat'], input: min, fix }
  }
  if (max >= min) return undefined
  return { path: [index, 'max_payment_size_msat'], input: max, fix: `write at least ${min}, the min_payment_size_msat` }
}

function orderProblem(before: OfferTerms | undefined, offer: OfferTerms, index: number): OffersProblem | undefined {
  if (before === undefined) return undefined
  if (offer.min_fee_msat < before.min_fee_msat) {
    const fix = `write at least ${before.min_fee_msat}, as in the offer before: fees may not fall down the menu`
    return { path: [index, 'min_fee_msat'], input: offer.min_fee_msat, fix }
  }
  if (offer.proportional < before.proportional) {
    const fix = `write at least ${before.proportional}, as in the offer before: fees may not fall down the menu`
    return { path: [index, 'proportional'], input: offer.proportional, fix }
  }
  if (offer.min_fee_msat > before.min_fee_msat || offer.proportional > before.proportional) return undefined
  return {
    path: [index, 'proportional'],
    input: offer.proportional,
    fix: 'raise this or min_fee_msat: both are as in the offer before, and each offer must cost more than the last',
  }
}
