import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { EXIT } from '../../../src/cli/exit-codes.ts'
import { type CrashPoint, crashAt, wasReached } from '../crash-points.ts'
import type { OnPayment } from '../ldk/incoming.ts'
import { Wallet } from '../ldk/wallet.ts'
import { type Network, startNetwork } from '../network.ts'
import { payInvoice, resetMissionControl, waitForwardedOver } from '../payments.ts'
import { purchase } from '../purchase.ts'
import { renewedAfterFailure } from '../renewed.ts'
import { Sluiced } from '../sluiced.ts'
import { channelsTo, expectSold, waitNoLease } from '../sold.ts'
import { waitFor } from '../wait.ts'

const DEAD_MS = 60_000

/** What decisions.md D2 says that it costs to run lnd without `requireinterceptor`. */
describe('without requireinterceptor', () => {
  let network: Network
  let sluiced: Sluiced
  let wallet: Wallet | undefined
  let points = 0

  renewedAfterFailure({
    begin: async () => {
      network = await startNetwork({
        lsp: { requireInterceptor: false },
        log: (line) => process.stderr.write(`${line}\n`),
      })
    },
    end: async () => {
      await sluiced?.stop()
      await network?.stop()
    },
  })

  afterEach(async () => {
    wallet?.close()
    wallet = undefined
    await sluiced?.stop()
  })

  async function waitDead(): Promise<void> {
    await waitFor(() => !sluiced.process.running, { deadline: DEAD_MS, what: 'sluiced to end' })
  }

  /** A sale whose payment is held when sluiced dies at the point. */
  async function sellAndDie(point: CrashPoint, onPayment: OnPayment = 'claim') {
    points += 1
    const file = join(network.folder, `reached-${points}`)
    sluiced = new Sluiced(network, { lsps2: { without_require_interceptor: 'accept_lost_fees' } })
    await sluiced.start(crashAt(point, { file, victims: ['sluiced'] }))
    const before = BigInt((await sluiced.status()).earned_msat)
    wallet = await Wallet.create({ btcd: network.btcd })
    await wallet.connect({ nodeId: network.lsp.nodeId, host: '127.0.0.1', port: network.lsp.p2pPort })
    await resetMissionControl(network.payer)
    const bought = await purchase(wallet, network, { onPayment })
    const payment = payInvoice(network.payer, { invoice: bought.invoice })
    await waitDead()
    expect(wasReached({ file })).toBe(true)
    return { wallet, bought, payment, before }
  }

  type Sold = Awaited<ReturnType<typeof sellAndDie>>

  /** The client has it all, lnd kept nothing, and the journal says just that; nothing else is lost. */
  async function expectUnearned({ wallet, bought, before }: Sold): Promise<void> {
    expect(await wallet.waitForPayment(bought.paymentHash)).toMatchObject({ amount: bought.amount, skimmed: 0n })
    const sale = await sluiced.waitForSale(bought.scid, 'paid')
    expect(sale).toMatchObject({ fee_msat: `${bought.fee}`, earned_msat: '0', amount_out_msat: `${bought.amount}` })
    expect(sale.steps.map(({ what }) => what)).toContain('payment settled, fee lost')
    expect((await sluiced.status()).earned_msat).toBe(`${before}`)
    expect(await waitForwardedOver(network.lsp, sale.chan_id ?? '', 1)).toMatchObject([
      { fee_msat: '0', amt_out_msat: `${bought.amount}` },
    ])

    await network.waitInMempool(sale.funding_txid ?? '')
    expect(await channelsTo(network.lsp, wallet.nodeId)).toHaveLength(1)
    expect(await network.btcd.mempool()).toEqual([sale.funding_txid])
    await network.mine(1)
    await waitNoLease(network.lsp)
    await waitFor(() => wallet.owned() === bought.amount, { deadline: DEAD_MS, what: 'the wallet to own it all' })
  }

  it('sluiced does not start unless the operator accepts that, and says what to do', async () => {
    sluiced = new Sluiced(network)
    await sluiced.launch()
    await waitDead()
    expect(sluiced.process.ended).toBe(String(EXIT.NOT_READY))
    const said = sluiced.process.logTail()
    expect(said).toContain('add `requireinterceptor=true` to lnd.conf and restart lnd')
    expect(said).toContain('"without_require_interceptor": "accept_lost_fees"')
  })

  for (const [when, what] of [
    ['after', 'it is on disk that the alias is bound'],
    ['before', 'it is on disk that the alias is bound, which lnd has done'],
  ] as const) {
    it(`a death right ${when} ${what} costs the fee and nothing else`, async () => {
      const sold = await sellAndDie({ when, table: 'jit-live', record: '"tag":"forwarding".*"bound":true' })
      // lnd does not wait for the next interceptor.
      expect(await sold.payment).toMatchObject({ succeeded: true, amount: sold.bought.amount })
      await sluiced.start()
      await expectUnearned(sold)
    })
  }

  it('a fee is lost all the same when the client claims while sluiced runs again', async () => {
    const point = { when: 'after', table: 'jit-live', record: '"tag":"forwarding".*"bound":true' } as const
    const sold = await sellAndDie(point, 'hold')
    await sold.wallet.waitForPayment(sold.bought.paymentHash, 'claimable')
    await sluiced.start()
    sold.wallet.claim(sold.bought.paymentHash)
    expect(await sold.payment).toMatchObject({ succeeded: true, amount: sold.bought.amount })
    await expectUnearned(sold)
  })

  it('a death before the alias leads to the channel costs the payment, and the next one pays the fee', async () => {
    const point = { when: 'before', table: 'jit-live', record: '"tag":"forwarding".*"bound":false' } as const
    const { wallet, bought, payment, before } = await sellAndDie(point)
    expect(await payment).toMatchObject({ succeeded: false })
    await sluiced.start()
    await sluiced.waitForSale(bought.scid, 'owed')
    const { amount: amountMsat, fee: allowedSkimMsat, hint } = bought
    const again = { ...bought, ...wallet.createInvoice({ amountMsat, allowedSkimMsat, hint }) }
    await resetMissionControl(network.payer)
    expect(await payInvoice(network.payer, { invoice: again.invoice })).toMatchObject({ succeeded: true })
    await expectSold({ network, sluiced, wallet, bought: again }, before)
    const due = bought.amount - bought.fee
    await waitFor(() => wallet.owned() === due, { deadline: DEAD_MS, what: `the wallet to own ${due} msat` })
  })
})
