import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureBinaries, type Log } from './binaries.ts'
import { Btcd } from './btcd.ts'
import type { Daemon } from './daemon.ts'
import { removeFolder, temporaryFolder } from './leash.ts'
import { Lnd, type LndOptions } from './lnd.ts'
import { connect, ensureSnapshot, type NodeName, newAddress, sendCoins } from './snapshot.ts'
import { allEnded, waitFor } from './wait.ts'

const READY_MS = 120_000

export type NetworkOptions = {
  /** Flags of the LSP's lnd. Default: `requireInterceptor`, zero-conf, scid-alias, feature 729. */
  readonly lsp?: LndOptions
  /** Starts the node that pays, with a public channel of 2 BTC to the LSP (1.5 BTC on the payer's side). Default: yes. */
  readonly payer?: boolean
  /** 1 starts a routing node behind the LSP with a public channel of 1 BTC (0.2 BTC on the LSP's side). Default: 0. */
  readonly foreign?: 0 | 1
  /** Progress lines; nothing by default. */
  readonly log?: Log
  /** Ends the building of binaries; a start that is under way goes on. */
  readonly signal?: AbortSignal
}

/**
 * Starts btcd, the LSP's lnd (60 confirmed coins of 0.25 BTC and two public channels) and the others as asked. Each call
 * gives a network of its own, on a chain of its own, from a copy of the snapshot; several may run side by side.
 * Ready means: all synced, all peers connected, all channels active.
 *
 * ```ts
 * const network = await startNetwork({ foreign: 1, log: console.error })
 * try {
 *   network.lsp.socket; network.lsp.certPath; network.lsp.macaroonPath   // what the sidecar connects with
 *   await network.lsp.call('default', 'getInfo')                         // raw gRPC (see Lnd)
 *   await payInvoice(network.payer, { invoice })                         // payments.ts
 *   await network.mine(3)                                                // returns when every running lnd has seen it
 *   await network.lsp.kill(); await network.lsp.start()                  // kill -9, start on the same folder and ports
 * } finally {
 *   await network.stop()
 * }
 * ```
 *
 * With `requireInterceptor` (the default) every forward waits for an interceptor, foreign ones too.
 */
export async function startNetwork(options: NetworkOptions = {}): Promise<Network> {
  const log = options.log ?? (() => undefined)
  const binaries = await ensureBinaries({ log, signal: options.signal })
  options.signal?.throwIfAborted()
  const snapshot = await ensureSnapshot(binaries, log)
  const folder = temporaryFolder('network')
  const names: NodeName[] = ['lsp']
  if (options.payer !== false) names.push('payer')
  if (options.foreign === 1) names.push('foreign')
  const started: Daemon[] = []
  try {
    const btcd = await Btcd.start({ binary: binaries.btcd, folder: join(folder, 'btcd') })
    started.push(btcd.daemon)
    await allEnded(names.map((name) => cp(join(snapshot.folder, name), join(folder, name), { recursive: true })))
    await btcd.submitBlocks(snapshot.blocks)
    // lnd says "synced" only while the best block is recent.
    await btcd.mine(1)
    const nodes = await allEnded(
      names.map(async (name) => {
        const node = await Lnd.start({
          name,
          binary: binaries.lnd,
          btcd,
          folder: join(folder, name),
          options: name === 'lsp' ? { requireInterceptor: true, customInit: true, ...options.lsp } : {},
        })
        started.push(node.daemon)
        return node
      }),
    )
    const network = new Network(folder, btcd, new Map(nodes.map((node) => [node.name, node])))
    await network.waitReady()
    return network
  } catch (error) {
    await Promise.allSettled(started.map((daemon) => daemon.kill()))
    await removeFolder(folder)
    throw error
  }
}

/** A running network; see `startNetwork`. */
export class Network {
  /** Temporary folder of this network; a place for a test's own files too. */
  readonly folder: string
  readonly btcd: Btcd
  readonly #nodes: ReadonlyMap<string, Lnd>

