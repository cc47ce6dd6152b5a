import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import type { Scid } from '../../../lsps/base/scid.ts'
import type { PendingCircuits } from '../../../src/held/pending.ts'
import { EXPIRY_MARGIN_BLOCKS, isExpiring, isLnds, refuse } from '../../../src/held/refusing.ts'
import type { HtlcAnswer, HtlcOffer } from '../../../src/lnd/port.ts'

const CIRCUIT = '454:7'
const FAILS_AT = 1_000
const OFFER: HtlcOffer = {
  circuit: CIRCUIT,
  incomingChannel: 454n,
  paymentHash: '11'.repeat(32),
  requestedScid: '16000000x0x0' as Scid,
  amountIn: msat(1_000_000n),
  amountOut: msat(1_000_000n),
  expiryIn: 1_019,
  expiryOut: 939,
  autoFailHeight: FAILS_AT,
}

async function answersTo(pending: () => Promise<PendingCircuits>, height = FAILS_AT - 100) {
  const answers: HtlcAnswer[] = []
  const stream = { answer: (_: string, answer: HtlcAnswer) => void answers.push(answer) }
  const refused = refuse({ offer: OFFER, stream }, { pending, height: () => height }, new AbortController().signal)
  const error = await refused.catch((why: unknown) => why)
  return { answers, error }
}

const listed = (forwarded: boolean) => async () => new Map([[CIRCUIT, { forwarded }]])

describe('a held HTLC that is to fail', () => {
  it('fails when lnd shows it as never forwarded', async () => {
    expect((await answersTo(listed(false))).answers).toEqual([{ type: 'fail' }])
  })

  it('is resumed when lnd shows it as forwarded: FAIL would lose its amount', async () => {
    expect((await answersTo(listed(true))).answers).toEqual([{ type: 'resume' }])
  })

  it('is not answered when it has left its channel', async () => {
    expect((await answersTo(async () => new Map())).answers).toEqual([])
  })

  it('is not answered when lnd does not say, and the caller hears why', async () => {
    const why = new Error('connection lost')
    expect(await answersTo(() => Promise.reject(why))).toEqual({ answers: [], error: why })
  })

  it('is left to lnd from one block before lnd fails it', async () => {
    expect((await answersTo(listed(false), FAILS_AT - 1)).answers).toEqual([])
    expect((await answersTo(listed(false), FAILS_AT - 2)).answers).toEqual([{ type: 'fail' }])
    expect([isLnds(OFFER, FAILS_AT - 2), isLnds(OFFER, FAILS_AT - 1)]).toEqual([false, true])
  })

  it('is not held any longer some blocks before that', () => {
    const last = FAILS_AT - EXPIRY_MARGIN_BLOCKS
    expect([isExpiring(OFFER, last - 1), isExpiring(OFFER, last)]).toEqual([false, true])
  })
})
