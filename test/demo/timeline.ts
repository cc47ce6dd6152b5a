import { formatMilliseconds, type Paint } from '../../src/cli/format.ts'

/** Something that somebody did, told on the terminal and kept for the facts. */
export type Moment = {
  /** Milliseconds since the epoch, by the world's clock. */
  readonly at: number
  readonly who: 'wallet' | 'operator' | 'payer'
  readonly what: string
  /** Long ids and the like: on lines of their own. */
  readonly details?: readonly string[]
}

/**
 * Moments from several sources, each a little late: they are told in the order of time once none that is earlier is
 * to be expected any more.
 */
export class Timeline {
  readonly told: Moment[] = []
  #waiting: Moment[] = []

  add(moment: Moment): void {
    this.#waiting.push(moment)
  }

  /** Takes out what happened up to `until`, in order; what came at the same time stays in the order of `add`. */
  take(until: number = Number.POSITIVE_INFINITY): readonly Moment[] {
    const due = this.#waiting.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)
    this.#waiting = this.#waiting.filter(({ at }) => at > until)
    this.told.push(...due)
    return due
  }
}

/** Details begin after it: a line with a transaction id then just fits 80 columns. */
const TIME_WIDTH = 9
const WHO_WIDTH = 'operator'.length
const STYLES = { wallet: 'cyan', operator: 'green', payer: 'yellow' } as const

/** The lines of a moment. `start`: when the payment was sent; without it no time is shown. */
export function renderMoment(
  { at, who, what, details = [] }: Moment,
  start: number | undefined,
  paint: Paint,
): string[] {
  const time = start === undefined ? '' : `+${formatMilliseconds(Math.max(0, at - start))}`
  const indent = ' '.repeat(TIME_WIDTH + 2)
  const head = `${time.padStart(TIME_WIDTH)}  ${paint(STYLES[who], who)}${' '.repeat(WHO_WIDTH - who.length)}  ${what}`
  return [head, ...details.map((detail) => `${indent}${paint('dim', detail)}`)]
}
