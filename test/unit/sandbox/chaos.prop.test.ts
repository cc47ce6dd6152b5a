import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { createWorld } from '../../../src/sandbox/world.ts'
import { idOf, negotiate, request } from './stage.ts'

const STEPS = [
  'pay',
  'resume',
  'fail',
  'wallet-claims',
  'wallet-fails',
  'wallet-sits',
  'drop-payer',
  'drop-wallet',
  'kill-node',
  'kill-client',
  'mine',
  'open',
  'time',
] as const
type Step = (typeof STEPS)[number]
/** What only an interceptor that answers blindly can do; everything else must never happen. */
const BLIND = ['fail-in-flight', 'money-lost', 'late-answer']
const RUNS = 100

/** Balances always add up, no channel is opened twice, no HTLC is lost: whatever happens in whatever order. */
async function play(steps: readonly Step[]): Promise<readonly string[]> {
  const clock = new ManualClock()
  const world = createWorld({ clock, seed: 5 })
  const { wallet, scid } = world.addDestination(10_000_000n)
  const { signal } = new AbortController()
  let port = world.attach()
  const offers: string[] = []
  let answer: (circuit: string, type: 'resume' | 'fail') => void = () => undefined
  const attach = () => {
    port
      .interceptHtlcs((offer, stream) => {
        offers.push(offer.circuit)
        answer = (circuit, type) => stream.answer(circuit, { type })
      }, signal)
      .catch(() => undefined)
  }
  attach()
  let opened = 0
  const does: Readonly<Record<Step, () => void>> = {
    pay: () => {
      const { paymentHash } = wallet.invoice({ amount: 5000n })
      world.payer.pay({ hash: paymentHash, scid, amount: 5000n, amountIn: 5010n })
    },
    resume: () => answer(offers.shift() ?? '', 'resume'),
    fail: () => answer(offers.shift() ?? '', 'fail'),
    'wallet-claims': () => wallet.setPaymentPolicy('claim'),
    'wallet-fails': () => wallet.setPaymentPolicy('fail'),
    'wallet-sits': () => wallet.setPaymentPolicy('sit'),
    'drop-payer': () => {
      world.payer.disconnect()
      world.payer.connect()
    },
    'drop-wallet': () => {
      wallet.disconnect()
      wallet.connect()
    },
    'kill-node': () => {
      world.killNode()
      world.restartNode()
      attach()
    },
    'kill-client': () => {
      world.killClient()
      port = world.attach()
      attach()
    },
    mine: () => world.mine(3),
    open: () => {
      opened += 1
      const order = request(wallet.nodeId, idOf(opened))
      void negotiate({ port, signal }, order)
        .then(({ psbt }) => port.verifyFunding({ psbt, pendingChannelId: order.pendingChannelId }, signal))
        .catch(() => undefined)
    },
    time: () => void clock.advance(1000),
  }
  for (const step of steps) {
    does[step]()
    await clock.settle(1)
  }
  await clock.settle()
  return world
    .audit()
    .filter(({ kind }) => !BLIND.includes(kind))
    .map(({ detail }) => detail)
}

describe('the simulated world', () => {
  it('stays whole in any order of events', async () => {
    // Half of all steps move payments, so that there is something to disturb.
    const step = fc.oneof(fc.constantFrom(...STEPS), fc.constantFrom('pay' as const, 'resume' as const))
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        expect(await play(steps)).toEqual([])
      }),
      { numRuns: RUNS },
    )
  })
})
