import { processHost, runDaemon } from './cli/daemon.ts'
import { startDaemon } from './daemon.ts'

// Nothing may keep a daemon alive that has stopped; the log is flushed on exit.
process.exit(await runDaemon(startDaemon, processHost()))
