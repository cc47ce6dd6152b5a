import type { WebhookClient, WebhookList, WebhookRecord, WebhookTest } from '../admin/schema-webhooks.ts'
import {
  type Cell,
  formatMilliseconds,
  formatTime,
  type Paint,
  pairs,
  plural,
  printable,
  type Style,
  shortId,
  table,
  thousands,
  wrap,
} from './format.ts'

type Row = readonly [string, Cell]
type Ended = NonNullable<WebhookClient['last']>
/** Only 200 says that it was heard; another status is an answer all the same, and there is no other attempt. */
type Came = { readonly status?: number | undefined; readonly why?: string | undefined }

const OK = 200
/** Columns that a host may take in a list. */
const HOST_WIDTH = 24
const APP_WIDTH = 20
/** Room beside the names of facts. */
const INDENT = '              '
/** Beside the time of an end. */
const WHY_INDENT = '                      '

/** The answer to `sluice webhooks list`. */
export function renderWebhookList({ enabled, clients, more }: WebhookList, now: number, paint: Paint): string {
  const off = enabled ? [] : [wrap('webhooks are off: write "enabled": true in the webhooks section of the config', '')]
  if (clients.length === 0) return [...off, 'no webhooks'].join('\n\n')
  const columns = [{ title: 'client' }, { title: 'is' }, { title: 'webhook' }, { title: 'last said' }]
  const rows = clients.flatMap((client) => listRows(client, now))
  const rest = more === 0 ? [] : [`and ${plural(more, 'more client')}: --limit or --json`]
  return [...off, table(columns, rows, paint), ...rest].join('\n\n')
}

/** One line for each webhook; what was said last stands beside the first of them. */
function listRows({ client, online, webhooks, last }: WebhookClient, now: number): Cell[][] {
  const said: Cell = last === undefined ? '-' : { text: lastSaid(last, now), style: styleOf(last) }
  return webhooks.map((webhook, index): Cell[] => {
    const place = `${shorten(webhook.host, HOST_WIDTH)} ${webhook.fingerprint}`
    return index === 0 ? [shortId(client), presence(online), place, said] : ['', '', place]
  })
}

function lastSaid(last: Ended, now: number): string {
  const ago = formatTime(last.ended_at, now).replace(/^.*\((\d+ \S+)?.*\)$/, '$1')
  return `${shortMethod(last.method)} ${last.status ?? 'failed'}, ${ago || 'now'}`
}

/** The answer to `sluice webhooks show`. */
export function renderWebhookClient(record: WebhookRecord, now: number, paint: Paint): string {
  const { client, online, has_channel: hasChannel, reasons, webhooks } = record
  const facts: Row[] = [
    ['client', client],
    ['is', presence(online)],
    ['channel', hasChannel ? 'yes: its webhooks are kept as long as it has one' : 'none'],
    ...reasons.flatMap(({ method, not_again_before: again, useful_until: until }): Row[] => [
      ['waits for it', `${shortMethod(method)}, until ${formatTime(until, now)}`],
      ['', `not said again before ${formatTime(again, now)}`],
    ]),
  ]
  const parts = [
    pairs(facts, paint),
    ...webhooks.map((webhook) => pairs(webhookFacts(webhook, now), paint)),
    ...(record.under_way.length === 0 ? [] : [renderUnderWay(record.under_way, now, paint)]),
    ...(record.ended.length === 0 ? [] : [renderEnded(record.ended, paint)]),
  ]
  return parts.join('\n\n')
}

function webhookFacts(webhook: WebhookRecord['webhooks'][number], now: number): Row[] {
  const { app_name: name, host, fingerprint, set_at: set, kept_until: kept, timestamp_style: style } = webhook
  return [
    ['webhook', printable(name)],
    ['host', wrap(`${host}, URL ${fingerprint}`, INDENT)],
    ['set', formatTime(set, now)],
    ...(kept === undefined ? [] : [['kept until', formatTime(kept, now)] as const]),
    ...(style === 'Z' ? [] : [['times', `written as ${style}, as LDK verifies them`] as const]),
  ]
}

