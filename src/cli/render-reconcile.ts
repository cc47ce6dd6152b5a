import type { ReconcileReport } from '../admin/schema.ts'
import { type Paint, plural } from './format.ts'

const WIDTH = 80
const LABEL_WIDTH = 6

/** The answer to `sluice reconcile`: one paragraph for each difference. */
export function renderReconcile({ differences, more, compared }: ReconcileReport, paint: Paint): string {
  const { sales, openings, channels, fees } = compared
  const looked = `compared ${plural(sales, 'open sale')}, ${plural(openings, 'opening')}, ${plural(channels, 'channel')}, ${plural(fees, 'fee')}`
  const count = differences.length + more
  const summary = count === 0 ? paint('green', 'nothing differs') : paint('yellow', plural(count, 'difference'))
  const paragraphs = differences.map(({ kind, thing, ours, theirs, todo }) =>
    [
      ...wrapped(thing, 0),
      `  ${paint('yellow', kind)}`,
      ...labelled('ours', ours, paint),
      ...labelled('lnd', theirs, paint),
      ...labelled('do', todo, paint),
    ].join('\n'),
  )
  const rest = more === 0 ? [] : [`and ${plural(more, 'more difference')}`]
  return [...paragraphs, ...rest, `${looked}: ${summary}`].join('\n\n')
}

function labelled(label: string, text: string, paint: Paint): readonly string[] {
  const [first = '', ...rest] = wrapped(text, LABEL_WIDTH + 2)
  return [`  ${paint('dim', label.padEnd(LABEL_WIDTH))}${first.trimStart()}`, ...rest]
}

/** Breaks between words; a word that is longer than a line stays whole. */
function wrapped(text: string, indent: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map((part) => `${' '.repeat(indent)}${part}`)
}
