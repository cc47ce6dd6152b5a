import { readFile, realpath, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Binaries, Log } from './binaries.ts'
import { Btcd } from './btcd.ts'
import { buildFolder, cacheFolder, exists, fingerprint, withLock } from './cache.ts'
import type { Daemon } from './daemon.ts'
import { removeFolder, temporaryFolder } from './leash.ts'
import { Lnd } from './lnd.ts'
import { waitForRoute } from './payments.ts'
import { allEnded, waitFor } from './wait.ts'

/** The nodes of a snapshot: files in folders of these names. */
export const NODES = ['lsp', 'payer', 'foreign'] as const
export type NodeName = (typeof NODES)[number]

/** Raise when anything below changes what is built. */
const RECIPE = 2
/** A snapshot's certificates and its distance to the present stay small. */
const KEPT_MS = 60 * 24 * 3600 * 1000

const MATURE_BLOCKS = 450
/** Confirmations from which on lnd announces a channel. */
const ANNOUNCE_BLOCKS = 6
/** Enough that parallel opens find a coin each. Satoshi. */
export const LSP_COINS = { count: 60, amount: 25_000_000n }
const PAYER_COINS = { count: 4, amount: 500_000_000n }
/** Satoshi; `pushed` is the far end's share at the start. */
export const PAYER_CHANNEL = { capacity: 200_000_000n, pushed: 50_000_000n }
export const FOREIGN_CHANNEL = { capacity: 100_000_000n, pushed: 20_000_000n }
const SETUP_MS = 120_000

/** Blocks as hex, oldest first, and where the nodes' folders are. */
export type Snapshot = { readonly folder: string; readonly blocks: readonly string[] }

/**
 * A funded network at rest: made once per binaries and recipe, then only copied. btcd deletes its blocks at every
 * regtest start, so they are kept as a list that a new btcd is fed (80 ms for 460 blocks).
 */
export async function ensureSnapshot(binaries: Binaries, log: Log): Promise<Snapshot> {
  const folder = cacheFolder('networks', fingerprint([String(RECIPE), ...(await identities(binaries))]))
  const blocksFile = join(folder, 'blocks.json')
  if (!(await isFresh(blocksFile))) {
    await withLock(`${folder}.lock`, log, async () => {
      if (await isFresh(blocksFile)) return
      const start = performance.now()
      log('preparing a funded network of three lnd nodes once')
      await buildFolder(folder, (unfinished) => build(binaries, unfinished))
      log(`prepared the network in ${Math.round((performance.now() - start) / 1000)} s`)
    })
  }
  return { folder, blocks: JSON.parse(await readFile(blocksFile, 'utf8')) as string[] }
}

async function isFresh(file: string): Promise<boolean> {
  return (await exists(file)) && Date.now() - (await stat(file)).mtimeMs < KEPT_MS
}

/** Path, size and time stand for a binary: hashing 100 MB at every start would take longer than a network. */
async function identities(binaries: Binaries): Promise<string[]> {
  const paths = await Promise.all([binaries.lnd, binaries.btcd].map((path) => realpath(path)))
  const stats = await Promise.all(paths.map((path) => stat(path)))
  return stats.map((found, at) => `${paths[at]}:${found.size}:${Math.round(found.mtimeMs)}`)
}

