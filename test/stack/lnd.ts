import { cp, mkdir, readFile, rm } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { authenticatedLndGrpc } from 'lightning'
import type { Btcd } from './btcd.ts'
import { Daemon } from './daemon.ts'
import { freePort } from './ports.ts'
import { waitFor } from './wait.ts'

const START_MS = 120_000
const SYNC_MS = 120_000
const CALL_MS = 60_000
/** How many wallets without a channel may connect (decisions.md D21); lnd's default is 100. */
const RESTRICTED_SLOTS = 5_000

export type LndOptions = {
  /** Hold forwards while no interceptor is attached. Off by default, as in lnd. */
  readonly requireInterceptor?: boolean
  /** zero-conf and scid-alias channels; on by default. */
  readonly zeroConf?: boolean
  /** Sets feature bit 729 ("an LSP") in `init` and the node announcement. */
  readonly customInit?: boolean
  /** Further flags, as on the command line. */
  readonly flags?: readonly string[]
}

type Start = {
  readonly name: string
  readonly binary: string
  readonly btcd: Btcd
  /** Where lnd keeps everything; may hold a copied node. */
  readonly folder: string
  readonly options: LndOptions
}

/** `STACK_LND_LOG=debug` makes the nodes' logs as verbose as lnd can. */
const { STACK_LND_LOG } = process.env

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** What lnd's raw gRPC clients answer; each caller names the fields that it reads. */
// biome-ignore lint/suspicious/noExplicitAny: grpc-js makes these clients from proto files at run time
type RawClient = any
type Service = 'default' | 'router' | 'wallet' | 'invoices' | 'chain' | 'signer' | 'peers' | 'version'
type RawServices = Readonly<Record<Service, RawClient>>

/** An lnd node: its process, its files and a raw gRPC connection. Survives restarts under the same name and ports. */
export class Lnd {
  readonly name: string
  readonly folder: string
  readonly p2pPort: number
  readonly rpcPort: number
  /** The node's public key, hex; there after the first start. */
  nodeId = ''
  options: LndOptions
  readonly #binary: string
  readonly #btcd: Btcd
  #daemon: Daemon | undefined
  #clients: ReturnType<typeof authenticatedLndGrpc>['lnd'] | undefined

  private constructor(start: Start, p2pPort: number, rpcPort: number) {
    this.name = start.name
    this.folder = start.folder
    this.options = start.options
    this.p2pPort = p2pPort
    this.rpcPort = rpcPort
    this.#binary = start.binary
    this.#btcd = start.btcd
  }

  static async start(start: Start): Promise<Lnd> {
    const node = new Lnd(start, await freePort(), await freePort())
    await mkdir(node.folder, { recursive: true })
    await node.start()
    return node
  }

  /** `host:port` of gRPC: with `certPath` and `macaroonPath` all that a client needs. */
  get socket(): string {
    return `127.0.0.1:${this.rpcPort}`
  }

  get certPath(): string {
    return join(this.folder, 'tls.cert')
  }

  get macaroonPath(): string {
    return join(this.folder, 'data', 'chain', 'bitcoin', 'regtest', 'admin.macaroon')
  }

  get logFile(): string {
    return join(this.folder, 'stdout.log')
  }

