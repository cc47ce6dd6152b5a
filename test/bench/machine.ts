import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { arch, cpus, loadavg, platform, totalmem } from 'node:os'
import { join } from 'node:path'
import { median } from './figures.ts'

const PROBES = 200
const PROBE_BYTES = 1_000
const GIB = 2 ** 30
const NANOSECONDS_PER_MS = 1e6

/** What the figures were measured on. */
export type Machine = {
  readonly cores: number
  readonly cpu: string
  readonly memoryGib: number
  readonly platform: string
  readonly node: string
  /** Processes that wanted a core at the start: above the number of cores, figures are those of a busy machine. */
  readonly loadAverage: number
  /** Median of writing and syncing 1,000 bytes in the folder of the databases. */
  readonly syncMs: number
}

export function describeMachine(folder: string): Machine {
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGib: Math.round(totalmem() / GIB),
    platform: `${platform()} ${arch()}`,
    node: process.version,
    loadAverage: loadavg()[0] ?? Number.NaN,
    syncMs: probeDisk(join(folder, 'probe')),
  }
}

/** Milliseconds of the machine's monotonic clock, which all processes read alike. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / NANOSECONDS_PER_MS
}

/**
 * How long this process's main thread could run and got no core, milliseconds since it began: time that others took.
 * NaN where the kernel does not tell.
 */
export function coreWaitMs(): number {
  try {
    const [, waited] = readFileSync('/proc/self/schedstat', 'utf8').split(' ')
    return Number(waited) / NANOSECONDS_PER_MS
  } catch {
    return Number.NaN
  }
}

function probeDisk(path: string): number {
  const bytes = Buffer.alloc(PROBE_BYTES)
  const file = openSync(path, 'w')
  try {
    const times = Array.from({ length: PROBES }, () => {
      const start = performance.now()
      writeSync(file, bytes)
      fdatasyncSync(file)
      return performance.now() - start
    })
    return median(times)
  } finally {
    closeSync(file)
    rmSync(path)
  }
}