  constructor(folder: string, btcd: Btcd, nodes: ReadonlyMap<string, Lnd>) {
    this.folder = folder
    this.btcd = btcd
    this.#nodes = nodes
  }

  get lsp(): Lnd {
    return this.#node('lsp')
  }

  get payer(): Lnd {
    return this.#node('payer')
  }

  get foreign(): Lnd {
    return this.#node('foreign')
  }

  #node(name: NodeName): Lnd {
    const node = this.#nodes.get(name)
    if (node === undefined) throw new Error(`this network was started without "${name}"`)
    return node
  }

  get running(): readonly Lnd[] {
    return [...this.#nodes.values()].filter((node) => node.daemon.running)
  }

  /** Mines blocks and waits until every running lnd has seen them. */
  async mine(count: number): Promise<void> {
    await this.btcd.mine(count)
    await Promise.all(this.running.map((node) => node.waitSynced()))
  }

  /** Synced, connected, channels active: also after a restart of a node. */
  async waitReady(): Promise<void> {
    await Promise.all(this.running.map((node) => node.waitSynced()))
    const others = this.running.filter((node) => node !== this.lsp)
    await Promise.all(others.map((node) => connect(node, this.lsp)))
    await Promise.all(others.flatMap((node) => [waitActive(node, this.lsp.nodeId), waitActive(this.lsp, node.nodeId)]))
  }

  /** Waits until the LSP counts its channels with a peer as active: a wallet may think so a little earlier. */
  async waitLspActive(peer: string): Promise<void> {
    await waitActive(this.lsp, peer)
  }

  /** Waits until the LSP's lnd knows that the peer is not connected any more. */
  async waitGone(peer: string): Promise<void> {
    const isPeer = async () => {
      const { peers } = await this.lsp.call<{ peers: { pub_key: string }[] }>('default', 'listPeers')
      return peers.some(({ pub_key }) => pub_key === peer)
    }
    await waitFor(async () => !(await isPeer()), { deadline: READY_MS, what: `lnd to see that ${peer} is gone` })
  }

  /**
   * Waits until the LSP's lnd has written the channel's fees down, up to about a second after it is active. An lnd killed
   * (or a peer reconnected) before that applies its default fees to the channel, until it is told by UpdateChannelPolicy
   * or the peer connects once more.
   */
  async waitFeesKept(fundingTxid: string): Promise<void> {
    await waitFor(
      async () => {
        const { edges } = await this.lsp.call<{ edges: { chan_point: string }[] }>('default', 'describeGraph', {
          include_unannounced: true,
        })
        return edges.some((edge) => edge.chan_point.startsWith(fundingTxid))
      },
      { deadline: READY_MS, what: `the fees of the channel of ${fundingTxid} to be kept` },
    )
  }

  /** Waits until the mempool holds the transaction. */
  async waitInMempool(txid: string): Promise<void> {
    await waitFor(async () => (await this.btcd.mempool()).includes(txid), {
      deadline: READY_MS,
      what: `transaction ${txid} in the mempool`,
    })
  }

  /** Gives `to` further confirmed coins, from the payer's wallet. Satoshi. */
  async fund(to: Lnd, coins: { readonly count: number; readonly amount: bigint }): Promise<void> {
    await this.waitInMempool(await sendCoins(this.payer, to, coins))
    await this.mine(1)
  }

  newAddress(node: Lnd): Promise<string> {
    return newAddress(node)
  }

  /** Ends everything at once and removes all files: nothing of a network is kept, so nothing needs a clean end. */
  async stop(): Promise<void> {
    await Promise.allSettled(this.running.map((node) => node.kill()))
    await this.btcd.daemon.kill()
    await removeFolder(this.folder)
  }
}

async function waitActive(node: Lnd, peer: string): Promise<void> {
  await waitFor(
    async () => {
      const { channels } = await node.call<{ channels: { active: boolean }[] }>('default', 'listChannels', {
        peer: Buffer.from(peer, 'hex'),
      })
      return channels.length > 0 && channels.every((channel) => channel.active)
    },
    { deadline: READY_MS, what: `the channels of ${node.name} with ${peer} to be active` },
  )
}
