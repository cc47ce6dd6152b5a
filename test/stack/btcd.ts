import { mkdir, readFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { Daemon } from './daemon.ts'
import { freePort } from './ports.ts'
import { waitFor } from './wait.ts'

const USER = 'sluice'
const PASSWORD = 'sluice'
const START_MS = 60_000
const CALL_MS = 60_000
const CERTIFICATE_END = '-----END CERTIFICATE-----'
/** btcd's default cap on concurrent RPC calls is 20; block replay sends this many at once. */
const BATCH = 200

/** An address nobody owns: what is mined to it changes no test's balance. */
export const NOBODY = 'bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202'

/** btcd answered with an error. */
export class ChainError extends Error {
  override readonly name = 'ChainError'
  readonly code: number

  constructor(method: string, code: number, message: string) {
    super(`btcd ${method}: ${message} (${code})`)
    this.code = code
  }
}

export type BtcdOptions = {
  readonly binary: string
  readonly folder: string
  /** Who is paid for blocks; nobody by default. */
  readonly miningAddress?: string
  readonly ports?: { readonly rpc: number; readonly p2p: number }
}

/** btcd on regtest. It deletes its block database at every start: a new one is at height 0 (see `submitBlocks`). */
export class Btcd {
  readonly daemon: Daemon
  readonly ports: { readonly rpc: number; readonly p2p: number }
  readonly certPath: string
  readonly cert: Buffer
  readonly user = USER
  readonly password = PASSWORD

  private constructor(daemon: Daemon, ports: { rpc: number; p2p: number }, certPath: string, cert: Buffer) {
    this.daemon = daemon
    this.ports = ports
    this.certPath = certPath
    this.cert = cert
  }

  static async start(options: BtcdOptions): Promise<Btcd> {
    const { folder } = options
    await mkdir(folder, { recursive: true })
    const ports = options.ports ?? { rpc: await freePort(), p2p: await freePort() }
    const certPath = join(folder, 'rpc.cert')
    const daemon = await Daemon.start({
      name: 'btcd',
      command: options.binary,
      logFile: join(folder, 'btcd.log'),
      args: [
        '--regtest',
        '--txindex',
        '--rejectnonstd',
        '--nobanning',
        '--nostalldetect',
        '--nowinservice',
        '--trickleinterval=100ms',
        `--configfile=${join(folder, 'btcd.conf')}`,
        `--datadir=${join(folder, 'data')}`,
        `--logdir=${join(folder, 'logs')}`,
        `--rpcuser=${USER}`,
        `--rpcpass=${PASSWORD}`,
        `--rpccert=${certPath}`,
        `--rpckey=${join(folder, 'rpc.key')}`,
        `--rpclisten=127.0.0.1:${ports.rpc}`,
        `--listen=127.0.0.1:${ports.p2p}`,
        '--rpcmaxwebsockets=50',
        '--rpcmaxconcurrentreqs=400',
        `--miningaddr=${options.miningAddress ?? NOBODY}`,
      ],
    })
    try {
      const cert = await waitFor(
        async () => {
          daemon.checkRunning()
          const written = await readFile(certPath)
          // The file is there before all of it is.
          return written.includes(CERTIFICATE_END) ? written : undefined
        },
        { deadline: START_MS, what: 'the certificate of btcd' },
      )
      const btcd = new Btcd(daemon, ports, certPath, cert)
      await waitFor(
        async () => {
          daemon.checkRunning()
          await btcd.call('getblockcount')
          return true
        },
        { deadline: START_MS, what: 'btcd to answer' },
      )
      return btcd
    } catch (error) {
      await daemon.kill()
      throw new Error(`btcd did not start. The end of its log:\n${daemon.logTail()}`, { cause: error })
    }
  }

  /** One JSON-RPC call. @throws ChainError with btcd's code and words */
  async call<T = unknown>(method: string, ...params: readonly unknown[]): Promise<T> {
    const answer = await this.#post({ jsonrpc: '1.0', id: 1, method, params })
    return unwrap<T>(method, answer as RpcAnswer)
  }

  async #post(body: unknown): Promise<unknown> {
    const text = JSON.stringify(body)
    return new Promise((resolve, reject) => {
      const out = request(
        {
          host: '127.0.0.1',
          port: this.ports.rpc,
          servername: 'localhost',
          ca: this.cert,
          method: 'POST',
          auth: `${USER}:${PASSWORD}`,
          // btcd closes the connection after each answer.
          agent: false,
          timeout: CALL_MS,
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
        },
        (response) => {
          let received = ''
          response.setEncoding('utf8').on('data', (chunk: string) => {
            received += chunk
          })
          response.once('error', reject)
          response.once('end', () => {
            try {
              resolve(JSON.parse(received))
            } catch (error) {
              reject(new Error(`btcd answered ${response.statusCode}: ${received.slice(0, 200)}`, { cause: error }))
            }
          })
        },
      )
      out.once('timeout', () => out.destroy(new Error(`btcd did not answer within ${CALL_MS} ms`)))
      out.once('error', reject)
      out.end(text)
    })
  }

  height(): Promise<number> {
    return this.call<number>('getblockcount')
  }

  /** Mines blocks, the mempool's transactions in the first; their hashes. Lightning nodes see them a little later. */
  mine(count: number): Promise<readonly string[]> {
    return this.call<string[]>('generate', count)
  }

  /** Ids of the transactions that wait to be mined. */
  mempool(): Promise<readonly string[]> {
    return this.call<string[]>('getrawmempool')
  }

  /** A transaction in the mempool or the chain; undefined when btcd knows none by this id. */
  async transaction(txid: string): Promise<ChainTransaction | undefined> {
    try {
      return await this.call<ChainTransaction>('getrawtransaction', txid, 1)
    } catch (error) {
      if (error instanceof ChainError) return undefined
      throw error
    }
  }

  /** All blocks after the genesis block, serialized in hex. */
  async blocks(): Promise<readonly string[]> {
    const height = await this.height()
    const heights = Array.from({ length: height }, (_, index) => index + 1)
    const hashes = await this.#each<string>(heights.map((at) => ['getblockhash', [at]]))
    return this.#each<string>(hashes.map((hash) => ['getblock', [hash, 0]]))
  }

  /** Feeds saved blocks back, oldest first. */
  async submitBlocks(blocks: readonly string[]): Promise<void> {
    const answers = await this.#each<string | null>(blocks.map((block) => ['submitblock', [block]]))
    const refused = answers.find((answer) => answer !== null)
    if (refused !== undefined) throw new Error(`btcd refused a saved block: ${refused}`)
  }

  /** Calls in order, many in one request. */
  async #each<T>(calls: readonly (readonly [string, readonly unknown[]])[]): Promise<T[]> {
    const results: T[] = []
    for (let at = 0; at < calls.length; at += BATCH) {
      const batch = calls.slice(at, at + BATCH)
      const answers = (await this.#post(
        batch.map(([method, params], id) => ({ jsonrpc: '2.0', id, method, params })),
      )) as RpcAnswer[]
      const byId = new Map(answers.map((answer) => [answer.id, answer]))
      batch.forEach(([method], id) => {
        results.push(unwrap<T>(method, byId.get(id) ?? { id, error: { code: 0, message: 'no answer' } }))
      })
    }
    return results
  }

  async stop(): Promise<void> {
    await this.daemon.stop('SIGINT')
  }
}

export type ChainTransaction = {
  readonly txid: string
  readonly hex: string
  readonly vsize: number
  readonly confirmations?: number
  readonly vin: readonly { readonly txid: string; readonly vout: number }[]
  readonly vout: readonly { readonly value: number; readonly n: number; readonly scriptPubKey: { hex: string } }[]
}

type RpcAnswer = {
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string } | null
}

function unwrap<T>(method: string, answer: RpcAnswer): T {
  if (answer.error) throw new ChainError(method, answer.error.code, answer.error.message)
  return answer.result as T
}
