import type { Paint } from '../../src/cli/format.ts'

const REDRAW_MS = 100
/** Without a terminal: after so much silence it is said that something is still waited for. */
const REMINDER_MS = 10_000
const REMINDER_CHECK_MS = 500
const CLEAR_LINE = '\r\u001b[2K'
const DEFAULT_COLUMNS = 80

export type Output = { readonly columns?: number; write(text: string): unknown }

export type ScreenOptions = {
  readonly output: Output
  /** A terminal, on which the last line can be written again and again. */
  readonly live: boolean
  readonly paint: Paint
  /** Milliseconds. */
  readonly now: () => number
}

/** Where the demo is told: lines, and in a terminal one last line that lives while something is waited for. */
export class Screen {
  readonly paint: Paint
  readonly #output: Output
  readonly #live: boolean
  readonly #now: () => number
  #pending: { readonly label: string; readonly since: number } | undefined
  #toldAt = 0
  #closed = false

  constructor({ output, live, paint, now }: ScreenOptions) {
    this.#output = output
    this.#live = live
    this.paint = paint
    this.#now = now
  }

  line(text = ''): void {
    this.#clear()
    this.#write(`${text}\n`)
    this.#toldAt = this.#now()
    this.#draw()
  }

  /** Nothing is written any more. */
  close(): void {
    this.#clear()
    this.#closed = true
  }

  heading(text: string): void {
    this.line()
    this.line(this.paint('bold', text))
  }

  /** Progress of somebody else's work. */
  note(text: string): void {
    this.line(`  ${this.paint('dim', text)}`)
  }

  /** Shows that something is waited for and, at the end, how long it took. `done` replaces the label then. */
  async wait<T>(label: string, work: () => Promise<T>, done: (result: T) => string = () => label): Promise<T> {
    const since = this.#now()
    const live = this.#live
    if (live) this.#pending = { label, since }
    else this.line(`  ${label} ...`)
    const timer = live
      ? setInterval(() => this.#redraw(), REDRAW_MS)
      : setInterval(() => this.#remind(label, since), REMINDER_CHECK_MS)
    try {
      this.#draw()
      const result = await work()
      this.#end(timer)
      this.line(`  ${done(result)}  ${this.paint('dim', seconds(this.#now() - since))}`)
      return result
    } finally {
      this.#end(timer)
    }
  }

  #end(timer: NodeJS.Timeout): void {
    clearInterval(timer)
    this.#clear()
    this.#pending = undefined
  }

  #remind(label: string, since: number): void {
    const now = this.#now()
    if (now - this.#toldAt >= REMINDER_MS) this.note(`still ${label}, ${seconds(now - since)}`)
  }

  #write(text: string): void {
    if (!this.#closed) this.#output.write(text)
  }

  #redraw(): void {
    this.#clear()
    this.#draw()
  }

  #clear(): void {
    if (this.#pending !== undefined) this.#write(CLEAR_LINE)
  }

  #draw(): void {
    if (this.#pending === undefined) return
    const { label, since } = this.#pending
    const text = `  ${label} ... ${seconds(this.#now() - since)}`
    // A line that wraps could not be cleared.
    this.#write(this.paint('dim', text.slice(0, (this.#output.columns ?? DEFAULT_COLUMNS) - 1)))
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
