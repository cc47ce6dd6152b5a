import { systemClock } from '../kernel/clock.ts'
import { runProgram } from './program.ts'
import { paintFor } from './terminal.ts'

process.exitCode = await runProgram(process.argv.slice(2), {
  console: {
    print: (text) => process.stdout.write(text),
    paint: paintFor(process.stdout, process.env),
    now: systemClock.now,
  },
  complain: (text) => process.stderr.write(text),
  // lnd's client is large: loaded only for those who talk to lnd.
  inspect: async (config) => (await import('./inspect.ts')).inspect(config),
  bakeCommand: async (config) => (await import('./features.ts')).bakeCommand(config),
})
