import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import { Answers } from '../../../src/jit/answers.ts'
import type { Sale } from '../../../src/jit/states.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import type { Channel, HtlcAnswer, HtlcOffer } from '../../../src/lnd/port.ts'
import { awaiting, DEAL, FEE, forwarding, HEIGHT, OTHER, PART, SIZE } from './samples.ts'

const LIMITS = { htlcs: 1, htlcsPerClient: 1, value: msat(10n * SIZE), valuePerClient: msat(10n * SIZE) }

/** Collects what one stream is answered. */
function stream() {
  const answers: [string, HtlcAnswer][] = []
  return { answers, answer: (circuit: string, answer: HtlcAnswer) => void answers.push([circuit, answer]) }
}

function offer(circuit: string): HtlcOffer {
  return { ...PART, circuit, requestedScid: DEAL.scid } as unknown as HtlcOffer
}

describe('an HTLC that lnd offers again', () => {
  it('is answered through the stream that offered it last, also when an answer could not be given before', async () => {
    const { signal } = new AbortController()
    let sale: Sale = awaiting()
    let lose: (error: Error) => void = () => undefined
    const answers = new Answers(
      {
        lnd: { listChannels: () => new Promise<readonly Channel[]>((_, reject) => (lose = reject)) },
        log: silentLog,
        sale: () => sale,
        clientOf: () => DEAL.client,
        seconds: { place: () => undefined, hasInHand: () => false, letGo: () => undefined },
        height: () => HEIGHT,
        hear: async () => {
          sale = awaiting(PART)
        },
      },
      LIMITS,
    )
    const [first, second] = [stream(), stream()]
    const hold = (circuit: string, through: typeof first) => {
      const held = { offer: offer(circuit), stream: through }
      answers.held.add(held)
      return held
    }
    hold(OTHER, first)
    answers.judge(hold(PART.circuit, first), signal) // one too many: lnd is asked before it is failed
    answers.held.clear() // the connection is lost
    answers.judge(hold(PART.circuit, second), signal)
    await Promise.resolve()
    lose(new Error('connection lost'))
    await new Promise((resolve) => setImmediate(resolve))
    sale = forwarding(true)
    answers.settle(DEAL.scid, signal)
    const forward = { type: 'resume-modified', amountOut: SIZE - FEE, extraFee: FEE }
    expect(second.answers).toEqual([[PART.circuit, forward]])
    expect(first.answers).toEqual([])
  })
})
