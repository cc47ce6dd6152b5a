import type { Row } from '../conformance/rows.ts'
import type { Outcome } from './titles.ts'

/** Titles that the table shows of one row; the rest is counted. */
export const SHOWN_TITLES = 2

const INDENT = ' '.repeat(13)
const ROW_ID = /\[(L[01257]-\d+)\]/g

/** The row ids in a title. */
export function rowsIn(title: string): readonly string[] {
  return [...title.matchAll(ROW_ID)].map(([, id]) => id ?? '')
}

/** A title without its row ids. */
function plain(title: string): string {
  return title.replaceAll(ROW_ID, '').replaceAll(/\s+/g, ' ').trim()
}

/** The table's lines, and what is wrong with it: rows without test or reason, titles with ids that are no row. */
export type RowReport = { readonly lines: readonly string[]; readonly problems: readonly string[] }

function lineOf(id: string, { says, pending }: Row, titles: readonly string[]): string {
  const label = `${id.padEnd(7)} ${titles.length.toString().padStart(3)}  ${says}`
  const shown = titles.slice(0, SHOWN_TITLES).map((title) => `${INDENT}- ${plain(title)}`)
  if (titles.length === 0) shown.push(`${INDENT}| ${pending ?? 'NO TEST AND NO REASON'}`)
  else if (pending !== undefined) shown.push(`${INDENT}| in part: ${pending}`)
  return [label, ...shown].join('\n')
}

/** Maps every row to the passed tests that carry its id. */
export function reportRows(rows: Readonly<Record<string, Row>>, outcomes: readonly Outcome[]): RowReport {
  const titles = new Map<string, string[]>(Object.keys(rows).map((id) => [id, []]))
  const unknown = new Set<string>()
  for (const { title, state } of outcomes) {
    for (const id of rowsIn(title)) {
      const known = titles.get(id)
      if (known === undefined) unknown.add(id)
      else if (state === 'passed') known.push(title)
    }
  }
  const entries = Object.entries(rows)
  const lacking = entries.filter(([id, { pending }]) => titles.get(id)?.length === 0 && pending === undefined)
  return {
    lines: entries.map(([id, row]) => lineOf(id, row, titles.get(id) ?? [])),
    problems: [
      ...lacking.map(([id]) => `row ${id} has neither a passed test nor a reason why not`),
      ...[...unknown].map((id) => `a test names ${id}, which is no row`),
    ],
  }
}
