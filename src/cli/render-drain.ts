import type { DrainReport } from '../admin/schema.ts'
import { type Cell, formatTime, type Paint, pairs, plural, shortOutpoint, thousands } from './format.ts'

/** The answer to `sluice drain`. */
export function renderDrain(report: DrainReport, now: number, paint: Paint): string {
  const facts: (readonly [string, Cell])[] = [
    ['selling', selling(report, now)],
    ['open', report.done ? { text: 'nothing: sluiced may be stopped', style: 'green' } : renderOpenCounts(report)],
  ]
  const waits = report.waits_for.flatMap(({ thing, id, state, until }) => [
    `${thing} ${shortOutpoint(id)}  ${state}`,
    `  ${paint('dim', `until ${until}`)}`,
  ])
  const more = report.more === 0 ? [] : [`and ${thousands(report.more)} more`]
  const rest = [...waits, ...more]
  return [pairs(facts, paint), ...(rest.length === 0 ? [] : [rest.join('\n')])].join('\n\n')
}

/** For example `1 sale awaiting, 2 channels standing`. */
export function renderOpenCounts(report: DrainReport): string {
  const sales = Object.entries(report.sales).map(([state, count]) => `${plural(count, 'sale')} ${state}`)
  const channels = Object.entries(report.funding).map(([state, count]) => `${plural(count, 'channel')} ${state}`)
  const orders = Object.entries(report.orders ?? {}).map(([state, count]) => `${plural(count, 'order')} ${state}`)
  const held = report.held_htlcs === 0 ? [] : [`${plural(report.held_htlcs, 'HTLC')} held`]
  const effects = report.outbox_depth === 0 ? [] : [`${plural(report.outbox_depth, 'effect')} owed`]
  return [...sales, ...orders, ...channels, ...held, ...effects].join(', ') || 'nothing'
}

function selling({ draining_since: since }: DrainReport, now: number): Cell {
  if (since === undefined) return { text: 'yes', style: 'green' }
  return { text: `no, draining since ${formatTime(since, now)}`, style: 'yellow' }
}
