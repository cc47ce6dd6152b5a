import { SeededRandom } from '../../src/sandbox/random.ts'

/** What may happen. `salt` decides everything else about it, together with what was heard and said before. */
export type Step = { readonly kind: StepKind; readonly peer: number; readonly salt: number }

export type StepKind =
  /** One message, answered before anything else happens. */
  | 'say'
  /** One message in the same breath as the next step. */
  | 'say-on'
  /** One message; its peer is gone before the answer is there. */
  | 'say-and-leave'
  /** Many messages at once, of one kind. */
  | 'flood'
  | 'pause'
  | 'wait'
  | 'outlive-a-menu'
  | 'come'
  | 'leave'
  | 'stop-reading'
  | 'read'
  | 'pay'
  | 'block'
  | 'break-stream'

const WEIGHTS: Readonly<Record<StepKind, number>> = {
  say: 560,
  'say-on': 230,
  'say-and-leave': 10,
  flood: 4,
  pause: 60,
  wait: 14,
  'outlive-a-menu': 2,
  come: 30,
  leave: 15,
  'stop-reading': 6,
  read: 6,
  pay: 50,
  block: 10,
  'break-stream': 3,
}
const KINDS = Object.entries(WEIGHTS) as [StepKind, number][]
const TOTAL = KINDS.reduce((sum, [, weight]) => sum + weight, 0)
export const PEERS = 4
const FEWEST_STEPS = 4
const MORE_STEPS = 10

function kindFor(drawn: number): StepKind {
  let rest = drawn
  for (const [kind, weight] of KINDS) {
    if (rest < weight) return kind
    rest -= weight
  }
  return 'say'
}

/** The steps of a seed: always the same. */
export function sequenceOf(seed: number): readonly Step[] {
  const random = new SeededRandom(seed)
  const count = FEWEST_STEPS + random.below(MORE_STEPS)
  return Array.from({ length: count }, () => {
    const kind = kindFor(random.below(TOTAL))
    // One peer says more than the others: most of what it says is about what it was told before.
    const peer = random.below(2) === 0 ? 0 : random.below(PEERS)
    return { kind, peer, salt: random.next() }
  })
}