  get daemon(): Daemon {
    if (this.#daemon === undefined) throw new Error(`${this.name} was never started`)
    return this.#daemon
  }

  /** Raw grpc-js clients by service; a new set after every start. */
  get rpc(): RawServices {
    if (this.#clients === undefined) throw new Error(`${this.name} is not running`)
    return this.#clients as unknown as RawServices
  }

  /**
   * One unary call, for example `call<{ txid: string }>('default', 'sendCoins', {...})`.
   * @throws Error with the method's name and lnd's words; at the latest after 30 s
   */
  call<T>(service: Service, method: string, request: object = {}): Promise<T> {
    return new Promise((resolve, reject) => {
      this.rpc[service][method](
        request,
        { deadline: Date.now() + CALL_MS },
        (error: (Error & { details?: string }) | null, answer: T) => {
          if (error) reject(new Error(`${this.name} ${method}: ${error.details || error.message}`, { cause: error }))
          else resolve(answer)
        },
      )
    })
  }

  /** Starts the process and waits until it serves calls; not until it is synced (see `waitSynced`). */
  async start(options: LndOptions = this.options): Promise<void> {
    if (this.#daemon?.running) throw new Error(`${this.name} runs already`)
    this.options = options
    const daemon = await Daemon.start({
      name: this.name,
      command: this.#binary,
      logFile: this.logFile,
      args: this.#flags(),
    })
    this.#daemon = daemon
    try {
      await this.#connect(daemon)
    } catch (error) {
      this.#disconnect()
      await daemon.kill()
      throw new Error(`${this.name} did not start. The end of its log:\n${daemon.logTail()}`, { cause: error })
    }
  }

  /** One client for the whole wait: making one reads a dozen proto files, which would slow down lnd's own start. */
  async #connect(daemon: Daemon): Promise<void> {
    const wait = <T>(condition: () => Promise<T>, what: string) =>
      waitFor(
        () => {
          daemon.checkRunning()
          return condition()
        },
        { deadline: START_MS, what: `${this.name} to ${what}` },
      )
    await wait(() => isListening(this.rpcPort), 'listen')
    const [cert, macaroon] = await wait(
      () => Promise.all([readFile(this.certPath), readFile(this.macaroonPath)]),
      'write its macaroon',
    )
    const { lnd } = authenticatedLndGrpc({
      cert: cert.toString('base64'),
      macaroon: macaroon.toString('base64'),
      socket: `localhost:${this.rpcPort}`,
    })
    this.#clients = lnd
    const info = await wait(() => this.info(), 'serve calls')
    this.nodeId = info.identity_pubkey
  }

  #disconnect(): void {
    const clients = new Set<RawClient>(Object.values(this.#clients ?? {}))
    for (const client of clients) client.close?.()
    this.#clients = undefined
  }

  #flags(): string[] {
    const { requireInterceptor = false, zeroConf = true, customInit = false, flags = [] } = this.options
    return [
      `--lnddir=${this.folder}`,
      `--alias=${this.name}`,
      '--noseedbackup',
      '--norest',
      '--nobootstrap',
      `--listen=127.0.0.1:${this.p2pPort}`,
      `--rpclisten=127.0.0.1:${this.rpcPort}`,
      '--bitcoin.regtest',
      '--bitcoin.node=btcd',
      '--bitcoin.defaultchanconfs=1',
      `--btcd.rpchost=127.0.0.1:${this.#btcd.ports.rpc}`,
      `--btcd.rpcuser=${this.#btcd.user}`,
      `--btcd.rpcpass=${this.#btcd.password}`,
      `--btcd.rpccert=${this.#btcd.certPath}`,
      // lnd's own test suite uses these four: they shorten timers that are made for the open network.
      '--trickledelay=50',
      '--gossip.sub-batch-delay=5ms',
      '--db.batch-commit-interval=10ms',
      '--caches.rpc-graph-cache-duration=100ms',
      '--minbackoff=200ms',
      '--maxbackoff=1s',
      `--num-restricted-slots=${RESTRICTED_SLOTS}`,
      '--protocol.wumbo-channels',
      `--debuglevel=${STACK_LND_LOG || 'info'}`,
      ...(zeroConf ? ['--protocol.option-scid-alias', '--protocol.zero-conf'] : []),
      ...(customInit ? ['--protocol.custom-init=729', '--protocol.custom-nodeann=729'] : []),
      ...(requireInterceptor ? ['--requireinterceptor'] : []),
      ...flags,
    ]
  }

  info(): Promise<NodeInfo> {
    return this.call<NodeInfo>('default', 'getInfo')
  }

  /** Waits until the node has seen the chain's best block and says that it is synced. */
  async waitSynced(): Promise<void> {
    await waitFor(
      async () => {
        this.daemon.checkRunning()
        const [info, height] = await Promise.all([this.info(), this.#btcd.height()])
        return info.synced_to_chain && info.block_height === height
      },
      { deadline: SYNC_MS, what: `${this.name} to be synced to the chain` },
    )
  }

  /** Ends the process cleanly; the folder stays. */
  async stop(): Promise<void> {
    this.#disconnect()
    if (this.#daemon?.running) await this.#daemon.stop('SIGTERM')
  }

  /** kill -9: what a power cut leaves. */
  async kill(): Promise<void> {
    this.#disconnect()
    await this.#daemon?.kill()
  }

  /** Stops (or picks up after a kill) and starts on the same folder and ports, with the same options unless given. */
  async restart(options: LndOptions = this.options): Promise<void> {
    await this.stop()
    await this.start(options)
    await this.waitSynced()
  }

  /** Copies the stopped node's files. Both copies are the same node: only one may ever run. */
  async copyTo(folder: string): Promise<void> {
    if (this.#daemon?.running) throw new Error(`${this.name} must be stopped before its files are copied`)
    await cp(this.folder, folder, { recursive: true })
    await Promise.all([join(folder, 'logs'), join(folder, 'stdout.log')].map((path) => rm(path, { recursive: true })))
  }
}

export type NodeInfo = {
  readonly identity_pubkey: string
  readonly version: string
  readonly block_height: number
  readonly synced_to_chain: boolean
  readonly synced_to_graph: boolean
}
