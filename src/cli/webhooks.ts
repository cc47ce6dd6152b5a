import type { Command } from 'commander'
import {
  LiquidityRequest,
  WebhookList,
  WebhookRecord,
  WebhookTest,
  type WebhookTestOrder,
} from '../admin/schema-webhooks.ts'
import { WEBHOOK_TEST_TIMEOUT_MS } from '../admin/webhooks.ts'
import { dataPaths } from '../config/paths.ts'
import { askDaemon, tellDaemon } from './admin-client.ts'
import { type CommonOptions, type Console, configOf, limitOf, printResult, withCommonOptions } from './command.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { hasHeard, renderWebhookClient, renderWebhookList, renderWebhookTest } from './render-webhooks.ts'

/** The daemon's answer says more than our silence. */
const TEST_TIMEOUT_MS = WEBHOOK_TEST_TIMEOUT_MS + 5_000

type ListOptions = CommonOptions & { readonly limit: string }
type TestOptions = CommonOptions & { readonly app?: string }

export type WebhooksDeps = { readonly console: Console; readonly setExitCode: (code: ExitCode) => void }

export function addWebhooks(program: Command, deps: WebhooksDeps): void {
  const webhooks = program
    .command('webhooks')
    .summary('where clients are woken, and what is said there')
    .description(
      'Where clients are woken when something waits for them (LSPS5), and what is said there. URLs are not shown, since ' +
        "each carries its client's token: their hosts are, and a fingerprint that tells two of them apart.",
    )
  addList(webhooks, deps)
  addShow(webhooks, deps)
  addTest(webhooks, deps)
  addRequestLiquidity(webhooks, deps)
}

function addList(webhooks: Command, { console }: WebhooksDeps): void {
  const command = webhooks
    .command('list', { isDefault: true })
    .summary('clients, their webhooks, and what was said last')
    .description(
      'Lists clients with webhooks: those to whom something was said last first. `sluice webhooks` does so too.',
    )
    .option('--limit <number>', 'at most this many clients', '50')
  withCommonOptions(command).action(async (options: ListOptions) => {
    const query = new URLSearchParams({ limit: limitOf(options) })
    const answer = await askDaemon(dataPaths(configOf(options)).socket, `/v1/webhooks?${query}`, WebhookList)
    printResult(console, options, { json: answer, text: () => renderWebhookList(answer, console.now(), console.paint) })
  })
}

function addShow(webhooks: Command, { console }: WebhooksDeps): void {
  const command = webhooks
    .command('show')
    .argument('<client>', 'the node id of the client')
    .description(
      'Shows the webhooks of one client, what is being said to them, and what came of the last notifications.',
    )
  withCommonOptions(command).action(async (client: string, options: CommonOptions) => {
    const path = `/v1/webhooks/${encodeURIComponent(client)}`
    const record = await askDaemon(dataPaths(configOf(options)).socket, path, WebhookRecord)
    printResult(console, options, {
      json: record,
      text: () => renderWebhookClient(record, console.now(), console.paint),
    })
  })
}

function addTest(webhooks: Command, { console, setExitCode }: WebhooksDeps): void {
  const command = webhooks
    .command('test')
    .argument('<client>', 'the node id of the client')
    .summary('calls the webhooks of a client now')
    .description(
      'Sends lsps5.webhook_registered once more to the webhooks of a client, signed as always, and waits for what comes ' +
        'of it: once, without another attempt. Wakes nobody: it tells wallets nothing new. Exits with 1 unless each ' +
        'answered 200.',
    )
    .option('--app <name>', 'only the webhook with this name')
  withCommonOptions(command).action(async (client: string, options: TestOptions) => {
    const path = `/v1/webhooks/${encodeURIComponent(client)}/test`
    const order: WebhookTestOrder = options.app === undefined ? {} : { app_name: options.app }
    const { socket } = dataPaths(configOf(options))
    const test = await tellDaemon(socket, path, order, WebhookTest, TEST_TIMEOUT_MS)
    printResult(console, options, { json: test, text: () => renderWebhookTest(test, console.paint) })
    if (!test.webhooks.every(hasHeard)) setExitCode(EXIT.FAILED)
  })
}

function addRequestLiquidity(webhooks: Command, { console, setExitCode }: WebhooksDeps): void {
  const command = webhooks
    .command('request-liquidity')
    .argument('<client>', 'the node id of the client')
    .summary('asks a client for liquidity back')
    .description(
      'Tells the webhooks of a client that is away that some of what is in its channels is wanted back ' +
        '(lsps5.liquidity_management_request). What it does is for the client to say; closes nothing. Exits with 1 when ' +
        'the client is connected: then nothing is sent.',
    )
  withCommonOptions(command).action(async (client: string, options: CommonOptions) => {
    const path = `/v1/webhooks/${encodeURIComponent(client)}/request-liquidity`
    const request = await tellDaemon(dataPaths(configOf(options)).socket, path, {}, LiquidityRequest)
    const isCalled = request.outcome === 'called'
    const text = isCalled
      ? `its webhooks are called: sluice webhooks show ${request.client}`
      : 'nothing was sent: the client is connected, and webhooks are for those who are away'
    printResult(console, options, { json: request, text: () => text })
    if (!isCalled) setExitCode(EXIT.FAILED)
  })
}
