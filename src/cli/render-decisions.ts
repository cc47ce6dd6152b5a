import type { Decision } from '../admin/schema.ts'
import { formatMsat, type Paint, wrap } from './format.ts'

const INDENT = '  '
const CONTINUED = '    '

/** The answer to `sluice decisions`: a line for each, and below it what led to it. */
export function renderDecisions(decisions: readonly Decision[], paint: Paint): string {
  if (decisions.length === 0) return 'no decisions'
  return decisions.map((decision) => renderDecision(decision, paint)).join('\n')
}

function renderDecision({ at, what, detail }: Decision, paint: Paint): string {
  const facts = Object.entries(detail).map(([name, value]) => {
    const isAmount = name.endsWith('_msat')
    const label = (isAmount ? name.slice(0, -'_msat'.length) : name).replaceAll('_', ' ')
    return `${label} ${isAmount ? formatMsat(value) : value}`
  })
  const head = `${at}  ${paint('bold', what)}`
  return facts.length === 0 ? head : `${head}\n${paint('dim', wrap(INDENT + facts.join(', '), CONTINUED))}`
}
