/** What a figure must reach. */
export type Bar = { readonly rule: 'at most' | 'below' | 'at least'; readonly value: number }

/** One line of the report: a figure, and what stands beside it in the same run. */
export type Row = {
  readonly figure: string
  /** The median over the rounds. */
  readonly value: number
  readonly unit: string
  readonly rounds: readonly number[]
  readonly bar?: Bar
  /** The peer or the bare lower bound, measured in the same run. */
  readonly beside?: { readonly what: string; readonly value: number; readonly unit: string }
  /** `value` in terms of what stands beside it. */
  readonly ratio?: number
}

export type Verdict = 'met' | 'MISSED' | '-'

/** Whether the figure reaches its bar. */
export function verdictOf({ value, bar }: Row): Verdict {
  if (bar === undefined) return '-'
  const reached = { 'at most': value <= bar.value, below: value < bar.value, 'at least': value >= bar.value }
  return reached[bar.rule] ? 'met' : 'MISSED'
}

const THOUSANDS = /\B(?=(\d{3})+$)/g

function show(value: number, unit: string): string {
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 3
  const [whole = '', fraction] = value.toFixed(digits).split('.')
  const text = [whole.replace(THOUSANDS, ','), fraction].filter((part) => part !== undefined).join('.')
  return unit === '' ? text : `${text} ${unit}`
}

const HEAD = ['figure', 'median', 'bar', '', 'beside it', 'ratio', 'rounds']

function cellsOf(row: Row): string[] {
  const { figure, value, unit, bar, beside, ratio, rounds } = row
  return [
    figure,
    show(value, unit),
    bar === undefined ? '' : `${bar.rule} ${show(bar.value, unit)}`,
    verdictOf(row),
    beside === undefined ? '' : `${beside.what}: ${show(beside.value, beside.unit)}`,
    ratio === undefined ? '' : ratio.toFixed(3),
    rounds.map((round) => show(round, '')).join(' '),
  ]
}

/** The rows as a table of fixed columns. */
export function renderTable(rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.map(cellsOf)]
  const widths = HEAD.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)))
  return lines
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
