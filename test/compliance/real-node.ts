import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLndAdapter, type LndAdapter } from '../../src/lnd/adapter.ts'
import type { HtlcOffer, Interceptor } from '../../src/lnd/port.ts'
import { Wallet } from '../stack/ldk/wallet.ts'
import { type Network, startNetwork } from '../stack/network.ts'
import { waitFor } from '../stack/wait.ts'

const STEP_MS = 30_000

/** A real lnd, the adapter with the least macaroon that it needs, and wallets. */
export class RealNode {
  readonly network: Network
  readonly #wallets: Wallet[] = []
  readonly #adapters: LndAdapter[] = []

  private constructor(network: Network) {
    this.network = network
  }

  static async start(options: Parameters<typeof startNetwork>[0] = {}): Promise<RealNode> {
    return new RealNode(await startNetwork({ log: (line) => process.stderr.write(`${line}\n`), ...options }))
  }

  /** Bakes a macaroon with just these `uri:` permissions; its path. */
  async bake(permissions: readonly string[]): Promise<string> {
    const { macaroon } = await this.network.lsp.call<{ macaroon: string }>('default', 'bakeMacaroon', {
      permissions: permissions.map((permission) => ({ entity: 'uri', action: permission.replace(/^uri:/, '') })),
    })
    const path = join(this.network.folder, `${randomBytes(4).toString('hex')}.macaroon`)
    writeFileSync(path, Buffer.from(macaroon, 'hex'))
    return path
  }

  /** A connection of its own. */
  attach(macaroonPath: string): LndAdapter {
    const { socket, certPath } = this.network.lsp
    const adapter = createLndAdapter({ socket, certPath, macaroonPath })
    this.#adapters.push(adapter)
    return adapter
  }

  /** Connected to the node, without a channel. */
  async addWallet(options: { readonly trustsZeroConf?: boolean } = {}): Promise<Wallet> {
    const wallet = await Wallet.create({ btcd: this.network.btcd, ...options })
    this.#wallets.push(wallet)
    await wallet.connect({ nodeId: this.network.lsp.nodeId, host: '127.0.0.1', port: this.network.lsp.p2pPort })
    return wallet
  }

  async stop(): Promise<void> {
    for (const wallet of this.#wallets) wallet.close()
    for (const adapter of this.#adapters) adapter.close()
    await this.network.stop()
  }
}

/** What a stream brought, in order, and a wait for what it should bring. */
export class Seen<T> {
  readonly all: T[] = []
  readonly push = (item: T): void => {
    this.all.push(item)
  }

  wait(matches: (item: T) => boolean, what: string): Promise<NonNullable<T>> {
    return waitFor(() => this.all.find(matches), { deadline: STEP_MS, what, pollMs: 5 })
  }
}

export type Held = { readonly offer: HtlcOffer; readonly stream: Interceptor }
