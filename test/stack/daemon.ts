import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { holdProcess, releaseProcess } from './leash.ts'
import { HopelessError, within } from './wait.ts'

const STOP_MS = 60_000
const TAIL_BYTES = 6_000

export type DaemonOptions = {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** Standard output and error are appended to this file. */
  readonly logFile: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** A child process with a log file, killed at the latest when this process ends. */
export class Daemon {
  readonly name: string
  readonly pid: number
  readonly logFile: string
  /** Exit code or signal, once it has ended. */
  ended: string | undefined
  readonly #child: ChildProcess
  readonly #exit: Promise<void>

  private constructor(options: DaemonOptions, child: ChildProcess, pid: number) {
    this.name = options.name
    this.logFile = options.logFile
    this.pid = pid
    this.#child = child
    holdProcess(pid)
    // A daemon that nobody stopped must not keep this process alive: it is ended when this process ends.
    child.unref()
    this.#exit = once(child, 'exit').then(([code, signal]) => {
      this.ended = String(signal ?? code)
      releaseProcess(pid)
    })
  }

  /** @throws Error when the program cannot be started at all; not when it ends soon after */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const log = openSync(options.logFile, 'a')
    try {
      const child = spawn(options.command, [...options.args], {
        detached: true,
        stdio: ['ignore', log, log],
        env: { ...process.env, ...options.env },
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      })
      await once(child, 'spawn')
      return new Daemon(options, child, child.pid as number)
    } finally {
      closeSync(log)
    }
  }

  get running(): boolean {
    return this.ended === undefined
  }

  /** Signals, and waits until the process is gone. */
  async stop(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.running) this.#child.kill(signal)
    try {
      await within(this.#exit, { deadline: STOP_MS, what: `${this.name} to end after ${signal}` })
    } catch (error) {
      this.#child.kill('SIGKILL')
      await this.#exit
      throw error
    }
  }

  async kill(): Promise<void> {
    await this.stop('SIGKILL')
  }

  /** Freezes the process without telling it: what a hung machine looks like from outside. */
  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child.kill('SIGCONT')
  }

  /** @throws HopelessError with the end of the log when the process has ended */
  checkRunning(): void {
    if (!this.running)
      throw new HopelessError(`${this.name} ended (${this.ended}). The end of its log:\n${this.logTail()}`)
  }

  logTail(): string {
    return fileTail(this.logFile, TAIL_BYTES)
  }
}

export function fileTail(file: string, bytes: number): string {
  const size = statSync(file).size
  const length = Math.min(size, bytes)
  const buffer = Buffer.alloc(length)
  const handle = openSync(file, 'r')
  try {
    readSync(handle, buffer, 0, length, size - length)
  } finally {
    closeSync(handle)
  }
  return buffer.toString('utf8')
}
