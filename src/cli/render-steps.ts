import { type Cell, formatMilliseconds, formatMsat, formatSat, type Paint, printable, table } from './format.ts'

type Step = {
  readonly at: string
  readonly offset_ms: number
  readonly what: string
  readonly detail: Readonly<Record<string, string>>
}

/** One line a step, and below it, one line each, what belongs to it: outpoints and hashes are long. */
export function renderSteps(steps: readonly Step[], paint: Paint): string {
  const rows = steps.flatMap((step, index): Cell[][] => {
    const before = steps[index - 1]?.offset_ms ?? step.offset_ms
    const after = `+${formatMilliseconds(Math.max(0, step.offset_ms - before))}`
    const details = Object.entries(step.detail).map(([name, value]): Cell[] => ['', '', detailCell(name, value)])
    return [[step.at, after, { text: step.what, style: 'bold' }], ...details]
  })
  return table([{ title: 'time' }, { title: 'after', align: 'right' }, { title: 'step' }], rows, paint)
}

function detailCell(name: string, value: string): Cell {
  const unit = /_(m?sat)$/.exec(name)?.[1]
  const label = (unit === undefined ? name : name.slice(0, -unit.length - 1)).replaceAll('_', ' ')
  // Clients name their webhooks, and nodes word their failures.
  return { text: `  ${label} ${printable(amountOf(value, unit))}`, style: 'dim' }
}

function amountOf(value: string, unit: string | undefined): string {
  if (unit === undefined || !/^-?\d+$/.test(value)) return value
  return unit === 'msat' ? formatMsat(value) : formatSat(value)
}
