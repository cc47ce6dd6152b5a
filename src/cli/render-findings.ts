import { type Paint, plural, type Style } from './format.ts'

/** One thing that `sluice doctor` looked at. */
export type Finding = {
  readonly severity: 'ok' | 'warning' | 'error'
  readonly what: string
  /** Exactly what to do about it. */
  readonly fix?: string
}

const SHOWN: Readonly<Record<Finding['severity'], { readonly word: string; readonly style: Style }>> = {
  ok: { word: 'ok', style: 'green' },
  warning: { word: 'warning', style: 'yellow' },
  error: { word: 'error', style: 'red' },
}
const WORD_WIDTH = 'warning'.length
const INDENT = ' '.repeat(WORD_WIDTH + 2)

/** The answer to `sluice doctor`. */
export function renderFindings(findings: readonly Finding[], paint: Paint): string {
  const lines = findings.flatMap(({ severity, what, fix }) => {
    const { word, style } = SHOWN[severity]
    const head = `${paint(style, word)}${' '.repeat(WORD_WIDTH - word.length)}  ${indented(what)}`
    return fix === undefined ? [head] : [head, `${INDENT}${paint('bold', 'fix:')} ${indented(fix)}`]
  })
  return [...lines, '', summary(findings)].join('\n')
}

function summary(findings: readonly Finding[]): string {
  const count = (severity: Finding['severity']) => findings.filter((finding) => finding.severity === severity).length
  const errors = count('error')
  const warnings = count('warning')
  if (errors > 0) return `${plural(errors, 'error')}, ${plural(warnings, 'warning')}: sluiced will not start`
  return warnings === 0 ? 'all is well' : `${plural(warnings, 'warning')}: sluiced will start`
}

function indented(text: string): string {
  return text.replaceAll('\n', `\n${INDENT}`)
}
