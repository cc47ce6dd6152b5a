import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Msat, Msat as MsatText, msat, Ppm } from '../../../lsps/base/amount.ts'
import { type Scid, scidFromNumber } from '../../../lsps/base/scid.ts'
import { computeOpeningFee } from '../../../lsps/lsps2/fee.ts'
import type { FlightRecord } from '../../../src/admin/schema.ts'
import { lenientFee } from '../../../src/jit/fees.ts'
import type { HopHint } from '../ldk/bolt11.ts'
import { ensureLdkNode } from '../ldk-node-build.ts'
import { LdkNodeWallet } from '../ldk-node-wallet.ts'
import { type Network, startNetwork } from '../network.ts'
import { decodeInvoice, type PaymentResult, payInvoice, resetMissionControl, waitForwardedOver } from '../payments.ts'
import { renewedAfterFailure } from '../renewed.ts'
import { payOverRoute } from '../routes.ts'
import { OFFER, Sluiced } from '../sluiced.ts'
import { channelsTo, confirmFundings, waitNoLease } from '../sold.ts'
import { waitFor } from '../wait.ts'

const CLOCK_HOOK = pathToFileURL(join(import.meta.dirname, '..', 'clock-hook.mjs')).href
const AMOUNT = 140_000_000n
/** Its lenient fee is below the floor. */
const SMALL_AMOUNT = 100_000_000n
const FLOOR_MSAT = 300_000n
const MSAT_PER_SAT = 1000n
const STEP_MS = 60_000
const log = (line: string) => process.stderr.write(`${line}\n`)

type Bought = { readonly invoice: string; readonly payment_hash: string; readonly scid: Scid; readonly hint: HopHint }

/** By the menu: what the spec says. */
function promisedFee(amount: bigint): Msat {
  const offer = { min_fee_msat: MsatText.parse(OFFER.min_fee_msat), proportional: Ppm.parse(OFFER.proportional) }
  return computeOpeningFee(offer, msat(amount))
}

const program = await ensureLdkNode({ log })
if (program === undefined) log('skipped: cargo is not installed, so the unmodified ldk-node cannot be built')

