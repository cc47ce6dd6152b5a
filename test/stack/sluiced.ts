import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type * as z from 'zod'
import { FlightRecord, SaleList, type SaleSummary, Status } from '../../src/admin/schema.ts'
import { OrderRecord } from '../../src/admin/schema-orders.ts'
import { type LifetimePromise, PromiseList } from '../../src/admin/schema-promises.ts'
import { askDaemon } from '../../src/cli/admin-client.ts'
import { Daemon } from './daemon.ts'
import type { Network } from './network.ts'
import { waitFor } from './wait.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const READY_MS = 60_000
const STEP_MS = 60_000

export type SluicedOptions = {
  readonly lsps2?: object
  /** Anything else of the config. */
  readonly config?: object
  readonly env?: Readonly<Record<string, string>>
}

/** What the tests sell: 0.25 %, at least 1,000 sat. */
export const OFFER = {
  min_fee_msat: '1000000',
  proportional: 2500,
  min_payment_size_msat: '10000000',
  max_payment_size_msat: '4000000000',
}

/** `sluiced` as operators run it: its own process, a config file, a data folder; it can be killed and started again. */
export class Sluiced {
  readonly folder: string
  readonly configFile: string
  readonly #logFile: string
  readonly #env: Readonly<Record<string, string>>
  #daemon: Daemon | undefined

  constructor(network: Network, options: SluicedOptions = {}) {
    this.folder = join(network.folder, 'sluice')
    this.configFile = join(this.folder, 'sluice.json')
    this.#logFile = join(this.folder, 'sluiced.log')
    this.#env = options.env ?? {}
    mkdirSync(this.folder, { recursive: true })
    const config = {
      network: 'regtest',
      data_dir: join(this.folder, 'data'),
      lnd: {
        socket: network.lsp.socket,
        cert_path: network.lsp.certPath,
        macaroon_path: network.lsp.macaroonPath,
      },
      log: { level: 'debug' },
      lsps2: { enabled: true, offers: [OFFER], pricing: { mode: 'fixed' }, ...options.lsps2 },
      ...options.config,
    }
    writeFileSync(this.configFile, JSON.stringify(config, undefined, 2))
  }

  /** Starts the process; resolves when it serves. `env` is for this start only. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.launch(env)
    await this.waitReady()
  }

  /** Starts the process and does not wait. `env` is for this start only. */
  async launch(env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#daemon = await Daemon.start({
      name: 'sluiced',
      command: process.execPath,
      args: [join(ROOT, 'bin/sluiced.js'), '--config', this.configFile],
      logFile: this.#logFile,
      env: { ...this.#env, ...env },
    })
  }

  async waitReady(): Promise<void> {
    await waitFor(
      async () => {
        this.process.checkRunning()
        return (await this.status()).interceptor_up
      },
      { deadline: READY_MS, pollMs: 20, what: 'sluiced to serve' },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}. The end of its log:\n${this.process.logTail()}`)
    })
  }

  get process(): Daemon {
    if (this.#daemon === undefined) throw new Error('sluiced was not started')
    return this.#daemon
  }

  status(): Promise<Status> {
    return this.#ask('/v1/status', Status)
  }

  async sales(): Promise<readonly SaleSummary[]> {
    return (await this.#ask('/v1/jit?limit=1000', SaleList)).sales
  }

  show(scid: string): Promise<FlightRecord> {
    return this.#ask(`/v1/jit/${scid}`, FlightRecord)
  }

  /** Resolves with the sale once it is in the state. */
  waitForSale(scid: string, state: string): Promise<FlightRecord> {
    return waitFor(
      async () => {
        const sale = await this.show(scid).catch(() => undefined)
        return sale?.state === state ? sale : undefined
      },
      { deadline: STEP_MS, pollMs: 20, what: `sale ${scid} to be ${state}` },
    )
  }

  showOrder(id: string): Promise<OrderRecord> {
    return this.#ask(`/v1/orders/${id}`, OrderRecord)
  }

  /** Resolves with the order once it is so. */
  waitForOrder(
    id: string,
    is: (order: OrderRecord) => boolean,
    what: string,
    deadline = STEP_MS,
  ): Promise<OrderRecord> {
    return waitFor(
      async () => {
        const order = await this.showOrder(id)
        return is(order) ? order : undefined
      },
      { deadline, pollMs: 50, what: `order ${id} ${what}` },
    )
  }

  /** Of channels that stand, and of those that are gone. */
  async promises(): Promise<readonly LifetimePromise[]> {
    const ask = async (state: string) => (await this.#ask(`/v1/promises?limit=1000${state}`, PromiseList)).promises
    return [...(await ask('')), ...(await ask('&state=ended'))]
  }

  /** Resolves when it has seen the block of this height. */
  async waitForBlock(height: number): Promise<void> {
    const seen = async () => ((await this.status()).node?.block_height ?? 0) >= height
    await waitFor(seen, { deadline: STEP_MS, what: `sluiced to see block ${height}` })
  }

  /** Resolves when no payment is held and no effect is owed: the last is done a little after what it led to shows. */
  async waitIdle(): Promise<void> {
    const idle = async () => {
      const { held, outbox_depth } = await this.status()
      return held.htlcs === 0 && outbox_depth === 0
    }
    await waitFor(idle, { deadline: STEP_MS, what: 'sluiced to hold no payment and to owe no effect' })
  }

  async kill(): Promise<void> {
    await this.process.kill()
  }

  async stop(): Promise<void> {
    if (this.#daemon?.running === true) await this.#daemon.stop('SIGTERM')
  }

  #ask<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    return askDaemon(join(this.folder, 'data', 'admin.sock'), path, schema)
  }
}
