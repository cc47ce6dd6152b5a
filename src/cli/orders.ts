import { type Command, Option } from 'commander'
import {
  ORDER_STATES,
  type OrderAction,
  OrderList,
  OrderOutcome,
  OrderRecord,
  type OrderSummary,
} from '../admin/schema-orders.ts'
import { dataPaths } from '../config/paths.ts'
import { askDaemon, tellDaemon } from './admin-client.ts'
import { type CommonOptions, type Console, configOf, limitOf, printResult, withCommonOptions } from './command.ts'
import { renderOrder, renderOrders, renderOutcome } from './render-orders.ts'

type ListOptions = CommonOptions & { readonly state?: string; readonly limit: string; readonly before?: string }
type ActionOptions = CommonOptions & { readonly yes?: boolean }
type Action = OrderAction['action']

export function addOrders(program: Command, console: Console): void {
  const orders = program
    .command('orders')
    .summary('orders of channels and of longer lives for them')
    .description('Orders of channels (LSPS1) and of longer lives for channels that were sold here (LSPS7).')
  addList(orders, console)
  addShow(orders, console)
  addAction(orders, console, 'refund', {
    summary: 'gives back what was paid for an order that is not served yet',
    description:
      'Gives back what was paid for an order that is not served yet: what lnd holds goes back to its payer, what came on ' +
      'chain to the refund address. Only says what it would do, until --yes is added. Everything else that is owed ' +
      'back is sent without being asked for.',
  })
  addAction(orders, console, 'cancel', {
    summary: 'gives up an order that nobody has paid',
    description:
      'Gives up an order that nobody has paid: its invoice cannot be paid any more. Only says what it would do, until ' +
      '--yes is added.',
  })
}

function addList(orders: Command, console: Console): void {
  const command = orders
    .command('list')
    .description('Lists orders, newest first.')
    .addOption(new Option('--state <state>', 'only orders in this state').choices(ORDER_STATES))
    .option('--limit <number>', 'at most this many', '50')
    .option('--before <order>', 'only orders older than this one: the next page')
  withCommonOptions(command).action(async (options: ListOptions) => {
    const { state, before } = options
    const limit = limitOf(options)
    const query = new URLSearchParams({ limit, ...(state && { state }), ...(before && { before }) })
    const answer = await askDaemon(dataPaths(configOf(options)).socket, `/v1/orders?${query}`, OrderList)
    printResult(console, options, {
      json: answer,
      text: () =>
        [renderOrders(answer.orders, console.now(), console.paint), ...nextPage(answer.orders, options)].join('\n\n'),
    })
  })
}

/** A full page may not be the last one. */
function nextPage(orders: readonly OrderSummary[], { limit, state }: ListOptions): string[] {
  const last = orders.at(-1)
  if (last === undefined || String(orders.length) !== limit) return []
  const filter = state === undefined ? '' : ` --state ${state}`
  return [`older ones: sluice orders list${filter} --limit ${limit} \\\n  --before ${last.id}`]
}

function addShow(orders: Command, console: Console): void {
  const command = orders
    .command('show')
    .argument('<order>', "the order's id, or the hash of its payment by Lightning")
    .description('Shows one order: its price with the formula, what came in and went back, and each step.')
  withCommonOptions(command).action(async (order: string, options: CommonOptions) => {
    const path = `/v1/orders/${encodeURIComponent(order)}`
    const record = await askDaemon(dataPaths(configOf(options)).socket, path, OrderRecord)
    printResult(console, options, { json: record, text: () => renderOrder(record, console.now(), console.paint) })
  })
}

function addAction(
  orders: Command,
  console: Console,
  action: Action,
  { summary, description }: { readonly summary: string; readonly description: string },
): void {
  const command = orders
    .command(action)
    .argument('<order>', "the order's id")
    .summary(summary)
    .description(description)
    .option('--yes', 'do it')
  withCommonOptions(command).action(async (order: string, options: ActionOptions) => {
    const path = `/v1/orders/${encodeURIComponent(order)}`
    const body: OrderAction = { action, confirmed: options.yes === true }
    const outcome = await tellDaemon(dataPaths(configOf(options)).socket, path, body, OrderOutcome)
    printResult(console, options, { json: outcome, text: () => renderOutcome(outcome, console.paint) })
  })
}
