import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import { verdict } from '../../../src/jit/verdict.ts'
import {
  abandoned,
  awaiting,
  FEE,
  forwarding,
  OTHER,
  opening,
  owed,
  PART,
  paid,
  refusal,
  SIZE,
  unearned,
} from './samples.ts'

const HELD = PART.circuit

describe('the answer to an offered HTLC', () => {
  it.each([
    ['held for a client that is away', awaiting(PART)],
    ['held while the channel is opened', opening()],
    ['held until the alias is bound', forwarding(false)],
  ])('is to hold what is %s', (_, sale) => {
    expect(verdict(sale, HELD)).toEqual({ type: 'hold' })
  })

  it('is the forward less the fee, once the alias is bound', () => {
    const forward = { type: 'resume-modified', amountOut: msat(SIZE - FEE), extraFee: FEE }
    expect(verdict(forwarding(true), HELD)).toEqual(forward)
  })

  it.each([awaiting(), awaiting(PART), opening(), forwarding(true), owed(true)])(
    'is to judge first what the sale has not heard of: $tag',
    (sale) => {
      expect(verdict(sale, OTHER)).toEqual({ type: 'judge' })
    },
  )

  it.each([awaiting(undefined, [refusal(OTHER)]), opening(PART, [refusal(OTHER)])])(
    'is to fail what was refused with temporary_channel_failure: $tag',
    (sale) => {
      expect(verdict(sale, OTHER)).toEqual({ type: 'fail' })
    },
  )

  it('is to resume what was refused with unknown_next_peer while the scid leads nowhere', () => {
    const sale = awaiting(undefined, [refusal(OTHER, 'unknown_next_peer')])
    expect(verdict(sale, OTHER)).toEqual({ type: 'resume' })
  })

  it('is to fail what was refused with unknown_next_peer once the scid may lead to the client', () => {
    const sale = { ...owed(true), refused: [refusal(OTHER, 'unknown_next_peer')] }
    expect(verdict(sale, OTHER)).toEqual({ type: 'fail' })
  })

  it.each([paid(), abandoned(), unearned()])('is to resume whatever comes after the end: $tag', (sale) => {
    expect(verdict(sale, HELD)).toEqual({ type: 'resume' })
  })
})
