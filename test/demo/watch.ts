import { pause } from './pause.ts'
import type { Moment, Timeline } from './timeline.ts'
import type { DemoWorld } from './world.ts'

const WALLET_MS = 1
/** How often the flight record is read meanwhile. */
const RECORD_MS = 20
/** Moments are told when they are this old: until then an earlier one may still come in from another source. */
const LATE_MS = 60

type Watch = {
  readonly world: DemoWorld
  readonly timeline: Timeline
  /** What the operator's flight record says by now, oldest first. */
  readonly operator: () => Promise<readonly Moment[]>
  readonly tell: (moment: Moment) => void
}

/** Tells what wallet and operator do from now on, as it happens. `stop` resolves when all of it is told. */
export async function watch({ world, timeline, operator, tell }: Watch): Promise<{ stop: () => Promise<void> }> {
  const { wallet, clock } = world
  let milestones = wallet.milestones().length
  let steps = (await operator()).length
  let stopped = false

  const lookAtWallet = () => {
    const all = wallet.milestones()
    for (const { at, what } of all.slice(milestones)) timeline.add({ at, who: 'wallet', what })
    milestones = all.length
  }
  const lookAtRecord = async () => {
    const all = await operator()
    for (const moment of all.slice(steps)) timeline.add(moment)
    steps = all.length
  }
  const repeat = async (look: () => unknown, ms: number) => {
    while (!stopped) {
      await look()
      await pause(ms)
    }
    await look()
  }
  const looking = Promise.all([
    repeat(lookAtWallet, WALLET_MS),
    repeat(async () => {
      await lookAtRecord()
      for (const moment of timeline.take(clock.now() - LATE_MS)) tell(moment)
    }, RECORD_MS),
  ])
  // Reported by `stop`.
  looking.catch(() => undefined)
  return {
    async stop() {
      stopped = true
      await looking
      for (const moment of timeline.take()) tell(moment)
    },
  }
}