async function build(binaries: Binaries, target: string): Promise<void> {
  const work = temporaryFolder('snapshot')
  const started: Daemon[] = []
  try {
    const address = await miningAddress(binaries, work)
    const btcd = await Btcd.start({ binary: binaries.btcd, folder: join(work, 'btcd'), miningAddress: address })
    started.push(btcd.daemon)
    const start = async (name: NodeName) => {
      const node = await Lnd.start({ name, binary: binaries.lnd, btcd, folder: join(work, name), options: {} })
      started.push(node.daemon)
      return node
    }
    await btcd.mine(MATURE_BLOCKS)
    const nodes = await allEnded([start('lsp'), start('payer'), start('foreign')])
    const [lsp, payer, foreign] = nodes as [Lnd, Lnd, Lnd]
    const mine = async (count: number) => {
      await btcd.mine(count)
      await Promise.all(nodes.map((node) => node.waitSynced()))
    }
    // One more block singly: without it lnd's coin selection does not see the mature coins.
    await mine(1)
    await sendCoins(foreign, lsp, LSP_COINS)
    await mine(1)
    await sendCoins(foreign, payer, PAYER_COINS)
    await mine(1)
    await Promise.all([connect(payer, lsp), connect(foreign, lsp)])
    await Promise.all([openPublic(payer, lsp, PAYER_CHANNEL), openPublic(foreign, lsp, FOREIGN_CHANNEL)])
    // In two steps: when opening and announcing fall together, lnd may drop the policy that its peer just sent.
    await mine(1)
    await Promise.all([waitForPolicies(lsp, 2), waitForPolicies(payer, 1), waitForPolicies(foreign, 1)])
    await mine(ANNOUNCE_BLOCKS - 1)
    await Promise.all(nodes.map((node) => waitForPolicies(node, 2)))
    await Promise.all([
      waitForRoute(payer, { nodeId: foreign.nodeId, amountMsat: 1_000_000n }),
      waitForRoute(foreign, { nodeId: payer.nodeId, amountMsat: 1_000_000n }),
    ])
    for (const node of nodes) await node.stop()
    const blocks = await btcd.blocks()
    await btcd.stop()
    for (const node of nodes) await node.copyTo(join(target, node.name))
    await writeFile(join(target, 'blocks.json'), JSON.stringify(blocks))
  } finally {
    await Promise.allSettled(started.map((daemon) => daemon.kill()))
    await removeFolder(work)
  }
}

/** The third node is the miner: it has to exist before the first block, whose btcd has to know its address. */
async function miningAddress(binaries: Binaries, work: string): Promise<string> {
  const btcd = await Btcd.start({ binary: binaries.btcd, folder: join(work, 'btcd') })
  const folder = join(work, 'foreign')
  const miner = await Lnd.start({ name: 'foreign', binary: binaries.lnd, btcd, folder, options: {} })
  const address = await newAddress(miner)
  await miner.stop()
  await btcd.stop()
  return address
}

export async function newAddress(node: Lnd): Promise<string> {
  const answer = await node.call<{ address: string }>('default', 'newAddress', { type: 'WITNESS_PUBKEY_HASH' })
  return answer.address
}

/** One transaction with `count` equal outputs to new addresses of `to`; its id. */
export async function sendCoins(
  from: Lnd,
  to: Lnd,
  coins: { readonly count: number; readonly amount: bigint },
): Promise<string> {
  const outputs: Record<string, string> = {}
  for (let at = 0; at < coins.count; at += 1) outputs[await newAddress(to)] = String(coins.amount)
  const sent = await from.call<{ txid: string }>('default', 'sendMany', { AddrToAmount: outputs, sat_per_vbyte: '2' })
  return sent.txid
}

export async function connect(from: Lnd, to: Lnd): Promise<void> {
  const connected = async () => {
    const { peers } = await from.call<{ peers: { pub_key: string }[] }>('default', 'listPeers')
    return peers.some((peer) => peer.pub_key === to.nodeId)
  }
  if (await connected()) return
  await from
    .call('default', 'connectPeer', { addr: { pubkey: to.nodeId, host: `127.0.0.1:${to.p2pPort}` }, timeout: '10' })
    .catch((error: Error) => {
      if (!error.message.includes('already connected')) throw error
    })
  await waitFor(connected, { deadline: SETUP_MS, what: `${from.name} to be connected to ${to.name}` })
}

async function openPublic(from: Lnd, to: Lnd, size: { readonly capacity: bigint; readonly pushed: bigint }) {
  await from.call('default', 'openChannelSync', {
    node_pubkey: Buffer.from(to.nodeId, 'hex'),
    local_funding_amount: String(size.capacity),
    push_sat: String(size.pushed),
    sat_per_vbyte: '2',
  })
}

type Edge = { readonly node1_policy: object | null; readonly node2_policy: object | null }

/** Waits until the node's graph has so many channels, each with the fees of both ends. */
async function waitForPolicies(node: Lnd, channels: number): Promise<void> {
  await waitFor(
    async () => {
      const { edges } = await node.call<{ edges: Edge[] }>('default', 'describeGraph', { include_unannounced: true })
      return (
        edges.length === channels && edges.every((edge) => edge.node1_policy !== null && edge.node2_policy !== null)
      )
    },
    { deadline: SETUP_MS, what: `${node.name} to know ${channels} channels with both policies` },
  )
}
