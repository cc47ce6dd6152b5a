import { kindOf, type Vector } from './vectors.ts'

/** Vectors that no check runs, each with the reason. A vector that is neither here nor checked fails the run. */
type Reason = { readonly concerns: (vector: Vector) => boolean; readonly reason: string }

const protocol = (name: string) => (vector: Vector) => vector.protocol === name

const scenario = (text: string) => (vector: Vector) => {
  const { input } = vector
  const told = typeof input === 'object' && input !== null && 'scenario' in input ? input.scenario : undefined
  return kindOf(vector) === 'lsps2/htlc' && told === text
}

const stateMachine = (name: RegExp) => (vector: Vector) =>
  kindOf(vector) === 'lsps2/state-machine' && name.test(vector.name)

export const REASONS: readonly Reason[] = [
  { concerns: protocol('lsps4'), reason: 'a closed draft that is not served' },
  {
    concerns: scenario('LSPD cltv delta below minimum'),
    reason:
      'lnd lets an interceptor say no incorrect_cltv_expiry; the unit tests of the sale show what is said instead',
  },
  {
    concerns: scenario('LSPD part below htlc minimum'),
    reason: 'several parts are the next issue; a lone part below the payment size is refused by the sale',
  },
  {
    concerns: scenario('LSPD part after payment final'),
    reason: 'several parts are the next issue',
  },
  {
    concerns: scenario('LSPD second payment to a completed registration'),
    reason:
      'bLIP-52 keeps the scid an alias until valid_until: the second payment of the demo shows that it is forwarded',
  },
  {
    concerns: scenario('LSPD mpp timeout 90s'),
    reason: 'several parts are the next issue; the deadline of the one part is shown by the tests of the sale',
  },
  { concerns: stateMachine(/^MPP/), reason: 'several parts are the next issue' },
  {
    concerns: stateMachine(/^replayed intercept/),
    reason: 'the events are those of another machine; ours is shown by the tests of the sale and the crash suite',
  },
  { concerns: stateMachine(/^client_trusts_lsp/), reason: 'client_trusts_lsp is the next issue' },
]

export function reasonFor(vector: Vector): string | undefined {
  return REASONS.find(({ concerns }) => concerns(vector))?.reason
}
