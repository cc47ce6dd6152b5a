import * as z from 'zod'
import { satToMsat } from '../../lsps/base/amount.ts'
import { EXPECTED_CLOSE_VBYTES, OPEN_VBYTES } from '../../lsps/base/vbytes.ts'
import {
  address,
  choice,
  count,
  datetime,
  flag,
  hash,
  keyPath,
  millisatoshi,
  partsPerMillion,
  path,
  ratio,
  satoshi,
  shortName,
  webAddress,
} from './fields.ts'
import { offersProblem } from './offers.ts'

/** As lnd names them in `GetInfo`. */
export const NETWORKS = ['mainnet', 'testnet', 'testnet4', 'signet', 'regtest', 'simnet'] as const
export type Network = (typeof NETWORKS)[number]

const HOUR = 3600
const DAY = 24 * HOUR
const WEEK = 7 * DAY
const YEAR_BLOCKS = 52_560
/** bLIP-52: `valid_until` should be at least ten minutes ahead. */
const MIN_VALID_SECONDS = 600
/** Ten times the cost. Together with the bounds of sizes and feerates no price can leave 64 bits. */
const MOST_MARGIN_PPM = 10_000_000
/** Tokens in one config; each has a price list of its own. */
const MAX_TOKENS = 64
/** A menu longer than this is a mistake; it also bounds the answer to `lsps2.get_info`. */
const MAX_OFFERS = 16

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

const Offer = z.strictObject({
  min_fee_msat: millisatoshi('546000').describe('Least opening fee.'),
  proportional: partsPerMillion().describe('Opening fee in millionths of the payment; the larger of the two is due.'),
  min_lifetime: count(1, 10 * YEAR_BLOCKS)
    .default(4320)
    .describe('Blocks after confirmation for which a paid channel is kept open. A promise to the customer.'),
  max_client_to_self_delay: count(1, 65_535)
    .default(2016)
    .describe('Most blocks that the customer may make us wait for our coins after a forced close.'),
  min_payment_size_msat: millisatoshi('1000000').describe('Smallest payment sold; must be above `min_fee_msat`.'),
  max_payment_size_msat: millisatoshi('1000000000').describe('Largest payment sold.'),
  valid_for_seconds: count(MIN_VALID_SECONDS, WEEK)
    .default(HOUR)
    .describe('How long a price is honoured. The payment must arrive within it, so invoices live no longer.'),
})

const Offers = z
  .array(Offer, { error: 'write a list of offers' })
  .max(MAX_OFFERS, { error: `keep at most ${MAX_OFFERS} offers` })
  .check((context) => {
    const problem = offersProblem(context.value)
    if (problem !== undefined) {
      const { path: place, input, fix } = problem
      context.issues.push({ code: 'custom', path: [...place], input, message: fix, continue: true })
    }
  })

const Pricing = z.strictObject({
  mode: choice(['live', 'fixed'])
    .default('live')
    .describe(
      'live: no opening fee is below what the channel costs on chain at the feerate of the moment, nor below its ' +
        '`min_fee_msat`. fixed: fees are as the offers say, whatever the chain costs; then watch feerates yourself.',
    ),
  open_vbytes: count(1, 10_000)
    .default(OPEN_VBYTES)
    .describe('Size of an opening transaction: one input of P2WKH, the 2-of-2 output, change.'),
  close_vbytes: count(0, 10_000)
    .default(EXPECTED_CLOSE_VBYTES)
    .describe(
      'What a close will take, on average: nine in ten are agreed on (193 vbytes), one is forced (606 with the bump ' +
        'of the commitment and the sweep). The side that opened pays. 0: do not count it.',
    ),
  close_sat_per_vbyte: count(1, 10_000)
    .optional()
    .describe('The feerate that a close is reckoned with, some day. Left out: the one of the opening.'),
  margin_ppm: partsPerMillion(MOST_MARGIN_PPM)
    .prefault(100_000)
    .describe('Added to both costs, in millionths: for feerates that rise between promise and payment.'),
  volatility_ppm: partsPerMillion()
    .prefault(500_000)
    .describe(
      'When the feerate moved by more than this within an hour, in millionths of the lowest, prices are promised for ' +
        '`volatile_valid_for_seconds` at most.',
    ),
  volatile_valid_for_seconds: count(MIN_VALID_SECONDS, WEEK)
    .default(MIN_VALID_SECONDS)
    .describe('See `volatility_ppm`.'),
})

const Token = z.strictObject({
  name: shortName('summer-2026').describe('What the token is called in reports; customers do not see it.'),
  token_sha256: hash("what `printf %s 'THE TOKEN' | sha256sum` prints").describe(
    'SHA-256 of the token: the token itself stands nowhere. Take a random one, such as `openssl rand -hex 16` prints.',
  ),
  offers: Offers.min(1, { error: 'write at least one offer' }).describe('The menu for those who show the token.'),
  margin_ppm: partsPerMillion(MOST_MARGIN_PPM).optional().describe('Instead of `lsps2.pricing.margin_ppm`.'),
  valid_until: datetime('2026-12-31T23:59:59Z')
    .optional()
    .describe('When the token becomes stale. Prices that were promised before hold.'),
})

