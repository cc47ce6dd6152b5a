import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { BitcoindProxy } from './bitcoind-proxy.ts'
import { Daemon, fileTail } from './daemon.ts'
import type { Network } from './network.ts'
import { waitFor } from './wait.ts'

const START_MS = 60_000
/** Each LSPS call of ldk-node takes up to 5 s, and a JIT invoice needs two. */
const CALL_MS = 60_000
const EVENT_MS = 60_000
const LOG_BYTES = 4_000

export type LdkNodeEvent =
  | { readonly type: 'payment_received'; readonly payment_hash: string; readonly amount_msat: string }
  | { readonly type: 'payment_successful'; readonly payment_hash: string; readonly fee_msat: string | null }
  | { readonly type: 'payment_failed'; readonly payment_hash: string | null; readonly reason: string }
  | { readonly type: 'channel_pending'; readonly outpoint: string }
  | { readonly type: 'channel_ready' }
  | { readonly type: 'channel_closed'; readonly reason: string }
  | { readonly type: 'other'; readonly text: string }

export type LdkNodeChannel = {
  readonly node_id: string
  readonly outpoint: string | null
  readonly usable: boolean
  readonly sat: string
  readonly inbound_msat: string
  readonly outbound_msat: string
  readonly their_reserve_sat: string
}

/** An order of LSPS1 as ldk-node read it; what it could not read would have been an error. Amounts in sat, as text. */
export type LdkNodeOrder = {
  readonly order_id: string
  readonly order_params: {
    readonly lsp_balance_sat: string
    readonly client_balance_sat: string
    readonly required_channel_confirmations: number
    readonly channel_expiry_blocks: number
    readonly token: string | null
    readonly announce_channel: boolean
  }
  readonly payment: {
    readonly bolt11: { readonly state: string; readonly invoice: string; readonly order_total_sat: string } | null
    readonly onchain: {
      readonly state: string
      readonly address: string
      readonly order_total_sat: string
      readonly min_fee_for_0conf: number
    } | null
  }
  readonly channel: {
    readonly funding_outpoint: string
    readonly funded_at: string
    readonly expires_at: string
  } | null
}

/** The unmodified ldk-node of `test/stack/ldk-node` as a wallet whose provider, by LSPS1 and LSPS2, is the network's LSP. */
export class LdkNodeWallet {
  readonly daemon: Daemon
  readonly nodeId: string
  readonly #port: number
  readonly #proxy: BitcoindProxy
  readonly #storage: string

  private constructor(daemon: Daemon, nodeId: string, port: number, proxy: BitcoindProxy, storage: string) {
    this.daemon = daemon
    this.nodeId = nodeId
    this.#port = port
    this.#proxy = proxy
    this.#storage = storage
  }

  /** `program` is what `ensureLdkNode` gave. Starting twice under one `name` continues the same wallet. */
  static async start(options: {
    readonly program: string
    readonly network: Network
    readonly name?: string
    readonly token?: string
    /** Takes channels of the LSP without coins for their fees. Default: yes. */
    readonly trustsLsp?: boolean
  }): Promise<LdkNodeWallet> {
    const { program, network, name = 'ldk-node', token, trustsLsp = true } = options
    const storage = join(network.folder, name)
    await mkdir(storage, { recursive: true })
    const proxy = await BitcoindProxy.start(network.btcd)
    const logFile = join(storage, 'stdout.log')
    const before = readOr(logFile).length
    const daemon = await Daemon.start({
      name,
      command: program,
      args: [],
      logFile,
      env: {
        LDK_NODE_STORAGE: storage,
        LDK_NODE_BITCOIND_PORT: String(proxy.port),
        LDK_NODE_BITCOIND_USER: 'any',
        LDK_NODE_BITCOIND_PASSWORD: 'any',
        LDK_NODE_LSP_NODE_ID: network.lsp.nodeId,
        LDK_NODE_LSP_ADDRESS: `127.0.0.1:${network.lsp.p2pPort}`,
        LDK_NODE_TRUST_LSP: trustsLsp ? 'yes' : 'no',
        ...(token === undefined ? {} : { LDK_NODE_LSP_TOKEN: token }),
      },
    })
    try {
      const port = await waitFor(
        () => {
          daemon.checkRunning()
          return Number(/^(\d+)\n/m.exec(readOr(logFile).slice(before))?.[1]) || undefined
        },
        { deadline: START_MS, what: `${name} to listen` },
      )
      const info = await call<{ node_id: string }>(port, 'info', {})
      return new LdkNodeWallet(daemon, info.node_id, port, proxy, storage)
    } catch (error) {
      await daemon.kill()
      await proxy.stop()
      throw error
    }
  }

