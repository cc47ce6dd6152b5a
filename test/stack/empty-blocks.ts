import { join } from 'node:path'
import { ensureBinaries } from './binaries.ts'
import { Btcd } from './btcd.ts'
import type { Network } from './network.ts'

/** A second btcd that knows the chain and no transactions: its blocks leave the network's mempool as it is. */
export class EmptyBlocks {
  readonly #network: Network
  readonly #btcd: Btcd

  private constructor(network: Network, btcd: Btcd) {
    this.#network = network
    this.#btcd = btcd
  }

  static async start(network: Network): Promise<EmptyBlocks> {
    const { btcd: binary } = await ensureBinaries({ log: () => undefined })
    return new EmptyBlocks(network, await Btcd.start({ binary, folder: join(network.folder, 'btcd-without-mempool') }))
  }

  /** Returns when every running lnd has seen them. */
  async mine(count: number): Promise<void> {
    const { btcd } = this.#network
    await this.#btcd.submitBlocks((await btcd.blocks()).slice(await this.#btcd.height()))
    const height = await btcd.height()
    await this.#btcd.mine(count)
    await btcd.submitBlocks((await this.#btcd.blocks()).slice(height))
    await Promise.all(this.#network.running.map((node) => node.waitSynced()))
  }

  /** The last blocks give way to as many and one more, all empty; what was in them is in the mempool again. */
  async reorganise(depth: number): Promise<void> {
    const { btcd } = this.#network
    const kept = (await btcd.height()) - depth
    await this.#btcd.submitBlocks((await btcd.blocks()).slice(await this.#btcd.height(), kept))
    await this.#btcd.mine(depth + 1)
    await btcd.submitBlocks((await this.#btcd.blocks()).slice(kept))
    await Promise.all(this.#network.running.map((node) => node.waitSynced()))
  }

  stop(): Promise<void> {
    return this.#btcd.daemon.kill()
  }
}
