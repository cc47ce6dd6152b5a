import { HostileLsp } from './lsp.ts'
import { type Outcome, Play } from './play.ts'
import { SeenScids } from './seen-scids.ts'
import { type Step, sequenceOf } from './sequence.ts'

/** Sequences after which an LSP is asked what it still remembers. */
const USAGE_EVERY = 500
/** Simulated time in which everything ends that a sequence began: longer than the longest offer and a held payment. */
const ALL_ENDS_MS = 4_500_000
const MAX_FAILURES = 5

export type Failure = {
  readonly seed: number
  readonly wrong: readonly string[]
  /** The fewest steps that still fail on an LSP of their own; undefined when it takes what came before, too. */
  readonly steps: readonly Step[] | undefined
}

export type Totals = Omit<Outcome, 'wrong'> & { readonly sequences: number; readonly failures: readonly Failure[] }

type Listener = {
  readonly onPlayed?: (played: number) => void
  readonly onFailure?: (failure: Failure) => void
}

async function alone(seed: number, steps: readonly Step[]): Promise<readonly string[]> {
  const lsp = await HostileLsp.start()
  const { wrong } = await new Play(lsp, new SeenScids(), seed).run(steps)
  await lsp.stop()
  return wrong
}

/** Leaves out steps, as long as something is wrong without them. */
async function shrink(seed: number, steps: readonly Step[]): Promise<readonly Step[] | undefined> {
  if ((await alone(seed, steps)).length === 0) return undefined
  let least = steps
  for (let at = least.length - 1; at >= 0; at -= 1) {
    const fewer = least.toSpliced(at, 1)
    if ((await alone(seed, fewer)).length > 0) least = fewer
  }
  return least
}

/** Plays sequences one after the other against one LSP, which lives through all of them. */
export async function campaign(
  { first, sequences }: { readonly first: number; readonly sequences: number },
  { onPlayed, onFailure }: Listener = {},
): Promise<Totals> {
  let lsp = await HostileLsp.start()
  let scids = new SeenScids()
  const totals = { messages: 0, reached: 0, answers: 0, sales: 0, payments: 0 }
  const failures: Failure[] = []
  let played = 0
  for (; played < sequences && failures.length < MAX_FAILURES; played += 1) {
    const seed = first + played
    const steps = sequenceOf(seed)
    const { wrong, ...counts } = await new Play(lsp, scids, seed).run(steps)
    for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += counts[key]
    const left = played % USAGE_EVERY === USAGE_EVERY - 1 ? await leftBehind(lsp) : []
    if (wrong.length + left.length > 0) {
      const failure = { seed, wrong: [...wrong, ...left], steps: await shrink(seed, steps) }
      failures.push(failure)
      onFailure?.(failure)
      // Whatever came over the old one is not to count twice; the new one draws the same short channel ids.
      lsp = await HostileLsp.start()
      scids = new SeenScids()
    }
    onPlayed?.(played + 1)
  }
  await lsp.clock.advance(ALL_ENDS_MS)
  const { pending, live, held } = await lsp.usage()
  if (pending + live + held > 0) {
    const wrong = [`after the end ${pending} requests wait, ${live} sales live and ${held} payments are held`]
    const failure = { seed: first + played, wrong, steps: undefined }
    failures.push(failure)
    onFailure?.(failure)
  }
  await lsp.stop()
  return { ...totals, sequences: played, failures }
}

async function leftBehind(lsp: HostileLsp): Promise<readonly string[]> {
  const { pending, held } = await lsp.usage()
  return pending + held === 0 ? [] : [`${pending} requests wait for their answer and ${held} payments are held`]
}