  /** @throws Error with ldk-node's words and the end of its log */
  async #call<T>(command: string, params: object = {}): Promise<T> {
    try {
      return await call<T>(this.#port, command, params)
    } catch (error) {
      const log = fileTail(join(this.#storage, 'ldk-node.log'), LOG_BYTES)
      throw new Error(`ldk-node ${command}: ${error instanceof Error ? error.message : error}\n${log}`, {
        cause: error,
      })
    }
  }

  /** get_info and buy at the LSP; the invoice with the JIT hint. */
  receiveJit(amountMsat: bigint, maxFeeMsat?: bigint): Promise<{ invoice: string; payment_hash: string }> {
    return this.#call('receive_jit', {
      amount_msat: String(amountMsat),
      ...(maxFeeMsat === undefined ? {} : { max_fee_msat: String(maxFeeMsat) }),
    })
  }

  receiveJitVariable(): Promise<{ invoice: string; payment_hash: string }> {
    return this.#call('receive_jit_variable')
  }

  /** get_info and create_order at the LSP, with a refund address of the wallet. */
  requestChannel(order: {
    readonly lspBalance: bigint
    readonly clientBalance?: bigint
    readonly expiryBlocks: number
    readonly announce?: boolean
  }): Promise<LdkNodeOrder> {
    return this.#call('lsps1_request', {
      lsp_balance_sat: String(order.lspBalance),
      client_balance_sat: String(order.clientBalance ?? 0n),
      channel_expiry_blocks: order.expiryBlocks,
      announce_channel: order.announce ?? false,
    })
  }

  order(orderId: string): Promise<LdkNodeOrder> {
    return this.#call('lsps1_status', { order_id: orderId })
  }

  receive(amountMsat: bigint): Promise<{ invoice: string; payment_hash: string }> {
    return this.#call('receive', { amount_msat: String(amountMsat) })
  }

  send(invoice: string): Promise<{ payment_hash: string }> {
    return this.#call('send', { invoice })
  }

  address(): Promise<{ address: string }> {
    return this.#call('address')
  }

  balances(): Promise<{ onchain_sat: string; lightning_sat: string }> {
    return this.#call('balances')
  }

  async channels(): Promise<readonly LdkNodeChannel[]> {
    return (await this.#call<{ channels: LdkNodeChannel[] }>('channels')).channels
  }

  async connect(network: Network): Promise<void> {
    const address = `127.0.0.1:${network.lsp.p2pPort}`
    await this.#call('connect', { node_id: network.lsp.nodeId, address, persist: true })
  }

  /** Why LDK's own verification of webhooks (`LSPS5Validator`) refuses a call, if it does. */
  async refusalOf(
    { timestamp, signature, body }: { readonly timestamp: string; readonly signature: string; readonly body: string },
    lsp: string,
  ): Promise<string | undefined> {
    const params = { lsp, timestamp, signature, body }
    return (await this.#call<{ refused: string | null }>('verify_notification', params)).refused ?? undefined
  }

  /** Fetches blocks and mempool now; it does so by itself every 2 s. */
  async sync(): Promise<void> {
    await this.#call('sync')
  }

  async events(): Promise<readonly LdkNodeEvent[]> {
    return (await this.#call<{ events: LdkNodeEvent[] }>('events', { after: 0 })).events
  }

  waitForEvent(matches: (event: LdkNodeEvent) => boolean, what: string): Promise<LdkNodeEvent> {
    return waitFor(async () => (await this.events()).find(matches), { deadline: EVENT_MS, what })
  }

  async stop(): Promise<void> {
    await this.#call('stop').catch(() => undefined)
    await this.daemon.stop('SIGKILL')
    await this.#proxy.stop()
  }
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function call<T>(port: number, command: string, params: object): Promise<T> {
  return new Promise((resolve, reject) => {
    const out = request(
      { host: '127.0.0.1', port, path: `/${command}`, method: 'POST', agent: false, timeout: CALL_MS },
      (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk
        })
        response.once('error', reject)
        response.once('end', () => {
          try {
            const answer = JSON.parse(body) as T & { error?: string }
            if (response.statusCode === 200) resolve(answer)
            else reject(new Error(answer.error ?? body))
          } catch (error) {
            reject(error)
          }
        })
      },
    )
    out.once('timeout', () => out.destroy(new Error(`no answer within ${CALL_MS} ms`)))
    out.once('error', reject)
    out.end(JSON.stringify(params))
  })
}
