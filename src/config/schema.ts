import * as z from 'zod'
import { address, choice, count, flag, keyPath, path, ratio, satoshi, webAddress } from './fields.ts'
import { Lsps2, type Offer } from './lsps2.ts'
import { Orders } from './orders.ts'
import { Promises } from './promises.ts'
import { Rest } from './rest.ts'
import { Webhooks } from './webhooks.ts'

/** As lnd names them in `GetInfo`. */
export const NETWORKS = ['mainnet', 'testnet', 'testnet4', 'signet', 'regtest', 'simnet'] as const
export type Network = (typeof NETWORKS)[number]

const HOUR = 3600
const DAY = 24 * HOUR
const WEEK = 7 * DAY
const YEAR_BLOCKS = 52_560

const Lnd = z.strictObject({
  socket: address('localhost:10009').default('localhost:10009').describe("lnd's gRPC address, `host:port`."),
  cert_path: path('~/.lnd/tls.cert').default('~/.lnd/tls.cert').describe("lnd's TLS certificate."),
  macaroon_path: path('~/.sluice/mainnet/lnd.macaroon')
    .optional()
    .describe(
      'The macaroon that sluiced presents; `sluice macaroon` prints the command that bakes one with just the rights ' +
        'that are needed. Left out: `lnd.macaroon` in the data folder.',
    ),
  accept_funding_deadlock: flag()
    .default(false)
    .describe(
      'Start on an lnd below 0.21.3 although a deadlock in its PSBT funding (lnd #11008) could block all channel ' +
        'openings until lnd is restarted.',
    ),
  restricted_slots: count(1, 100_000)
    .default(100)
    .describe(
      "What lnd's `num-restricted-slots` is set to: how many peers without a channel may be connected inbound at " +
        'once. New customers are exactly such peers, and lnd does not tell the value, so `sluice doctor` needs it here.',
    ),
})

