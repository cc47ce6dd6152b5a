import type { Status } from '../admin/schema.ts'
import {
  type Cell,
  formatMilliseconds,
  formatMsat,
  formatSat,
  formatSeconds,
  formatTime,
  type Paint,
  pairs,
  plural,
  table,
  thousands,
} from './format.ts'

/** How much of a limit may be used before it stands out. */
const NEARLY_FULL = 0.8

/** The answer to `sluice status`. */
export function renderStatus(status: Status, now: number, paint: Paint): string {
  const parts = [
    ...status.warnings.map((warning) => `${paint('yellow', 'warning')}  ${warning}`),
    pairs(facts(status, now), paint),
    table(
      [{ title: 'limit' }, { title: 'used', align: 'right' }, { title: 'of', align: 'right' }],
      limitsOf(status).map(({ name, used, max }) => [name, fill(used, max), thousands(max)]),
      paint,
    ),
    pairs(inventoryFacts(status.inventory), paint),
    table(
      [{ title: 'bound in sat' }, { title: 'used', align: 'right' }, { title: 'of', align: 'right' }],
      status.inventory.bounds.map(({ name, used_sat: used, max_sat: max }) => [
        name,
        fill(Number(used), Number(max)),
        thousands(max),
      ]),
      paint,
    ),
  ]
  return parts.join('\n\n')
}

function facts(status: Status, now: number): (readonly [string, Cell])[] {
  const { node } = status
  return [
    ['sluiced', `${status.version} on ${status.network}, up ${formatSeconds(status.uptime_seconds)}`],
    ['started', formatTime(status.started_at, now)],
    ...(node === undefined ? [['lnd', { text: 'not reached yet', style: 'red' }] as const] : nodeFacts(node)),
    ['interceptor', upOrDown(status.interceptor_up)],
    ['streams', streams(status)],
    ...(status.draining_since === undefined ? [] : [['selling', draining(status.draining_since, now)] as const]),
    ['sales', counts(status.sales)],
    ...(status.orders === undefined ? [] : [['orders', counts(status.orders)] as const]),
    ['held', `${plural(status.held.htlcs, 'HTLC')}, ${formatMsat(status.held.amount_msat)}`],
    ['openings', counts(status.funding)],
    ['outbox', `${thousands(status.outbox_depth)} waiting`],
    ['earned', { text: formatMsat(status.earned_msat), style: 'green' }],
    ...(status.orders_earned_msat === undefined
      ? []
      : [['by orders', { text: formatMsat(status.orders_earned_msat), style: 'green' }] as const]),
    ...(status.promises === undefined ? [] : [['promises', counts(status.promises)] as const]),
    ...(status.webhooks === undefined ? [] : [['webhooks', webhooks(status.webhooks)] as const]),
    ...(status.woken === undefined ? [] : [['woken', woken(status.woken)] as const]),
    ...(status.waiting === undefined ? [] : [['waiting', waiting(status.waiting)] as const]),
  ]
}

function webhooks({ clients, webhooks, notifications }: NonNullable<Status['webhooks']>): string {
  return `${thousands(webhooks)} of ${plural(clients, 'client')}, ${plural(notifications, 'notification')} under way`
}

function woken({ calls, came, median_ms: median, answered, unanswered }: NonNullable<Status['woken']>): string {
  const how = median === undefined ? '' : `, half within ${formatMilliseconds(median)}`
  const webhooks = `${thousands(answered)} answered, ${thousands(unanswered)} not`
  return `${thousands(came)} of ${plural(calls, 'client')} that ${calls === 1 ? 'was' : 'were'} called${how}; ${webhooks}`
}

function waiting({ htlcs, clients, amount_msat: amount }: NonNullable<Status['waiting']>): string {
  return `${plural(htlcs, 'HTLC')}, ${formatMsat(amount)}, for ${plural(clients, 'client')} that ${clients === 1 ? 'is' : 'are'} away`
}

function draining(since: string, now: number): Cell {
  return { text: `no, draining since ${formatTime(since, now)}`, style: 'yellow' }
}

function inventoryFacts(inventory: Status['inventory']): (readonly [string, Cell])[] {
  const { ready_coins: ready, budget_next_release_seconds: release } = inventory
  const sells = inventory.sells === 'nothing' ? ({ text: 'nothing', style: 'red' } as const) : inventory.sells
  return [
    ['sells', sells],
    [
      'coins',
      `${plural(inventory.coins, 'coin')}, ${formatSat(inventory.free_sat)} free, ${formatSat(inventory.available_sat)} to spend`,
    ],
    [
      'kept back',
      `${formatSat(inventory.reserve_sat)} reserve, ${formatSat(inventory.anchor_reserve_sat)} for anchor channels`,
    ],
    ['reserved', `${plural(inventory.reservations, 'opening')}, ${formatSat(inventory.reserved_sat)}`],
    ...(ready === undefined
      ? []
      : [
          [
            'ready',
            `${ready.ready} of ${ready.wanted} coins of ${formatSat(ready.size_sat)}, ${ready.coming} coming`,
          ] as const,
        ]),
    ['sold', `${plural(inventory.channels, 'channel')}, ${formatSat(inventory.capacity_sat)}`],
    [
      'largest',
      `channel of ${formatSat(inventory.largest_channel_sat)}, ${formatSat(inventory.inbound_sat)} can come in`,
    ],
    ['budget', release === undefined ? 'nothing spent' : `next freed in ${formatSeconds(release)}`],
    ['cooldown', plural(inventory.cooling_peers, 'peer')],
  ]
}

function nodeFacts(node: NonNullable<Status['node']>): (readonly [string, Cell])[] {
  const synced = node.synced_to_chain ? 'synced' : 'NOT synced to the chain'
  const interceptor = node.require_interceptor ? 'with requireinterceptor' : 'without requireinterceptor'
  return [
    ['lnd', `${node.lnd_version}, ${interceptor}, block ${thousands(node.block_height)}, ${synced}`],
    ['node', `${node.alias} ${node.node_id}`],
    ['wallet', node.wallet_sat === undefined ? 'not known now' : `${formatSat(node.wallet_sat)} confirmed and free`],
  ]
}

function streams(status: Status): Cell {
  const down = status.streams.filter(({ up }) => !up)
  const restarts = status.streams.reduce((sum, stream) => sum + stream.restarts, 0)
  const again = restarts === 0 ? '' : `, reopened ${plural(restarts, 'time')}`
  if (down.length === 0) return { text: `all ${status.streams.length} up${again}`, style: 'green' }
  return { text: `down: ${down.map(({ name }) => name).join(', ')}${again}`, style: 'red' }
}

function limitsOf({ limits, access_slots: slots }: Status): Status['limits'] {
  return slots === undefined ? limits : [...limits, { name: "lnd's access slots", ...slots }]
}

function fill(used: number, max: number): Cell {
  if (used < max * NEARLY_FULL) return thousands(used)
  return { text: thousands(used), style: used < max ? 'yellow' : 'red' }
}

function counts(byState: Readonly<Record<string, number>>): string {
  const parts = Object.entries(byState).map(([state, count]) => `${thousands(count)} ${state}`)
  return parts.join(', ') || 'none'
}

function upOrDown(up: boolean): Cell {
  return up ? { text: 'up', style: 'green' } : { text: 'down', style: 'red' }
}
