import type { Clock } from '../../lsps/base/clock.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { childOf } from './wait.ts'

/** Longest time between two looks at the queue; a wall clock that jumps is noticed after this. */
const LONGEST_SLEEP_MS = 30_000

type Entry = { readonly at: Timestamp; readonly id: string }

/**
 * Tells when an entity's time has come. What is due is derived from persisted state each time that changes, so a
 * restart cannot forget a deadline: loading the entity sets it again. One entry per entity is current; entries that
 * were replaced are skipped when they come up.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #onDue: (id: string) => void
  readonly #heap: Entry[] = []
  readonly #current = new Map<string, Timestamp>()
  #wake: AbortController | undefined

  constructor(clock: Clock, onDue: (id: string) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  set(id: string, at: Timestamp | undefined): void {
    if (this.#current.get(id) === at) return
    if (at === undefined) {
      this.#current.delete(id)
      return
    }
    this.#current.set(id, at)
    push(this.#heap, { at, id })
    if (this.#heap[0]?.id === id) this.#wake?.abort()
  }

  /** Serves until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#fireDue()
      const next = this.#heap[0]
      const wait = next === undefined ? LONGEST_SLEEP_MS : Math.min(next.at - this.#clock.now(), LONGEST_SLEEP_MS)
      const wake = childOf(signal)
      this.#wake = wake
      await this.#clock.sleep(Math.max(wait, 0), wake.signal).catch(() => undefined)
      wake.abort()
    }
  }

  #fireDue(): void {
    const now = this.#clock.now()
    for (let next = this.#heap[0]; next !== undefined && next.at <= now; next = this.#heap[0]) {
      pop(this.#heap)
      if (this.#current.get(next.id) !== next.at) continue
      this.#current.delete(next.id)
      this.#onDue(next.id)
    }
  }
}

function push(heap: Entry[], entry: Entry): void {
  let index = heap.push(entry) - 1
  while (index > 0) {
    const parent = (index - 1) >> 1
    const above = heap[parent]
    if (above === undefined || above.at <= entry.at) break
    heap[index] = above
    heap[parent] = entry
    index = parent
  }
}

function pop(heap: Entry[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let index = 0
  heap[0] = last
  for (;;) {
    const left = 2 * index + 1
    const right = left + 1
    const leftAt = heap[left]?.at ?? Number.POSITIVE_INFINITY
    const rightAt = heap[right]?.at ?? Number.POSITIVE_INFINITY
    const child = rightAt < leftAt ? right : left
    const below = heap[child]
    if (below === undefined || below.at >= last.at) return
    heap[index] = below
    heap[child] = last
    index = child
  }
}