const Log = z.strictObject({
  level: choice(['trace', 'debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('info: money and lifecycle. debug: every message.'),
  decisions_keep_days: count(1, 3650)
    .default(90)
    .describe(
      'How long changes of prices and refused requests stay on record for `sluice decisions`; 200,000 at most.',
    ),
})

const Peer = z.strictObject({
  requests_per_second: count(1, 100_000).default(5).describe('Requests that one peer may send per second, sustained.'),
  burst: count(1, 100_000)
    .default(20)
    .describe(
      'Requests that one peer may send at once after a pause. As many more are refused, and further ones are not read.',
    ),
  max_pending_per_peer: count(1, 1000)
    .default(10)
    .describe('Requests of one peer that may wait for their answer; more are refused.'),
  max_pending: count(1, 1_000_000)
    .default(1000)
    .describe('Requests of all peers together that may wait for their answer; more are refused.'),
})

const FeerateCheck = z.strictObject({
  url: webAddress('http://localhost:8999/api/v1/fees/recommended').describe(
    'Asked each minute, in the background. Take a server of your own: what it says can stop your sales.',
  ),
  path: keyPath('hourFee').describe(
    'Where in its JSON the number stands, in satoshi per vbyte: keys with dots between them, such as `hourFee`.',
  ),
  max_ratio: ratio(1.1, 100)
    .default(3)
    .describe("When lnd's estimate and this one are further apart than this, nothing is sold."),
  on_unreachable: choice(['sell', 'stop'])
    .default('sell')
    .describe('What to do while its last answer is more than 30 minutes old: sell without it, or stop selling.'),
})

const Funding = z.strictObject({
  conf_target: count(1, 1008).default(6).describe('Blocks within which a funding transaction should confirm.'),
  max_feerate_sat_per_vbyte: count(1, 10_000)
    .default(100)
    .describe(
      'While the estimate for `conf_target` is above this, no channel is opened: payments fail, nothing is lost.',
    ),
  feerate_check: FeerateCheck.optional().describe(
    'A second source of feerates, which can only stop sales: channels are opened with the estimate of lnd.',
  ),
  lease_seconds: count(HOUR, 4 * WEEK)
    .default(DAY)
    .describe(
      "How long lnd's wallet keeps the coins of an opening locked for us without hearing from us. Longer than any " +
        'outage of sluiced should be; it is renewed with each block.',
    ),
  min_confs: count(1, 1000)
    .default(1)
    .describe('Confirmations that a coin needs before it may fund a channel; 6 is safer against reorganisations.'),
  cpfp_after_blocks: count(1, 1008)
    .default(12)
    .describe(
      'Blocks that a funding transaction may wait before a child transaction pays miners for it. It is never replaced.',
    ),
  cpfp_max_sat: satoshi('10000')
    .prefault('10000')
    .describe('The most that such a child may cost; 0 never pays for one.'),
  cpfp_max_feerate_sat_per_vbyte: count(1, 10_000)
    .default(200)
    .describe('The most that a funding and its child together are raised to.'),
  reclaim_within_blocks: count(1, YEAR_BLOCKS)
    .default(2016)
    .describe('How long a channel that is to be taken back waits for a customer who is away, to close it together.'),
  reclaim_afterwards: choice(['keep', 'force'])
    .default('keep')
    .describe(
      'What happens then. force: our commitment is published, and our coins wait for the delay that the customer asked for.',
    ),
})

const ReadyCoins = z.strictObject({
  count: count(0, 1000).default(0).describe('How many coins of this size to keep ready; 0: none are made.'),
  size_sat: satoshi('1000000').prefault('1000000').describe('What each of them holds: a usual channel and its fee.'),
})

const Inventory = z.strictObject({
  reserve_sat: satoshi('25000')
    .prefault('25000')
    .describe(
      "Stays in lnd's wallet whatever is sold, beside what lnd itself keeps back for public anchor channels: for " +
        'bumping stuck transactions and for closing channels.',
    ),
  max_channels_per_peer: count(1, 10_000)
    .default(100)
    .describe('Channels of ours, being opened or standing, that one peer may have; its further purchases are refused.'),
  max_capacity_per_peer_sat: satoshi('50000000')
    .optional()
    .describe('Capacity of our channels to one peer. Left out: no such cap.'),
  max_capacity_per_token_sat: satoshi('500000000')
    .optional()
    .describe('Capacity of our channels that were bought with one token. Left out: no such cap.'),
  max_capacity_sat: satoshi('5000000000')
    .optional()
    .describe('Capacity of all channels that we opened and that stand. Left out: the coins are the only cap.'),
  unearned_budget_sat_per_hour: satoshi('250000')
    .prefault('250000')
    .describe(
      'Chain fees (opening and closing) that may be spent within any hour on channels whose fee is not earned yet. It ' +
        'bounds what an attacker with any number of node ids can cost; an earned fee gives its share back at once.',
    ),
  cooldown_seconds: count(0, DAY)
    .default(10)
    .describe(
      'How long a peer may not buy after it refused a channel, failed its payment or vanished; each further failure ' +
        'doubles it. 0: not at all.',
    ),
  max_cooldown_seconds: count(1, WEEK).default(HOUR).describe('The longest cooldown.'),
  ready_coins: ReadyCoins.prefault({}).describe(
    'Coins of one size, split ahead, so that many channels can be opened at once without waiting for change.',
  ),
  max_unconfirmed_depth: count(0, 20)
    .default(0)
    .describe(
      'How many unconfirmed transactions of our own a coin may depend on and still fund a channel. 0: confirmed coins ' +
        'only. Bitcoin Core relays chains of up to 25.',
    ),
})

const Admin = z.strictObject({
  enabled: flag()
    .default(true)
    .describe('Serve `sluice status` and the like on `admin.sock` in the data folder, which only its owner can open.'),
})

/** The config file as it is written; `load.ts` resolves its paths. */
export const ConfigFile = z
  .strictObject({
    network: choice(NETWORKS).describe('The network that lnd runs on; sluiced refuses to start on any other.'),
    data_dir: path('~/.sluice/mainnet')
      .optional()
      .describe('Folder of the database, the seed and the admin socket. Left out: `~/.sluice/<network>`.'),
    lnd: Lnd.prefault({}).describe('How to reach lnd.'),
    log: Log.prefault({}).describe('JSON lines on standard output.'),
    peer: Peer.prefault({}).describe('Limits on what peers may ask, so that none can starve the others.'),
    funding: Funding.prefault({}).describe('How channels are paid for on chain.'),
    inventory: Inventory.prefault({}).describe('What may be sold: coins, caps, and bounds on abuse.'),
    lsps2: Lsps2.prefault({}).describe('Just-in-time channels.'),
    orders: Orders.prefault({}).describe('Channels to order.'),
    promises: Promises.prefault({}).describe(
      'Channels whose promised lifetime is over: which of them `sluice promises closable` names. Nothing is closed by it.',
    ),
    rest: Rest.prefault({}).describe(
      'LSPS1 over HTTP, for wallets that do not speak it over their connection to the node. Off by default.',
    ),
    webhooks: Webhooks.prefault({}).describe('Calls that wake a wallet that is not connected (LSPS5).'),
    admin: Admin.prefault({}).describe('The local admin interface.'),
  })
  .check(({ value: { network, webhooks }, issues }) => {
    if (network === 'regtest' || !webhooks.delivery.allow_loopback) return
    const path = ['webhooks', 'delivery', 'allow_loopback']
    issues.push({ code: 'custom', path, input: true, message: 'take it out: it is for regtest only', continue: true })
  })
  .check(({ value: { rest, orders }, issues }) => {
    if (!rest.enabled || orders.enabled) return
    const message = 'set orders.enabled as well: it is orders that are made over HTTP'
    issues.push({ code: 'custom', path: ['rest', 'enabled'], input: true, message, continue: true })
  })
export type ConfigFile = z.output<typeof ConfigFile>

export type LndConfig = Omit<ConfigFile['lnd'], 'macaroon_path'> & { readonly macaroon_path: string }
export type LogConfig = ConfigFile['log']
export type PeerConfig = ConfigFile['peer']
export type FundingConfig = ConfigFile['funding']
export type InventoryConfig = ConfigFile['inventory']
export type Lsps2Config = ConfigFile['lsps2']
export type OfferConfig = z.output<typeof Offer>
export type OrdersConfig = ConfigFile['orders']
export type PromisesConfig = ConfigFile['promises']
export type RestFileConfig = ConfigFile['rest']
export type WebhooksConfig = ConfigFile['webhooks']
export type AdminConfig = ConfigFile['admin']

/** The effective config: defaults filled in, paths absolute. Keys have the same names as in the file. */
export type Config = {
  readonly network: Network
  readonly data_dir: string
  readonly lnd: LndConfig
  readonly log: LogConfig
  readonly peer: PeerConfig
  readonly funding: FundingConfig
  readonly inventory: InventoryConfig
  readonly lsps2: Lsps2Config
  readonly orders: OrdersConfig
  readonly promises: PromisesConfig
  readonly rest: RestFileConfig
  readonly webhooks: WebhooksConfig
  readonly admin: AdminConfig
}
