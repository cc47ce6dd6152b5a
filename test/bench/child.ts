import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'

/** A script of this folder as a process of its own that is told and tells things. */
export class Child<Told, Tells extends { readonly type: string }> {
  readonly #process: ChildProcess
  readonly #name: string

  constructor(
    script: string,
    options: object,
    execArgv: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ) {
    this.#name = script
    const args = [...execArgv, '--import', 'tsx', resolve(import.meta.dirname, script), JSON.stringify(options)]
    this.#process = spawn(process.execPath, args, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
      env: { ...process.env, ...env },
    })
  }

  get pid(): number {
    const { pid } = this.#process
    if (pid === undefined) throw new Error(`${this.#name} did not start`)
    return pid
  }

  tell(message: Told): void {
    this.#process.send(message as object)
  }

  /** The next message of the type. @throws Error when the process ends before */
  hear<Type extends Tells['type']>(type: Type): Promise<Extract<Tells, { type: Type }>> {
    return new Promise((resolve, reject) => {
      const onExit = () => reject(new Error(`${this.#name} ended before it said "${type}"`))
      const onMessage = (message: Tells) => {
        if (message.type !== type) return
        this.#process.off('exit', onExit).off('message', onMessage)
        resolve(message as Extract<Tells, { type: Type }>)
      }
      this.#process.once('exit', onExit).on('message', onMessage)
    })
  }

  /** kill -9; resolves when the process is gone. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const gone = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await gone
  }
}
