import * as z from 'zod'
import { EXPECTED_CLOSE_VBYTES, OPEN_VBYTES } from '../../lsps/base/vbytes.ts'
import { checkOptions } from '../../lsps/lsps1/rules.ts'
import { choice, count, datetime, flag, hash, partsPerMillion, satoshi, shortName } from './fields.ts'

const HOUR = 3600
const DAY = 24 * HOUR
const WEEK = 7 * DAY
const YEAR_BLOCKS = 52_560
const U16_MAX = 65_535
/** Ten times the cost. Together with the bounds of sizes and feerates no price can leave 64 bits. */
const MOST_MARGIN_PPM = 10_000_000
const MOST_PPM = 1_000_000
/** Tokens in one config. */
const MAX_TOKENS = 64
/** lnd cancels an accepted hold invoice 18 blocks before its payment expires; we have to be done before. */
const LEAST_SAFETY_BLOCKS = 20
/** Few payers go beyond. */
const MOST_CLTV_BLOCKS = 1008
/** bLIP-51 has every payment count at six confirmations. */
const MOST_CONFIRMATIONS = 6
/** lnd opens no smaller channel. In sat. */
const SMALLEST_CHANNEL = 20_000n

const Pricing = z.strictObject({
  base_sat: satoshi('1000').prefault('1000').describe('What every order costs.'),
  capital_ppm_per_year: partsPerMillion(MOST_MARGIN_PPM)
    .prefault(50_000)
    .describe('For your balance in the channel, in millionths of it for each year (52,560 blocks) that it is bound.'),
  client_balance_ppm: partsPerMillion(MOST_PPM)
    .prefault(0)
    .describe("For the customer's balance, in millionths of it: coins on chain are given for a payment by Lightning."),
  open_vbytes: count(0, 10_000)
    .default(OPEN_VBYTES)
    .describe('Size of an opening transaction: one input of P2WKH, the 2-of-2 output, change.'),
  close_vbytes: count(0, 10_000)
    .default(EXPECTED_CLOSE_VBYTES)
    .describe('What a close will take, on average. The side that opened pays. 0: do not count it.'),
  close_sat_per_vbyte: count(1, 10_000)
    .optional()
    .describe('The feerate that a close is reckoned with, some day. Left out: the one of the opening.'),
  margin_ppm: partsPerMillion(MOST_MARGIN_PPM)
    .prefault(100_000)
    .describe('Added to both costs, in millionths: for feerates that rise between order and payment.'),
})

