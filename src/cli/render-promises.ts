import { parseDatetime } from '../../lsps/base/datetime.ts'
import type { ClosableList, LifetimePromise, PromiseList } from '../admin/schema-promises.ts'
import {
  type Cell,
  formatMsat,
  formatSat,
  formatSeconds,
  formatTime,
  type Paint,
  pairs,
  plural,
  type Style,
  shortId,
  shortOutpoint,
  table,
  thousands,
} from './format.ts'

/** What a block takes, on average. */
const BLOCK_SECONDS = 600

const STATE_STYLE: Readonly<Record<LifetimePromise['state'], Style>> = {
  kept: 'green',
  over: 'cyan',
  closing: 'yellow',
  ended: 'dim',
  broken: 'red',
}

/** The answer to `sluice promises`. */
export function renderPromises({ promises, more, height }: PromiseList, now: number, paint: Paint): string {
  if (promises.length === 0) return 'no promises'
  const rows = promises.map((promise): Cell[] => [
    shortOutpoint(promise.outpoint),
    stateCell(promise),
    promise.until_height === undefined ? 'unconfirmed' : thousands(promise.until_height),
    leftOf(promise, height, now),
    promise.extensions.length === 0 ? '-' : thousands(promise.extensions.length),
    shortSource(promise),
  ])
  const columns = [
    { title: 'channel' },
    { title: 'state' },
    { title: 'until block', align: 'right' as const },
    { title: 'left', align: 'right' as const },
    { title: 'more', align: 'right' as const },
    { title: 'sale or order' },
  ]
  const rest = more === 0 ? [] : [`and ${thousands(more)} more: --limit, --state or --json`]
  return [table(columns, rows, paint), ...rest].join('\n\n')
}

/** The answer to `sluice promises closable`: nothing was closed. */
export function renderClosable(list: ClosableList, now: number, paint: Paint): string {
  const { channels, more, over, promised } = list
  const facts: (readonly [string, Cell])[] = [
    ['promises', `${thousands(promised)}, of which ${thousands(over)} are over`],
    ['closable', channels.length === 0 ? 'none' : plural(channels.length + more, 'channel')],
  ]
  const each = channels.map((channel) => renderChannel(channel, now, paint))
  const rest = more === 0 ? [] : [`and ${thousands(more)} more: close some of these first`]
  const nothing = channels.length === 0 ? [] : [paint('dim', 'Nothing was closed: these are the commands that would.')]
  return [pairs(facts, paint), ...each, ...rest, ...nothing].join('\n\n')
}

type Channel = ClosableList['channels'][number]

function renderChannel(channel: Channel, now: number, paint: Paint): string {
  const { outpoint, client, capacity_sat: capacity, local_sat: local, remote_sat: remote, active } = channel
  const [txid = '', index = ''] = outpoint.split(':')
  const why = channel.grounds.map((ground) => [ground.ground, groundOf(ground)] as const)
  const facts: (readonly [string, Cell])[] = [
    ['txid', txid],
    ['output', index],
    ['client', `${shortId(client)}, ${active ? 'connected' : 'away'}`],
    ['sold by', soldBy(channel)],
    ['over since', overSince(channel, now)],
    ['capacity', `${formatSat(capacity)}: ${formatSat(local)} ours, ${formatSat(remote)} theirs`],
    ...why,
  ]
  const command = [
    'lncli closechannel \\',
    `  --funding_txid ${txid} \\`,
    `  --output_index ${index} --conf_target 144`,
  ]
  return [pairs(facts, paint), ...command].join('\n')
}

function groundOf({
  ground,
  days,
  ours_sat: ours,
  earned_msat: earned,
  yield_ppm_per_year: yieldPpm,
}: Channel['grounds'][number]) {
  const time = plural(days, 'day')
  if (ground === 'idle') return `nothing settled in it for ${time}`
  if (ground === 'stranded') return `its customer is away for ${time}, ${formatSat(ours ?? '0')} are ours`
  return `${formatMsat(earned ?? '0')} earned in ${time}: ${thousands(yieldPpm ?? 0)} ppm a year`
}

function overSince({ until_height: until, not_before: notBefore }: Channel, now: number): string {
  const block = until === undefined ? '' : `block ${thousands(until)}`
  return notBefore === undefined ? block : `${block}, ${formatTime(notBefore, now)}`
}

function stateCell({ state, closing, ended }: LifetimePromise): Cell {
  const isEarly = closing?.early === true && ended === undefined
  return isEarly ? { text: 'early', style: 'red' } : { text: state, style: STATE_STYLE[state] }
}

/** By blocks, or by the time that was told, whichever is longer. */
function leftOf({ until_height: until, not_before: notBefore, ended }: LifetimePromise, height: number, now: number) {
  if (ended !== undefined || until === undefined) return '-'
  const told = notBefore === undefined ? 0 : ((parseDatetime(notBefore) ?? now) - now) / 1000
  const seconds = Math.max((until - height) * BLOCK_SECONDS, told)
  return seconds <= 0 ? '-' : formatSeconds(seconds).replace(/^(\d+ \S+) .*/, '$1')
}

/** A sale has its short channel id, an order a longer id. */
function shortSource({ sold_by: { type, id } }: LifetimePromise): string {
  return type === 'jit' ? id : shortId(id)
}

function soldBy({ sold_by: { type, id } }: LifetimePromise): string {
  return type === 'jit' ? `sale ${id}` : `order ${shortId(id)}`
}
