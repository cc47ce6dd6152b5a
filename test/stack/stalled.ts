import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { waitFor } from './wait.ts'

const HOOK = pathToFileURL(join(import.meta.dirname, 'stall-hook.mjs')).href
const WAITING_MS = 60_000

/** A start of sluiced that cannot load its sales until it is let. */
export class Stall {
  readonly #waiting: string
  readonly #until: string

  /** `folder`: for files of its own; `name` is new for each start. */
  constructor(folder: string, name: string) {
    this.#waiting = join(folder, `${name}-waiting`)
    this.#until = join(folder, `${name}-until`)
  }

  get env(): Readonly<Record<string, string>> {
    return {
      NODE_OPTIONS: `--import=${HOOK}`,
      SLUICE_STALL_WAITING: this.#waiting,
      SLUICE_STALL_UNTIL: this.#until,
    }
  }

  /** Resolves when it wants to load, and cannot. */
  async waitReached(): Promise<void> {
    await waitFor(() => existsSync(this.#waiting), { deadline: WAITING_MS, what: 'sluiced to load its sales' })
  }

  end(): void {
    writeFileSync(this.#until, '')
  }
}
