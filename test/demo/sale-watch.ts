import type { FlightRecord } from '../../src/admin/schema.ts'
import { pause } from './pause.ts'
import { operatorMoment } from './sale-steps.ts'
import type { Moment, Timeline } from './timeline.ts'
import type { DemoWorld } from './world.ts'

const WALLET_MS = 1
/** How often the flight record is read while the sale runs. */
const RECORD_MS = 20
/** Moments are told when they are this old: until then an earlier one may still come in from another source. */
const LATE_MS = 60

type Watch = {
  readonly world: DemoWorld
  readonly timeline: Timeline
  /** The sale's flight record as it is now. */
  readonly record: () => Promise<FlightRecord>
  readonly tell: (moment: Moment) => void
}

/** Tells what wallet and operator do from now on, as it happens. `stop` resolves when all of it is told. */
export async function watchSale({ world, timeline, record, tell }: Watch): Promise<{ stop: () => Promise<void> }> {
  const { wallet, clock } = world
  let milestones = wallet.milestones().length
  let steps = (await record()).steps.length
  let stopped = false

  const lookAtWallet = () => {
    const all = wallet.milestones()
    for (const { at, what } of all.slice(milestones)) timeline.add({ at, who: 'wallet', what })
    milestones = all.length
  }
  const lookAtRecord = async () => {
    const now = await record()
    for (const step of now.steps.slice(steps)) timeline.add(operatorMoment(now, step))
    steps = now.steps.length
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
