import { afterEach, describe, expect, it } from 'vitest'
import type { Network } from '../network.ts'
import { waitForwarded } from '../payments.ts'
import { renewedSelling } from '../renewed.ts'
import type { Sluiced } from '../sluiced.ts'
import { channelsTo, confirmFundings } from '../sold.ts'
import { NO_ROOM, Story } from '../story.ts'
import { waitFor } from '../wait.ts'
import { feeOf } from '../waking-scene.ts'

/** More than the first channel can carry: it was made for 100,000 sat. */
const LARGE_AMOUNT = 2_000_000_000n
const SMALL_AMOUNT = 10_000_000n
const AT_ONCE_MS = 10_000
const STEP_MS = 60_000

describe('a payment to the scid of a sale that was paid, larger than its channel can carry', () => {
  let network: Network
  let sluiced: Sluiced
  let story: Story | undefined

  afterEach(() => story?.wallet.close())

  /** A wallet that was sold a channel, and that is here. */
  async function customer(): Promise<Story> {
    const begun = await Story.begin(network, sluiced)
    story = begun
    await begun.expectPaid(await begun.pay())
    await begun.wallet.waitSynced()
    return begun
  }

  /** A further invoice for the same scid; the wallet lets as much be kept back as the terms say. */
  function invoiceOf({ wallet, bought }: Story, amountMsat: bigint) {
    return wallet.createInvoice({ amountMsat, allowedSkimMsat: feeOf(amountMsat), hint: bought.hint })
  }

  describe('where second channels are not sold', () => {
    renewedSelling({
      begun: (selling) => {
        ;({ network, sluiced } = selling)
      },
      current: () => ({ network, sluiced }),
    })

    it('[L2-71] fails at once, and what the channel can carry goes on without a fee', async () => {
      const begun = await customer()
      const start = performance.now()
      const { succeeded, attempts } = await begun.pay(invoiceOf(begun, LARGE_AMOUNT).invoice)
      expect(succeeded).toBe(false)
      expect(attempts.map(({ failure }) => failure?.failure_source_index)).toEqual([1])
      expect(NO_ROOM).toContain(attempts[0]?.failure?.code)
      expect(performance.now() - start).toBeLessThan(AT_ONCE_MS)
      expect(await channelsTo(network.lsp, begun.wallet.nodeId)).toHaveLength(1)

      const small = await begun.pay(invoiceOf(begun, SMALL_AMOUNT).invoice)
      expect(small).toMatchObject({ succeeded: true, amount: SMALL_AMOUNT })
      expect(await begun.wallet.waitForPayment(small.paymentHash)).toMatchObject({ amount: SMALL_AMOUNT, skimmed: 0n })
      await begun.expectEarned(begun.bought.fee)
    })
  })

  describe('where they are sold at the agreed terms', () => {
    renewedSelling({
      options: () => ({ lsps2: { second_channel: 'agreed-terms' } }),
      begun: (selling) => {
        ;({ network, sluiced } = selling)
      },
      current: () => ({ network, sluiced }),
    })

    it('gets another channel, for which the fee is deducted once; what fits goes on meanwhile', async () => {
      const begun = await customer()
      const { wallet, bought } = begun
      const [large, small] = await Promise.all([
        begun.pay(invoiceOf(begun, LARGE_AMOUNT).invoice),
        begun.pay(invoiceOf(begun, SMALL_AMOUNT).invoice),
      ])
      const fee = feeOf(LARGE_AMOUNT)
      expect(large).toMatchObject({ succeeded: true, amount: LARGE_AMOUNT, attempts: [{ status: 'SUCCEEDED' }] })
      expect(await wallet.waitForPayment(large.paymentHash)).toMatchObject({ amount: LARGE_AMOUNT - fee, skimmed: fee })
      expect(small).toMatchObject({ succeeded: true, amount: SMALL_AMOUNT })
      expect(await wallet.waitForPayment(small.paymentHash)).toMatchObject({ amount: SMALL_AMOUNT, skimmed: 0n })

      const isPaid = async () => (await sluiced.sales()).filter(({ state }) => state === 'paid').length === 2
      await waitFor(isPaid, { deadline: STEP_MS, what: 'the second sale to be paid' })
      expect(await channelsTo(network.lsp, wallet.nodeId)).toHaveLength(2)
      await begun.expectEarned(bought.fee + fee)
      await confirmFundings(network, sluiced)

      // Both channels together carry this one, of which the fee was taken before.
      const later = await begun.pay(invoiceOf(begun, SMALL_AMOUNT).invoice)
      expect(await wallet.waitForPayment(later.paymentHash)).toMatchObject({ amount: SMALL_AMOUNT, skimmed: 0n })
      await begun.expectEarned(bought.fee + fee)
      const rows = await waitForwarded(network.lsp, 4)
      const fees = rows.map(({ fee_msat }) => BigInt(fee_msat)).filter((taken) => taken > 0n)
      expect(fees.sort()).toEqual([bought.fee, fee].sort())
    })
  })
})
