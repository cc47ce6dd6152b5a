import { randomBytes } from 'node:crypto'
import * as ldk from 'lightningdevkit'
import type { ChainFollower } from './chain.ts'
import { satPerKw, walletConfig } from './config.ts'
import { CustomMessages } from './custom-messages.ts'
import { fromReversedHex, nowSeconds } from './runtime.ts'

/** LDK's parts, wired as a node. Everything handed to WASM stays referenced from here. */
export type LdkNode = {
  readonly keys: ldk.KeysManager
  readonly manager: ldk.ChannelManager
  readonly monitors: ldk.ChainMonitor
  readonly peers: ldk.PeerManager
  readonly messages: CustomMessages
  readonly kept: readonly unknown[]
}

export type NodeOptions = {
  /** 32 bytes. */
  readonly seed: Uint8Array
  readonly chain: ChainFollower
  readonly tip: { readonly height: number; readonly hash: string }
  readonly log: (line: string) => void
  readonly onBroadcast: (raw: Uint8Array) => void
}

/**
 * The public graph, one for all wallets of a chain: LDK reserves 160 MB of its 32-bit memory for each, and beyond 2 GB
 * its bindings break.
 */
const graphs = new WeakMap<ChainFollower, SharedGraph>()
type SharedGraph = { readonly graph: ldk.NetworkGraph; readonly logger: ldk.Logger }

function graphOf(chain: ChainFollower): SharedGraph {
  const known = graphs.get(chain)
  if (known !== undefined) return known
  const logger = ldk.Logger.new_impl({ log: () => undefined })
  const shared = { graph: ldk.NetworkGraph.constructor_new(ldk.Network.LDKNetwork_Regtest, logger), logger }
  graphs.set(chain, shared)
  return shared
}

export function buildNode(options: NodeOptions): LdkNode {
  const { log } = options
  const logger = ldk.Logger.new_impl({
    log: (record) => {
      if (record.get_level() >= ldk.Level.LDKLevel_Debug) log(`${record.get_module_path()}: ${record.get_args()}`)
    },
  })
  const fees = ldk.FeeEstimator.new_impl({ get_est_sat_per_1000_weight: satPerKw })
  const broadcaster = ldk.BroadcasterInterface.new_impl({
    broadcast_transactions: (transactions) => {
      for (const raw of transactions) options.onBroadcast(raw)
    },
  })
  const done = () => ldk.ChannelMonitorUpdateStatus.LDKChannelMonitorUpdateStatus_Completed
  const persister = ldk.Persist.new_impl({
    persist_new_channel: done,
    update_persisted_channel: done,
    archive_persisted_channel: () => undefined,
  })
  const monitors = ldk.ChainMonitor.constructor_new(
    ldk.Option_FilterZ.constructor_none(),
    broadcaster,
    logger,
    fees,
    persister,
  )
  const keys = ldk.KeysManager.constructor_new(options.seed, BigInt(nowSeconds()), randomBytes(4).readUInt32BE() >>> 2)
  const shared = graphOf(options.chain)
  const { graph } = shared
  const scorer = ldk.ProbabilisticScorer.constructor_new(
    ldk.ProbabilisticScoringDecayParameters.constructor_default(),
    graph,
    logger,
  )
  const score = ldk.MultiThreadedLockableScore.constructor_new(scorer.as_Score())
  const router = ldk.DefaultRouter.constructor_new(
    graph,
    logger,
    keys.as_EntropySource(),
    score.as_LockableScore(),
    ldk.ProbabilisticScoringFeeParameters.constructor_default(),
  )
  const messageRouter = ldk.DefaultMessageRouter.constructor_new(graph, keys.as_EntropySource())
  const best = ldk.BestBlock.constructor_new(fromReversedHex(options.tip.hash), options.tip.height)
  const manager = ldk.ChannelManager.constructor_new(
    fees,
    monitors.as_Watch(),
    broadcaster,
    router.as_Router(),
    messageRouter.as_MessageRouter(),
    logger,
    keys.as_EntropySource(),
    keys.as_NodeSigner(),
    keys.as_SignerProvider(),
    walletConfig(),
    ldk.ChainParameters.constructor_new(ldk.Network.LDKNetwork_Regtest, best),
    nowSeconds(),
  )
  const gossip = ldk.P2PGossipSync.constructor_new(graph, ldk.Option_UtxoLookupZ.constructor_none(), logger)
  const ignorer = ldk.IgnoringMessageHandler.constructor_new()
  const messages = new CustomMessages()
  const peers = ldk.PeerManager.constructor_new(
    manager.as_ChannelMessageHandler(),
    gossip.as_RoutingMessageHandler(),
    ignorer.as_OnionMessageHandler(),
    messages.handler,
    nowSeconds(),
    Uint8Array.from(randomBytes(32)),
    logger,
    keys.as_NodeSigner(),
  )
  const kept = [
    shared,
    logger,
    fees,
    broadcaster,
    persister,
    graph,
    scorer,
    score,
    router,
    messageRouter,
    gossip,
    ignorer,
  ]
  return { keys, manager, monitors, peers, messages, kept }
}
