import { rmSync } from 'node:fs'
import { paintFor } from '../../src/cli/terminal.ts'
import { deferred, reasonOf } from '../stack/wait.ts'
import { writeFacts } from './facts.ts'
import { runSluice } from './operator-cli.ts'
import { pause } from './pause.ts'
import { Screen } from './screen.ts'
import { Story } from './story.ts'
import type { DemoWorld, StartWorld } from './world.ts'

export type DemoOptions = {
  readonly simulated: boolean
  /** Absolute path for the facts as JSON. */
  readonly jsonFile: string | undefined
}

const { TERM } = process.env
const EXIT = { agreed: 0, failed: 1, interrupted: 130 } as const
/** How long an interrupted start may take to clean up after itself before the leash does it (`test/stack/leash.ts`). */
const GRACE_MS = 5_000

/** Runs the demo; its exit code is 0 only if all books agree to the millisatoshi. */
export async function runDemo({ simulated, jsonFile }: DemoOptions, interrupted: AbortSignal): Promise<number> {
  const screen = new Screen({
    output: process.stdout,
    live: process.stdout.isTTY && TERM !== 'dumb',
    paint: paintFor(process.stdout, process.env),
    now: () => performance.now(),
  })
  // Nothing of an earlier run may be taken for the facts of this one.
  if (jsonFile !== undefined) rmSync(jsonFile, { force: true })
  const stops: (() => Promise<void>)[] = []
  const stopAll = async () => {
    for (const stop of stops.splice(0).reverse()) {
      await stop().catch((error: unknown) => process.stderr.write(`${reasonOf(error)}\n`))
    }
  }
  let world: DemoWorld | undefined
  const play = async (): Promise<number> => {
    welcome(screen, simulated)
    const { start } = await loadWorld(simulated)
    world = await start(screen, { signal: interrupted, onStarted: (stop) => stops.push(stop), onFatal: fatal.reject })
    const sluice = (args: readonly string[]) => runSluice(args, screen, interrupted)
    const facts = await new Story({ world, screen, sluice, signal: interrupted }).tell()
    if (jsonFile !== undefined) {
      writeFacts(jsonFile, facts)
      screen.line(`The facts are in ${jsonFile}`)
    }
    return facts.agreed ? EXIT.agreed : EXIT.failed
  }
  const fatal = deferred<never>()
  fatal.promise.catch(() => undefined)
  const playing = play()
  try {
    return await Promise.race([playing, fatal.promise, rejected(interrupted)])
  } catch (error) {
    if (interrupted.aborted) {
      screen.line('Interrupted: ending everything that was started.')
      screen.close()
      await Promise.race([playing.catch(() => undefined), pause(GRACE_MS)])
      return EXIT.interrupted
    }
    screen.line()
    process.stderr.write(`${screen.paint('red', 'The demo failed:')} ${reasonOf(error)}\n`)
    if (world !== undefined) process.stderr.write(`\nThe end of sluiced's log:\n${world.logTail()}\n`)
    return EXIT.failed
  } finally {
    await stopAll()
  }
}

function welcome(screen: Screen, simulated: boolean): void {
  const { paint } = screen
  screen.line(paint('bold', 'sluice: a wallet without a channel is paid over one that opens on the way'))
  screen.line(
    simulated
      ? paint('yellow', 'SIMULATION: the real sluiced, on a simulated lnd and wallet, in one process.')
      : 'All of this is real: btcd, unmodified lnd, sluiced, an LDK wallet, on regtest.',
  )
  screen.heading('Setting up')
}

/** Each world is loaded only when it is played: the simulated one has to work where the real one cannot. */
async function loadWorld(simulated: boolean): Promise<{ readonly start: StartWorld }> {
  if (simulated) return { start: (await import('./simulated-world.ts')).startSimulatedWorld }
  return { start: (await import('./real-world.ts')).startRealWorld }
}

function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
}
