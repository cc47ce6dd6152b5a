import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { holdProcess, releaseProcess } from '../stack/leash.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const SEED_BYTES = 32
const OWNER_ONLY = 0o600
const NANOSECONDS_PER_MS = 1e6
const KIB = 1024
const MB = 1_000_000
/** The kernel counts processor time in hundredths of a second, whatever its own clock. */
const MS_PER_TICK = 10
/** Of /proc/PID/stat after the name: user and system time. */
const [USER_TIME, SYSTEM_TIME] = [11, 12]

export type LndFiles = { readonly socket: string; readonly certPath: string; readonly macaroonPath: string }

/** What the config says in place of its defaults. */
export type ConfigChanges = { readonly lsps2?: object; readonly inventory?: object }

/** A process of a benchmark, as the kernel sees it; killed at the latest when the benchmark ends. */
export class Measured {
  /** Unix time in ms, with fractions, right before exec. */
  readonly execAt: number
  protected readonly child: ChildProcess

  constructor(command: string, args: readonly string[]) {
    this.execAt = unixMs()
    this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    if (this.child.pid !== undefined) holdProcess(this.child.pid)
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the process was not started')
    return this.child.pid
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  async kill(): Promise<void> {
    const gone = once(this.child, 'exit')
    if (this.running && this.child.kill('SIGKILL')) await gone
    releaseProcess(this.pid)
  }

  /** Of its main thread, ms since exec: how long it ran, and how long it could have run and got no core. */
  mainThread(): { readonly ran: number; readonly waited: number } {
    const [ran, waited] = readFileSync(`/proc/${this.pid}/schedstat`, 'utf8').split(' ')
    return { ran: Number(ran) / NANOSECONDS_PER_MS, waited: Number(waited) / NANOSECONDS_PER_MS }
  }

  /** Resident memory, MB of a million bytes: now, and at its largest. */
  memory(): { readonly now: number; readonly most: number } {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    const megabytes = (key: string) => (Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1]) * KIB) / MB
    return { now: megabytes('VmRSS'), most: megabytes('VmHWM') }
  }
}

/** `bin/sluiced.js` as operators run it, with the defaults of the config unless `config` says otherwise. */
export class ShippedDaemon extends Measured {
  /** Unix time at which it said so in its log. Rejects when it ends before. */
  readonly ready: Promise<number>
  readonly folder: string

  constructor(folder: string, lnd: LndFiles, config: ConfigChanges = {}) {
    super(join(ROOT, 'bin/sluiced.js'), ['--config', writeConfig(folder, lnd, config)])
    this.folder = folder
    this.ready = this.#saysReady()
    this.ready.catch(() => undefined) // whoever waits for it hears
  }

  async #saysReady(): Promise<number> {
    const { stdout } = this.child
    if (stdout === null) throw new Error('its log is not read')
    for await (const line of createInterface({ input: stdout })) {
      if (JSON.parse(line).msg !== 'ready') continue
      const at = unixMs()
      stdout.resume() // a full pipe would stop it
      return at
    }
    throw new Error('sluiced ended before it was ready')
  }
}

function writeConfig(
  folder: string,
  { socket, certPath, macaroonPath }: LndFiles,
  { lsps2 = {}, inventory = {} }: ConfigChanges,
): string {
  mkdirSync(folder, { recursive: true })
  const example = JSON.parse(readFileSync(join(ROOT, 'config.example.json'), 'utf8'))
  const whole = {
    network: 'regtest',
    data_dir: folder,
    lnd: { socket, cert_path: certPath, macaroon_path: macaroonPath },
    inventory,
    lsps2: { enabled: true, offers: example.lsps2.offers, ...lsps2 },
  }
  const file = join(folder, 'sluice.json')
  writeFileSync(file, JSON.stringify(whole))
  writeFileSync(join(folder, 'seed'), Buffer.alloc(SEED_BYTES, 3), { mode: OWNER_ONLY })
  return file
}

/** The same in every process of this machine. */
export function unixMs(): number {
  return performance.timeOrigin + performance.now()
}

/** Processor time that a process took so far with all its threads, ms. */
export function processorMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME])) * MS_PER_TICK
}
