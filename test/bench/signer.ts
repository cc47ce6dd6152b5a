import { resolve } from 'node:path'
import { Worker } from 'node:worker_threads'

type Signed = { readonly number: number; readonly signature: string }

/** Signs as the simulated node does, by the same code, in a thread of its own: lnd does so in a process of its own. */
export class Signer {
  readonly #worker = new Worker(resolve(import.meta.dirname, 'signer.mjs'))
  readonly #waiting = new Map<number, (signature: string) => void>()
  #next = 0

  constructor() {
    this.#worker.on('message', ({ number, signature }: Signed) => {
      this.#waiting.get(number)?.(signature)
      this.#waiting.delete(number)
    })
  }

  sign(text: string): Promise<string> {
    const number = this.#next
    this.#next += 1
    return new Promise((resolve) => {
      this.#waiting.set(number, resolve)
      this.#worker.postMessage({ number, text })
    })
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }
}
