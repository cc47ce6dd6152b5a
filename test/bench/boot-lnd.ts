import type { RawAnswer, RawOffer } from '../../src/lnd/raw.ts'
import { type Handler, type ServerStream, serveGrpc } from './grpc-server.ts'
import { HEIGHT, underway } from './live-sales.ts'
import { foreignOffer } from './offer-feed.ts'

/**
 * Plays the lnd of a daemon that starts, over real gRPC: to whoever attaches an interceptor it offers again what it
 * holds, and last a forward that is none of anybody's business. Channels, aliases and peers are those of the sales that
 * are under way; openings are never answered. It tells when answers come.
 */

export type BootLndOptions = {
  /** Sales under way, as `underway` makes them for this time; none: 0. */
  readonly sales: number
  readonly at: number
}
export type BootLndAnswer =
  | { readonly type: 'listening'; readonly port: number }
  /** The foreign forward may go on. Unix time, ms, with fractions. */
  | { readonly type: 'resumed'; readonly at: number }
  /** The last of the held payments whose channel stands was answered. */
  | { readonly type: 'forwarded'; readonly at: number }

const INVALID_ARGUMENT = 3
const FOREIGN_HTLC = 1_000_000_000
const NODE_ID = `02${'22'.repeat(32)}`
/** zero-conf, scid-alias, LSP. */
const FEATURES = Object.fromEntries([51, 47, 729].map((bit) => [bit, { name: String(bit), is_known: true }]))
const COINS = 20
const COIN_SAT = '25000000'
const SAT_PER_KW = '2500'

const { sales, at } = JSON.parse(process.argv[2] ?? '') as BootLndOptions
const lnd = underway(sales, at)

function tell(answer: BootLndAnswer): void {
  process.send?.(answer)
}

function intercept(stream: ServerStream<RawAnswer, RawOffer>): void {
  let count = 0
  stream.on('error', () => undefined) // the client was killed
  stream.on('data', ({ incoming_circuit_key: { htlc_id }, action }) => {
    const now = performance.timeOrigin + performance.now()
    if (htlc_id === String(FOREIGN_HTLC)) {
      if (action !== 'RESUME') throw new Error(`a foreign forward was answered ${action}`)
      tell({ type: 'resumed', at: now })
      return
    }
    if (action === 'FAIL') throw new Error(`held payment ${htlc_id} was failed`)
    count += 1
    if (count === lnd.due) tell({ type: 'forwarded', at: now })
  })
  for (const offer of lnd.held) stream.write(offer)
  stream.write(foreignOffer(FOREIGN_HTLC))
}

const info = {
  identity_pubkey: NODE_ID,
  alias: 'benchmark',
  version: '0.21.3-beta',
  block_height: HEIGHT,
  synced_to_chain: true,
  chains: [{ chain: 'bitcoin', network: 'regtest' }],
  features: FEATURES,
  require_htlc_interceptor: true,
}
const utxos = Array.from({ length: COINS }, (_, index) => ({
  amount_sat: COIN_SAT,
  outpoint: { txid_str: '77'.repeat(32), txid_bytes: Buffer.alloc(32, 0x77), output_index: index },
  confirmations: 100,
}))
const openChannels = { channels: lnd.channels }

const answers = (answer: object): Handler => {
  return (_call, done) => done(null, answer)
}
/** A stream on which nothing happens. */
const quiet: Handler = (stream: ServerStream<never, never>) => {
  stream.on('error', () => undefined)
}
const refuse: Handler = (_call, done) =>
  done({ code: INVALID_ARGUMENT, details: 'the lnd of this benchmark does not do that' })

const listChannels: Handler = ({ request: { peer } }: { request: { peer: Buffer } }, done) => {
  if (peer.length === 0) return done(null, openChannels)
  const of = peer.toString('hex')
  done(null, { channels: lnd.channels.filter(({ remote_pubkey }) => remote_pubkey === of) })
}

const LIGHTNING: Readonly<Record<string, Handler>> = {
  GetInfo: answers(info),
  ListPeers: answers({ peers: lnd.peers.map((pub_key) => ({ pub_key, inbound: true })) }),
  ListChannels: listChannels,
  PendingChannels: answers({}),
  ClosedChannels: answers({}),
  ForwardingHistory: answers({}),
  ListAliases: answers({ alias_maps: lnd.aliases }),
  WalletBalance: answers({
    confirmed_balance: String(COINS * Number(COIN_SAT)),
    reserved_balance_anchor_chan: '100000',
  }),
  GetTransactions: answers({}),
  DisconnectPeer: refuse,
  SendCustomMessage: refuse,
  AbandonChannel: refuse,
  FundingStateStep: answers({}),
  OpenChannel: quiet,
  CloseChannel: quiet,
  SubscribeChannelEvents: quiet,
  SubscribePeerEvents: quiet,
  SubscribeCustomMessages: quiet,
}
const ROUTER: Readonly<Record<string, Handler>> = {
  HtlcInterceptor: intercept,
  SubscribeHtlcEvents: quiet,
  XAddLocalChanAliases: answers({}),
}
const WALLET: Readonly<Record<string, Handler>> = {
  ListUnspent: answers({ utxos }),
  ListLeases: answers({}),
  EstimateFee: answers({ sat_per_kw: SAT_PER_KW }),
  FundPsbt: refuse,
  FinalizePsbt: refuse,
  PublishTransaction: refuse,
  GetTransaction: refuse,
  NextAddr: refuse,
  LeaseOutput: refuse,
  ReleaseOutput: refuse,
  BumpFee: refuse,
}
const CHAIN: Readonly<Record<string, Handler>> = {
  RegisterBlockEpochNtfn: (stream: ServerStream<never, { height: number }>) => {
    stream.on('error', () => undefined)
    stream.write({ height: HEIGHT })
  },
}

const named = (service: string, handlers: Readonly<Record<string, Handler>>) =>
  Object.entries(handlers).map(([method, handler]) => [`${service}/${method}`, handler] as const)

const port = await serveGrpc(
  ['lightning.proto', 'router.proto', 'walletkit.proto', 'chainnotifier.proto'],
  Object.fromEntries([
    ...named('lnrpc.Lightning', LIGHTNING),
    ...named('routerrpc.Router', ROUTER),
    ...named('walletrpc.WalletKit', WALLET),
    ...named('chainrpc.ChainNotifier', CHAIN),
  ]),
)
tell({ type: 'listening', port })
process.once('disconnect', () => process.exit())
