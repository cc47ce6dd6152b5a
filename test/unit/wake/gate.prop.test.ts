import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import type { HtlcOffer } from '../../../src/lnd/port.ts'
import { MAX_GIVING_WAY } from '../../../src/wake/service.ts'
import { AMOUNT, CLIENT, CONFIG, HOLD_MS, OTHER, STRANGER, Stage, scidOf } from './samples.ts'

const peer = fc.constantFrom(CLIENT, OTHER, STRANGER)
const move = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('pay' as const), peer, amount: fc.bigInt(1n, 2n * AMOUNT) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('comes' as const), peer }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('leaves' as const), peer }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('time' as const), ms: fc.integer({ min: 0, max: 40_000 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('stream-lost' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('killed' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('payer-flaps' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('lnd-silent' as const) }) },
)
type Move = typeof move extends fc.Arbitrary<infer M> ? M : never

/** A stage that plays lnd: what was resumed to a client that is here is in flight, other HTLCs end with their answer. */
class Play {
  readonly stage = new Stage()
  /** Not ended: what lnd offers again. */
  readonly alive = new Map<string, HtlcOffer>()
  readonly inFlight = new Set<string>()
  readonly here = new Set<string>()
  #seen = 0

  async make(one: Move): Promise<void> {
    const { stage } = this
    stage.failLook = one.type === 'lnd-silent' ? new Error('connection lost') : undefined
    if (one.type === 'pay') {
      const offer = stage.htlc(one.peer, { amountIn: msat(one.amount) })
      this.alive.set(offer.circuit, offer)
      stage.offer(offer)
    } else if (one.type === 'comes') {
      this.here.add(one.peer)
      await stage.comes(one.peer, 100)
    } else if (one.type === 'leaves') {
      this.here.delete(one.peer)
      await stage.leaves(one.peer)
    } else if (one.type === 'stream-lost') {
      stage.loseStream()
      await stage.advance(100)
      this.#offerAgain()
    } else if (one.type === 'killed') {
      stage.kill()
      stage.create()
      await stage.gate.loadNames()
      this.#offerAgain()
      await stage.run()
    } else if (one.type === 'payer-flaps') this.#offerAgain('also what went on')
    else await stage.advance(one.type === 'time' ? one.ms : 5_000)
    this.check()
  }

  /** What lnd holds for us; a link of the payer that restarts offers what went on as well. */
  #offerAgain(what: 'held' | 'also what went on' = 'held'): void {
    this.#takeAnswers()
    for (const offer of this.alive.values()) {
      if (what === 'held' ? this.inFlight.has(offer.circuit) : this.stage.open.has(offer.circuit)) continue
      this.stage.offer(offer)
    }
  }

  #takeAnswers(): void {
    const { stage } = this
    for (const [circuit, type] of stage.answers.slice(this.#seen)) {
      const offer = this.alive.get(circuit)
      if (offer === undefined) throw new Error(`${circuit} was answered after its end`)
      if (type === 'fail') expect(this.inFlight).not.toContain(circuit)
      if (this.inFlight.has(circuit)) continue // lnd drops it
      const leadsOut = [CLIENT, OTHER, STRANGER].some(
        (one) => this.here.has(one) && offer.requestedScid === scidOf(one),
      )
      if (type === 'resume' && leadsOut) {
        this.inFlight.add(circuit)
        stage.setForwarded(circuit)
      } else {
        this.alive.delete(circuit)
        stage.removeHtlc(circuit)
      }
    }
    this.#seen = stage.answers.length
  }

  check(): void {
    this.#takeAnswers()
    const all = this.stage.gate.waiting
    // What gives way to a larger one is gone at the next look.
    const waiting = all.filter(({ givesWay }) => givesWay !== true)
    expect(all.length - waiting.length).toBeLessThanOrEqual(MAX_GIVING_WAY)
    const sum = (client?: string) =>
      waiting.filter((one) => client === undefined || one.client === client).reduce((n, { amount }) => n + amount, 0n)
    expect(waiting.length).toBeLessThanOrEqual(CONFIG.limits.htlcs)
    expect(sum()).toBeLessThanOrEqual(CONFIG.limits.value)
    for (const client of [CLIENT, OTHER]) {
      expect(waiting.filter((one) => one.client === client).length).toBeLessThanOrEqual(CONFIG.limits.htlcsPerClient)
      expect(sum(client)).toBeLessThanOrEqual(CONFIG.limits.valuePerClient)
    }
    expect(this.stage.fatal).toBeUndefined()
  }
}

describe('whatever happens', () => {
  it('keeps to the limits, answers each offer once, fails nothing that is in flight, and leaves nothing behind', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(move, { maxLength: 40 }), async (moves) => {
        const play = new Play()
        await play.stage.start()
        for (const one of moves) await play.make(one)
        play.stage.failLook = undefined
        for (let step = 0; step < 3; step += 1) {
          await play.stage.advance(HOLD_MS)
          play.check()
        }
        expect(play.stage.open).toEqual(new Set())
        expect(play.stage.waiting).toEqual([])
        expect(play.stage.onDisk).toEqual([])
      }),
      { numRuns: 150 },
    )
  }, 60_000)
})