/** It compares what was kept with its rate on the rest, and knows no least fee (wallets.md 2, decisions D11). */
describe.skipIf(program === undefined)('ldk-node, unmodified, with invoices without an amount', () => {
  let network: Network
  let sluiced: Sluiced
  let wallet: LdkNodeWallet
  let wallets = 0
  let selling: object | undefined
  let earnedBefore = 0n

  renewedAfterFailure({
    begin: async () => {
      network = await startNetwork({ log })
      if (selling !== undefined) await sellWith(selling)
    },
    end: async () => {
      await sluiced?.stop()
      await network?.stop()
    },
  })

  afterEach(() => wallet?.stop())

  async function sellWith(lsps2: object): Promise<void> {
    selling = lsps2
    await sluiced?.stop()
    await network.mine(1)
    // A payment that ldk-node fails is what these tests are about: it must not have to wait after it.
    sluiced = new Sluiced(network, { lsps2, config: { inventory: { cooldown_seconds: 0 } } })
    await sluiced.start()
  }

  async function newWallet(): Promise<LdkNodeWallet> {
    wallets += 1
    wallet = await LdkNodeWallet.start({ program: program ?? '', network, name: `ldk-node-variable-${wallets}` })
    earnedBefore = BigInt((await sluiced.status()).earned_msat)
    return wallet
  }

  /** With the sale to which the invoice leads. */
  async function withSale(bought: { invoice: string; payment_hash: string }): Promise<Bought> {
    const { route_hints } = await decodeInvoice(network.payer, bought.invoice)
    const hop = route_hints[0]?.hop_hints[0]
    if (hop === undefined) throw new Error(`the invoice of ldk-node has no route hint: ${bought.invoice}`)
    const scid = BigInt(hop.chan_id)
    const hint = { nodeId: hop.node_id, scid, feeBaseMsat: 0, feePpm: 0, cltvDelta: hop.cltv_expiry_delta }
    return { ...bought, scid: scidFromNumber(scid), hint }
  }

  async function pay({ invoice }: Bought, amountMsat: bigint): Promise<PaymentResult> {
    await resetMissionControl(network.payer)
    return payInvoice(network.payer, { invoice, amountMsat })
  }

  async function expectRefused(bought: Bought, amount: bigint): Promise<FlightRecord> {
    const payment = await pay(bought, amount)
    expect(payment.succeeded).toBe(false)
    expect(payment.attempts.map(({ failure }) => failure)).toMatchObject([
      { code: 'INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS', failure_source_index: 2 },
    ])
    const owed = await sluiced.waitForSale(bought.scid, 'owed')
    expect(owed.earned_msat).toBeUndefined()
    expect((await sluiced.status()).earned_msat).toBe(`${earnedBefore}`)
    await sluiced.waitIdle()
    return owed
  }

  /** One channel, its funding published and confirmed, no coin locked. */
  async function expectOneChannel(sale: FlightRecord): Promise<void> {
    const points = (await channelsTo(network.lsp, wallet.nodeId)).map(({ channel_point }) => channel_point)
    expect(points).toEqual([sale.funding_outpoint])
    await network.waitInMempool(sale.funding_txid ?? '')
    expect(await network.btcd.mempool()).toEqual([sale.funding_txid])
    await confirmFundings(network, sluiced)
    await waitNoLease(network.lsp)
    await sluiced.waitIdle()
  }

  /** The wallet, lnd's forwarding history, the sale and the journal say the same, to the millisatoshi. */
  async function expectPaid(paid: { scid: string; hash: string; amount: bigint; fee: bigint }): Promise<FlightRecord> {
    const { scid, hash, amount, fee } = paid
    const received = await wallet.waitForEvent(
      (event) => event.type === 'payment_received' && event.payment_hash === hash,
      'ldk-node to say that it was paid',
    )
    expect(received).toMatchObject({ amount_msat: `${amount - fee}` })
    const sale = await sluiced.waitForSale(scid, 'paid')
    expect(sale).toMatchObject({
      earned_msat: `${fee}`,
      amount_in_msat: `${amount}`,
      amount_out_msat: `${amount - fee}`,
    })
    expect((await sluiced.status()).earned_msat).toBe(`${earnedBefore + fee}`)
    expect(await waitForwardedOver(network.lsp, sale.chan_id ?? '', 1)).toMatchObject([
      { fee_msat: `${fee}`, amt_in_msat: `${amount}`, amt_out_msat: `${amount - fee}` },
    ])
    await waitFor(async () => (await wallet.balances()).lightning_sat === `${(amount - fee) / MSAT_PER_SAT}`, {
      deadline: STEP_MS,
      what: `ldk-node to own ${(amount - fee) / MSAT_PER_SAT} sat`,
    })
    return sale
  }

  describe('with variable_amount_skim "spec"', () => {
    beforeAll(() => sellWith({ variable_amount_skim: 'spec', reclaim_unpaid_after_seconds: 2 }))

    it('refuses the agreed fee; channel and debt stay, over a restart too, and the next payment to the scid pays', async () => {
      await newWallet()
      const variable = await withSale(await wallet.receiveJitVariable())
      const fixed = await withSale(await wallet.receiveJit(AMOUNT))
      const owed = await expectRefused(variable, AMOUNT)
      const again = await expectRefused(variable, AMOUNT)
      expect(again.funding_outpoint).toBe(owed.funding_outpoint)

      await sluiced.kill()
      await sluiced.start()
      expect(await sluiced.show(variable.scid)).toMatchObject({ state: 'owed' })
      await expectOneChannel(owed)

      // An invoice with an amount, for which ldk-node agreed to just this fee, paid over the scid of the sale that owes.
      const { invoice, payment_hash: paymentHash } = fixed
      const { scid, hint } = variable
      const bought = { scid, hint, amount: msat(AMOUNT), invoice, paymentHash }
      expect(await payOverRoute({ network, wallet: { nodeId: wallet.nodeId }, bought })).toMatchObject({
        status: 'SUCCEEDED',
      })
      const hash = fixed.payment_hash
      const sale = await expectPaid({ scid: variable.scid, hash, amount: AMOUNT, fee: promisedFee(AMOUNT) })
      expect(sale.funding_outpoint).toBe(owed.funding_outpoint)
      expect(await channelsTo(network.lsp, wallet.nodeId)).toHaveLength(1)
      expect(await network.btcd.mempool()).toEqual([])
      expect(await sluiced.show(fixed.scid)).toMatchObject({ state: 'awaiting' })
    })

    it('loses the channel again that it did not pay for, and nothing is lost', async () => {
      await newWallet()
      const bought = await withSale(await wallet.receiveJitVariable())
      const owed = await expectRefused(bought, AMOUNT)
      await expectOneChannel(owed)
      await sluiced.stop()
      const ahead = Date.parse(owed.terms.valid_until) - Date.now()
      await sluiced.start({ NODE_OPTIONS: `--import=${CLOCK_HOOK}`, SLUICE_CLOCK_AHEAD_MS: String(ahead) })
      await wallet.waitForEvent(({ type }) => type === 'channel_closed', 'ldk-node to see that its channel is closed')
      expect(await sluiced.show(bought.scid)).toMatchObject({ state: 'unearned' })
      expect(await channelsTo(network.lsp, wallet.nodeId)).toEqual([])
      expect((await sluiced.status()).earned_msat).toBe(`${earnedBefore}`)
      await waitFor(async () => (await network.btcd.mempool()).length === 1, {
        deadline: STEP_MS,
        what: 'the closing transaction in the mempool',
      })
      await waitNoLease(network.lsp)
    })
  })

  describe('with variable_amount_skim "lenient"', () => {
    beforeAll(() => sellWith({ variable_amount_skim: 'lenient', lenient_skim_floor_msat: `${FLOOR_MSAT}` }))

    it('accepts what D11 leaves of the fee, and is paid', async () => {
      await newWallet()
      const fee = lenientFee(OFFER.proportional, msat(AMOUNT))
      expect(fee).toBeLessThan(promisedFee(AMOUNT))
      const bought = await withSale(await wallet.receiveJitVariable())
      expect(await pay(bought, AMOUNT)).toMatchObject({ succeeded: true, amount: AMOUNT, fee: 0n })
      await expectOneChannel(await expectPaid({ scid: bought.scid, hash: bought.payment_hash, amount: AMOUNT, fee }))
    })

    it('refuses the agreed fee where the lenient one is below the floor, and pays with a larger payment', async () => {
      await newWallet()
      const bought = await withSale(await wallet.receiveJitVariable())
      const owed = await expectRefused(bought, SMALL_AMOUNT)
      expect(await pay(bought, AMOUNT)).toMatchObject({ succeeded: true, amount: AMOUNT, fee: 0n })
      const fee = lenientFee(OFFER.proportional, msat(AMOUNT))
      const sale = await expectPaid({ scid: bought.scid, hash: bought.payment_hash, amount: AMOUNT, fee })
      expect(sale.funding_outpoint).toBe(owed.funding_outpoint)
      await expectOneChannel(sale)
    })
  })
})