function renderUnderWay(notifications: WebhookRecord['under_way'], now: number, paint: Paint): string {
  const rows = notifications.map((one): Cell[] => [
    shortMethod(one.method),
    shorten(printable(one.app_name), APP_WIDTH),
    thousands(one.attempts),
    { text: one.next_at === undefined ? one.state : `due ${formatTime(one.next_at, now)}`, style: 'yellow' },
  ])
  return table([{ title: 'being said' }, { title: 'to' }, ATTEMPTS, { title: 'now' }], rows, paint)
}

const ATTEMPTS = { title: 'attempts', align: 'right' } as const

/** One line for each, and below them why there was no answer. */
function renderEnded(ended: WebhookRecord['ended'], paint: Paint): string {
  const rows = ended.map((one): Cell[] => [
    endOf(one),
    shortMethod(one.method),
    shorten(printable(one.app_name), APP_WIDTH),
    thousands(one.attempts),
    { text: one.status === undefined ? 'failed' : `${one.status}`, style: styleOf(one) },
  ])
  const columns = [{ title: 'ended' }, { title: 'said' }, { title: 'to' }, ATTEMPTS, { title: 'outcome' }]
  const reasons = ended.flatMap((one) => {
    if (one.why === undefined) return []
    return [wrap(`${endOf(one)}  ${shortMethod(one.method)}: ${printable(one.why)}`, WHY_INDENT)]
  })
  return [table(columns, rows, paint), ...(reasons.length === 0 ? [] : [reasons.join('\n')])].join('\n\n')
}

function endOf({ ended_at: at }: Ended): string {
  return at.replace(/\.\d+Z$/, 'Z')
}

/** The answer to `sluice webhooks test`: one line for each webhook, and why below it when there was no answer. */
export function renderWebhookTest({ webhooks }: WebhookTest, paint: Paint): string {
  const rows = webhooks.map((webhook): Cell[] => [
    shorten(printable(webhook.app_name), APP_WIDTH),
    `${shorten(webhook.host, HOST_WIDTH)} ${webhook.fingerprint}`,
    { text: webhook.status === undefined ? 'no answer' : `${webhook.status}`, style: styleOf(webhook) },
    formatMilliseconds(webhook.took_ms),
  ])
  const columns = [
    { title: 'webhook' },
    { title: 'host' },
    { title: 'answered' },
    { title: 'after', align: 'right' as const },
  ]
  const failures = webhooks.flatMap(({ app_name: name, status, why }) => {
    if (status === OK) return []
    const what = status === undefined ? printable(why ?? '') : `only 200 says that it was heard, not ${status}`
    return [wrap(`${printable(name)}: ${what}`, '  ')]
  })
  const text = table(columns, rows, paint)
  return failures.length === 0 ? text : `${text}\n\n${failures.join('\n')}`
}

export function hasHeard({ status }: Came): boolean {
  return status === OK
}

function styleOf(came: Came): Style {
  if (hasHeard(came)) return 'green'
  return came.status === undefined ? 'red' : 'yellow'
}

function presence(online: boolean): Cell {
  return online ? { text: 'here', style: 'green' } : { text: 'away', style: 'dim' }
}

/** Methods of LSPS5 are long; those of other specs stay as they are. */
const SHORT_METHODS: Readonly<Record<string, string>> = {
  'lsps5.webhook_registered': 'registered',
  'lsps5.payment_incoming': 'payment',
  'lsps5.expiry_soon': 'expiry',
  'lsps5.liquidity_management_request': 'liquidity',
  'lsps5.onion_message_incoming': 'onion',
}

function shortMethod(method: string): string {
  return SHORT_METHODS[method] ?? printable(method)
}

/** Hosts are told apart by their ends: the beginning is what goes. */
function shorten(text: string, width: number): string {
  return text.length <= width ? text : `..${text.slice(text.length - width + 2)}`
}
