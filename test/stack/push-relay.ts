import { writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { SIGNATURE_HEADER, TIMESTAMP_HEADER } from '../../lsps/lsps5/signed-text.ts'
import { createRelay, type Device } from '../unit/docs/relay-example.ts'
import { PUSH } from '../unit/webhooks/delivery/pem.ts'
import type { Network } from './network.ts'
import { waitFor } from './wait.ts'

const CALL_MS = 60_000

/** A call of a webhook as it came, and what it was answered. */
export type RelayCall = {
  /** The name of the device, as in its URL. */
  readonly device: string
  /** When it was there, by the system's clock. */
  readonly at: number
  readonly method: string
  readonly timestamp: string
  readonly signature: string
  readonly body: string
  /** 200: verified. 403 with the reason: not by the LSP, not now, or seen before. */
  readonly status: number
  readonly refused: string
}

/** Told of each verified call; what it does takes as long as it likes. */
export type OnPush = (method: string) => void

/** The relay of docs/relay.md behind HTTPS on this machine: a push service that wakes processes instead of phones. */
export class PushRelay {
  /** All calls that were answered, oldest first. */
  readonly calls: RelayCall[] = []
  /** How many calls came and are not answered: those of a relay that hangs. */
  unanswered = 0
  readonly #lsp: NodeId
  readonly #server: Server
  readonly #devices = new Map<string, Device>()
  readonly #pushes = new Map<string, OnPush>()
  readonly #answer = createRelay(this.#devices, async (device, method) => this.#pushes.get(device)?.(method))
  readonly #behaviour: 'answers' | 'hangs'

  private constructor(lsp: NodeId, behaviour: 'answers' | 'hangs') {
    this.#lsp = lsp
    this.#behaviour = behaviour
    this.#server = createServer(PUSH, (request, response) => void this.#serve(request, response))
  }

  /** `hangs`: takes calls, and answers none. */
  static async start(network: Network, behaviour: 'answers' | 'hangs' = 'answers'): Promise<PushRelay> {
    const relay = new PushRelay(network.lsp.nodeId as NodeId, behaviour)
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve))
    return relay
  }

  /** The URL of a device, to be registered by its wallet: with a token, as the page about relays says. */
  urlOf(device: string, onPush: OnPush): string {
    this.#devices.set(device, { lsp: this.#lsp, pushToken: device })
    this.#pushes.set(device, onPush)
    const { port } = this.#server.address() as AddressInfo
    return `https://localhost:${port}/push?token=${encodeURIComponent(device)}`
  }

  callsOf(device: string, method: string): readonly RelayCall[] {
    return this.calls.filter((call) => call.device === device && call.method === method)
  }

  /** Resolves with the first call of the method that came after `after`, milliseconds of the system's clock. */
  waitForCall(device: string, method: string, after = 0): Promise<RelayCall> {
    return waitFor(() => this.callsOf(device, method).find(({ at }) => at >= after), {
      deadline: CALL_MS,
      pollMs: 5,
      what: `${method} for ${device}`,
    })
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = Date.now()
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    if (this.#behaviour === 'hangs') {
      this.unanswered += 1
      return
    }
    const url = `https://${request.headers.host}${request.url}`
    const timestamp = header(request, TIMESTAMP_HEADER)
    const signature = header(request, SIGNATURE_HEADER)
    const headers = { [TIMESTAMP_HEADER]: timestamp, [SIGNATURE_HEADER]: signature }
    const method = request.method ?? ''
    const answer = await this.#answer(new Request(url, { method, headers, body }))
    const { status } = answer
    const refused = await answer.text()
    const device = new URL(url).searchParams.get('token') ?? ''
    this.calls.push({ device, at, method: methodOf(body), timestamp, signature, body, status, refused })
    response.writeHead(status).end(refused)
  }
}

/** The environment in which sluiced trusts the certificate of relays: what Node offers for authorities of one's own. */
export function trustingRelays(network: Network): Readonly<Record<string, string>> {
  const file = join(network.folder, 'relay.pem')
  writeFileSync(file, PUSH.cert)
  return { NODE_EXTRA_CA_CERTS: file }
}

function header(request: IncomingMessage, name: string): string {
  return String(request.headers[name] ?? '')
}

function methodOf(body: string): string {
  try {
    return String((JSON.parse(body) as { method?: unknown }).method)
  } catch {
    return 'not JSON'
  }
}
