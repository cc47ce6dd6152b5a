import * as z from 'zod'
import { satToMsat } from '../../lsps/base/amount.ts'
import { EXPECTED_CLOSE_VBYTES, OPEN_VBYTES } from '../../lsps/base/vbytes.ts'
import { choice, count, datetime, flag, hash, millisatoshi, partsPerMillion, satoshi, shortName } from './fields.ts'
import { offersProblem } from './offers.ts'

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

/** One entry of the price menu. */
export const Offer = z.strictObject({
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

/** Section `lsps2` of the config: just-in-time channels and their prices. */
export const Lsps2 = z
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
      .describe('HTLCs held at once; a further one fails, and its payer may try again.'),
    max_held_htlcs_per_peer: count(1, 10_000)
      .default(50)
      .describe('HTLCs held at once for one customer; a payment may come in up to 32 of them.'),
    max_held_msat: millisatoshi('100000000000')
      .prefault('100000000000')
      .describe('Value of all HTLCs held at once; a further one fails, and its payer may try again.'),
    max_held_msat_per_peer: millisatoshi('20000000000')
      .prefault('20000000000')
      .describe('Value of the HTLCs held at once for one customer. At least twice `max_payment_size_msat`.'),
    client_trusts_lsp: flag()
      .default(false)
      .describe(
        'Publish the funding of a channel only when its customer has been paid (`client_trusts_lsp` of LSPS2): nobody ' +
          'can make us pay for channels in vain, but wallets may decline.',
      ),
    variable_amount_skim: choice(['spec', 'lenient'])
      .default('spec')
      .describe(
        'What is kept of a payment to an invoice without an amount. `spec`: the price that was agreed; ldk-node 0.7 and ' +
          'wallets built on it then fail the payment. `lenient`: what these accept, slightly less, and never below ' +
          '`lenient_skim_floor_msat`; they know no least fee.',
      ),
    lenient_skim_floor_msat: millisatoshi('500000')
      .prefault('500000')
      .describe('With `lenient`: where the smaller fee would be below this, the agreed price is taken after all.'),
    second_channel: choice(['fail', 'agreed-terms'])
      .default('fail')
      .describe(
        'What happens when a payment to the scid of a paid purchase, while its offer is valid, fits no channel of the ' +
          'customer. `fail`: it fails at once; bLIP-52 takes the opening fee once. `agreed-terms`: another channel is ' +
          'opened and its fee deducted by the terms of that offer, again for each; wallets that check what is deducted ' +
          'may fail such a payment. Whoever knows the scid can have one such channel opened in vain while the offer is ' +
          'valid; `inventory.unearned_budget_sat_per_hour` bounds them all.',
      ),
    reclaim_unpaid_after_seconds: count(0, 52 * WEEK)
      .default(DAY)
      .describe(
        'How long after the end of its offer a channel that was never paid for is closed again. Until then its customer ' +
          'may still use it. One whose funding was never published is forgotten at once.',
      ),
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