const Token = z.strictObject({
  name: shortName('summer-2026').describe('What the token is called in reports; customers do not see it.'),
  token_sha256: hash("what `printf %s 'THE TOKEN' | sha256sum` prints").describe(
    'SHA-256 of the token: the token itself stands nowhere. Take a random one, such as `openssl rand -hex 16` prints.',
  ),
  discount_ppm: partsPerMillion(MOST_PPM).describe('What it takes off the whole price, in millionths.'),
  valid_until: datetime('2026-12-31T23:59:59Z').optional().describe('When the token becomes stale.'),
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

const Bolt11 = z.strictObject({
  enabled: flag().default(true).describe('Take payments by Lightning, with hold invoices.'),
  cltv_expiry_blocks: count(48, MOST_CLTV_BLOCKS)
    .default(288)
    .describe(
      'Blocks for which a payment can be held at least. A customer who is away must come back, and its channel be ' +
        'published, before `open_blocks` and `safety_blocks` of them are all that is left.',
    ),
  open_blocks: count(1, 500)
    .default(36)
    .describe('No channel is begun for a payment when fewer blocks than these, beyond `safety_blocks`, are left.'),
  safety_blocks: count(LEAST_SAFETY_BLOCKS, 500)
    .default(30)
    .describe('A payment goes back so many blocks before it expires. lnd gives it back itself at 18.'),
})

const ZeroConf = z.strictObject({
  accept_double_spends_up_to_sat: satoshi('5000')
    .prefault('0')
    .describe(
      'Orders of up to this price, without a balance for the customer, are served as soon as a payment is in the ' +
        'mempool that does not say that it may be replaced. It may be double-spent all the same: then the price is ' +
        'lost and the channel stands. 0: never.',
    ),
  accept_double_spends_in_all_sat: satoshi('50000')
    .prefault('0')
    .describe('Sum of such prices that are not confirmed at any time; further payments wait for a block.'),
})

const Onchain = z.strictObject({
  enabled: flag().default(true).describe('Take payments on chain, of customers who name a refund address.'),
  confirmations: count(1, MOST_CONFIRMATIONS)
    .default(1)
    .describe('How deep a payment must be; also how deep what is sent back must be first.'),
  zero_conf_payments: ZeroConf.prefault({}).describe('Payments without a confirmation.'),
})

const Batch = z.strictObject({
  wait_seconds: count(0, HOUR)
    .default(0)
    .describe(
      'How long a paid order waits for others to share its funding transaction; those that must be usable at once, or ' +
        'confirm within two blocks, do not wait. 0: every channel has a transaction of its own.',
    ),
  max_channels: count(2, 20).default(10).describe('Channels of one transaction; with so many it waits no longer.'),
})

/** Section `orders` of the config: channels that are ordered and paid for before they are opened, and their prices. */
export const Orders = z
  .strictObject({
    enabled: flag().default(false).describe('Sell channels to order (LSPS1).'),
    options_change: choice(['daily', 'at-once'])
      .default('daily')
      .describe(
        'When a change of the limits below takes effect: a day after the last one, as bLIP-51 asks, or at the next ' +
          'start; wallets may then order what is not offered any more.',
      ),
    min_required_channel_confirmations: count(0, U16_MAX)
      .default(0)
      .describe('0: channels may be ordered that are usable before their funding is in a block.'),
    min_funding_confirms_within_blocks: count(1, U16_MAX)
      .default(6)
      .describe('How soon a customer may ask the funding to confirm: it is paid for with the feerate for that.'),
    max_channel_expiry_blocks: count(1, 10 * YEAR_BLOCKS)
      .default(YEAR_BLOCKS)
      .describe('Blocks for which a channel can be had. It is not closed before: a promise to the customer.'),
    min_initial_client_balance_sat: satoshi('0').prefault('0').describe("Least balance on the customer's side."),
    max_initial_client_balance_sat: satoshi('0')
      .prefault('0')
      .describe("Most balance on the customer's side: what you sell of it is paid for by Lightning or on chain."),
    min_initial_lsp_balance_sat: satoshi('100000').prefault('100000').describe('Least balance on your side.'),
    max_initial_lsp_balance_sat: satoshi('10000000').prefault('10000000').describe('Most balance on your side.'),
    min_channel_balance_sat: satoshi('100000')
      .prefault('100000')
      .describe('Smallest channel, both balances together; lnd opens none below 20,000.'),
    max_channel_balance_sat: satoshi('10000000')
      .prefault('10000000')
      .describe('Largest channel. Above 16,777,215 both sides need `protocol.wumbo-channels`.'),
    pricing: Pricing.prefault({}).describe('What an order costs; `sluice orders show` tells how a price came about.'),
    extensions: flag()
      .default(true)
      .describe(
        'Sell longer lives of channels that were bought here, also just-in-time ones (LSPS7, a draft), at these prices ' +
          'for the capacity, without the cost of a transaction.',
      ),
    tokens: Tokens.prefault([]).describe('Texts that you give to customers, and what they take off the price.'),
    expiry_seconds: count(600, DAY)
      .default(HOUR)
      .describe('How long an order can be paid, at the price that it names.'),
    max_unpaid_per_peer: count(1, 10_000)
      .default(10)
      .describe('Orders of one customer that wait for their payment; further ones are refused.'),
    max_unpaid: count(1, 1_000_000)
      .default(10_000)
      .describe('Orders in all that wait for their payment; further ones are refused.'),
    open_within_seconds: count(600, WEEK)
      .default(6 * HOUR)
      .describe(
        'How long after its payment an order waits for a customer who is away or refuses its channel; then it fails, ' +
          'and the payment goes back.',
      ),
    bolt11: Bolt11.prefault({}).describe('Payments by Lightning.'),
    onchain: Onchain.prefault({}).describe('Payments on chain.'),
    batch: Batch.prefault({}).describe('Several channels in one funding transaction.'),
    keep_days: count(30, 3650)
      .default(90)
      .describe(
        'How long orders are kept after their end. What comes to the address of one in that time is sent back; ' +
          'afterwards it is yours.',
      ),
  })
  .check((context) => {
    const config = context.value
    const issue = (place: (string | number)[], input: unknown, message: string) =>
      context.issues.push({ code: 'custom', path: place, input, message, continue: true })
    const wrong = checkOptions({ ...config, supports_zero_channel_reserve: false })
    if (wrong !== undefined) issue([wrong.property], undefined, wrong.message)
    if (config.min_channel_balance_sat < SMALLEST_CHANNEL)
      issue(['min_channel_balance_sat'], config.min_channel_balance_sat, `write at least ${SMALLEST_CHANNEL}`)
    const { cltv_expiry_blocks: cltv, open_blocks: open, safety_blocks: safety } = config.bolt11
    if (cltv <= open + safety)
      issue(['bolt11', 'cltv_expiry_blocks'], cltv, `write more than ${open + safety}, open_blocks and safety_blocks`)
    if (!config.bolt11.enabled && !config.onchain.enabled)
      issue(['bolt11', 'enabled'], false, 'write true here or in onchain: an order must be payable')
  })