const Tokens = z
  .array(Token, { error: 'write a list of tokens' })
  .max(MAX_TOKENS, { error: `keep at most ${MAX_TOKENS} tokens` })
  .check((context) => {
    for (const key of ['name', 'token_sha256'] as const) {
      const values = context.value.map((token) => token[key])
      const twice = values.findIndex((value, index) => values.indexOf(value) !== index)
      if (twice < 0) continue
      const message = `write another ${key}: an earlier token has the same`
      context.issues.push({ code: 'custom', path: [twice, key], input: values[twice], message, continue: true })
    }
  })

const Lsps2 = z
  .strictObject({
    enabled: flag().default(false).describe('Sell just-in-time channels (LSPS2).'),
    without_require_interceptor: choice(['accept_lost_fees'])
      .optional()
      .describe(
        'Leave out when lnd runs with `requireinterceptor`, as it should. `accept_lost_fees`: start without it; when ' +
          'sluiced stops in the middle of a sale, lnd may then forward the payment in full and the fee is lost.',
      ),
    offers: Offers.prefault([]).describe(
      'The price menu. Each entry costs more than the one before: neither `min_fee_msat` nor `proportional` may fall ' +
        'and at least one must rise.',
    ),
    pricing: Pricing.prefault({}).describe('How opening fees follow the feerates of the chain.'),
    tokens: Tokens.prefault([]).describe('Texts that you give to customers, and the menus that they get with them.'),
    lsp_cltv_expiry_delta: count(40, 2016)
      .default(144)
      .describe(
        "Blocks between the payer's HTLC to us and ours to the customer. At least lnd's `bitcoin.timelockdelta` plus " +
          'the time for which payments are held.',
      ),
    htlc_minimum_msat: millisatoshi('1000')
      .prefault('1000')
      .describe('What must be left of a payment for the customer after the fee.'),
    part_hold_seconds: count(1, HOUR)
      .default(90)
      .describe('How long a payment is held for an absent customer or missing parts; bLIP-52 asks for at least 90.'),
    channel_headroom_sat: satoshi('50000')
      .prefault('50000')
      .describe(
        'Added to the payment when a channel is sized: about 10,000 are needed for the commitment fee, the anchors and a ' +
          'least reserve; the rest is room for the customer to be paid again.',
      ),
    channel_headroom_ppm: partsPerMillion()
      .prefault(10_000)
      .describe('Also added, in millionths of the payment; 10,000 is the usual channel reserve of 1 %.'),
    min_channel_sat: satoshi('100000')
      .prefault('100000')
      .describe('Smaller channels are made this large. lnd opens none below 20,000.'),
    max_channel_sat: satoshi('16777215')
      .prefault('16777215')
      .describe('Larger channels are not opened. Above 16,777,215 both sides need `protocol.wumbo-channels`.'),
    when_budget_spent: choice(['client_trusts_lsp', 'empty_menu'])
      .default('empty_menu')
      .describe(
        'What is sold while `inventory.unearned_budget_sat_per_hour` is spent. `client_trusts_lsp`: only channels whose ' +
          'funding is published once they are paid. `empty_menu`: nothing.',
      ),
    max_live_sales_per_peer: count(1, 10_000)
      .default(10)
      .describe('Unfinished sales of one customer; a further `lsps2.buy` is refused.'),
    max_live_sales: count(1, 10_000_000)
      .default(10_000)
      .describe('Unfinished sales in all; a further `lsps2.buy` is refused.'),
    max_held_htlcs: count(1, 10_000)
      .default(200)
      .describe('Payments held at once; a further one fails, and its payer may try again.'),
  })
  .check((context) => {
    const { enabled, offers, tokens, max_channel_sat, min_channel_sat } = context.value
    const issue = (place: (string | number)[], input: unknown, message: string) =>
      context.issues.push({ code: 'custom', path: place, input, message, continue: true })
    if (enabled && offers.length === 0)
      issue(['offers'], offers, 'write at least one offer, or set lsps2.enabled to false')
    if (min_channel_sat > max_channel_sat) {
      issue(['min_channel_sat'], min_channel_sat, `write at most ${max_channel_sat}, the value of max_channel_sat`)
    }
    const largest = satToMsat(max_channel_sat)
    const menus = [
      { offers, place: ['offers'] },
      ...tokens.map((token, index) => ({ offers: token.offers, place: ['tokens', index, 'offers'] })),
    ]
    for (const menu of menus) {
      menu.offers.forEach(({ max_payment_size_msat: size }, index) => {
        if (size < largest) return
        const place = [...menu.place, index, 'max_payment_size_msat']
        issue(place, size, `write less than ${largest}, or raise max_channel_sat`)
      })
    }
  })

const Admin = z.strictObject({
  enabled: flag()
    .default(true)
    .describe('Serve `sluice status` and the like on `admin.sock` in the data folder, which only its owner can open.'),
})

/** The config file as it is written; `load.ts` resolves its paths. */
export const ConfigFile = z.strictObject({
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
  admin: Admin.prefault({}).describe('The local admin interface.'),
})
export type ConfigFile = z.output<typeof ConfigFile>

export type LndConfig = Omit<ConfigFile['lnd'], 'macaroon_path'> & { readonly macaroon_path: string }
export type LogConfig = ConfigFile['log']
export type PeerConfig = ConfigFile['peer']
export type FundingConfig = ConfigFile['funding']
export type InventoryConfig = ConfigFile['inventory']
export type Lsps2Config = ConfigFile['lsps2']
export type OfferConfig = z.output<typeof Offer>
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
  readonly admin: AdminConfig
}
