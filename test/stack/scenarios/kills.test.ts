import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { FlightRecord } from '../../../src/admin/schema.ts'
import { type CrashOptions, type CrashPoint, crashAt, wasReached } from '../crash-points.ts'
import { Wallet } from '../ldk/wallet.ts'
import { type Network, startNetwork } from '../network.ts'
import { forwardingHistory, type PaymentResult, payInvoice, resetMissionControl, waitForwarded } from '../payments.ts'
import { type Purchase, purchase } from '../purchase.ts'
import { renewedAfterFailure } from '../renewed.ts'
import { Sluiced } from '../sluiced.ts'
import { expectSold } from '../sold.ts'
import { waitFor } from '../wait.ts'

const REACHED_MS = 60_000

/** The synced writes of a sale from *held* to *settled*; each kill is right before or right after one of them. */
const STAGES = [
  ['the payment is held and the channel decided on', 'jit-live', '"tag":"opening"'],
  ['the channel is ordered', 'funding-live', '"tag":"opening"'],
  ['the PSBT is funded, its coins locked', 'funding-live', '"tag":"funded"'],
  ['the channel is verified and stands', 'funding-live', '"tag":"standing".*"stage":"unsigned"'],
  ['the channel is active, to be signed for', 'funding-live', '"stage":"signing"'],
  ['the deduction is fixed', 'jit-live', '"tag":"forwarding".*"bound":false'],
  ['the funding is signed', 'funding-live', '"stage":"signed"'],
  ['the funding is published', 'funding-live', '"stage":"published"'],
  ['the alias is bound', 'jit-live', '"tag":"forwarding".*"bound":true'],
  ['the payment is settled, its fee in the journal', 'jit-done', '"tag":"paid"'],
] as const

const POINTS = STAGES.flatMap(([what, table, record]) =>
  (['before', 'after'] as const).map((when) => ({ what, point: { when, table, record } })),
)

const LND_STAGES = ['"tag":"funded"', '"stage":"signing"', '"tag":"forwarding".*"bound":true']
const LND_POINTS = STAGES.filter(([, , record]) => LND_STAGES.includes(record)).map(([what, table, record]) => ({
  what,
  point: { when: 'after', table, record } as const,
}))

describe('a kill -9', () => {
  let network: Network
  let sluiced: Sluiced
  let wallet: Wallet
  let points = 0
  /** Of all sales that were paid, for the comparison with lnd's own history. */
  const paid: FlightRecord[] = []
  /** Channels whose row lnd may have lost. */
  const unwritten: string[] = []

  renewedAfterFailure({
    begin: async () => {
      network = await startNetwork({ log: (line) => process.stderr.write(`${line}\n`) })
      sluiced = new Sluiced(network)
      paid.length = 0
      unwritten.length = 0
    },
    end: async () => {
      await sluiced?.stop()
      await network?.stop()
    },
  })

  afterEach(async () => {
    wallet?.close()
    await sluiced?.stop()
  })

  const earned = async () => BigInt((await sluiced.status()).earned_msat)

  /** A wallet's purchase and the payment for it, with sluiced set to kill at the point. */
  async function sell(point: CrashPoint, victims: CrashOptions['victims']) {
    points += 1
    const file = join(network.folder, `reached-${points}`)
    await sluiced.start(crashAt(point, { file, victims }))
    const before = await earned()
    wallet = await Wallet.create({ btcd: network.btcd })
    await connectWallet()
    await resetMissionControl(network.payer)
    const bought = await purchase(wallet, network)
    const payment = payInvoice(network.payer, { invoice: bought.invoice })
    await waitFor(() => wasReached({ file }), { deadline: REACHED_MS, what: 'the point of the kill to be reached' })
    return { bought, payment, before }
  }

  /** lnd writes its history every 15 s; a kill before that loses rows of sales that are not the test's. */
  async function allWrittenDown(): Promise<void> {
    await waitForwarded(network.lsp, paid.length)
  }

  async function restartLnd(): Promise<void> {
    await waitFor(() => !network.lsp.daemon.running, { deadline: REACHED_MS, what: 'lnd to be dead' })
    expect(network.lsp.daemon.ended).toBe('SIGKILL')
    await network.lsp.restart()
    await Promise.all([network.waitReady(), wallet.reconnect()])
  }

  function connectWallet(): Promise<void> {
    return wallet.connect({ nodeId: network.lsp.nodeId, host: '127.0.0.1', port: network.lsp.p2pPort })
  }

  async function expectPaid(bought: Purchase, result: PaymentResult, before: bigint): Promise<void> {
    expect(result).toMatchObject({ succeeded: true, amount: bought.amount })
    const received = await wallet.waitForPayment(bought.paymentHash)
    expect(received).toMatchObject({ amount: bought.amount - bought.fee, skimmed: bought.fee })
    paid.push(await expectSold({ network, sluiced, wallet, bought }, before))
    expect(wallet.owned()).toBe(bought.amount - bought.fee)
  }

  describe('of sluiced', () => {
    for (const { what, point } of POINTS) {
      it(`right ${point.when} it is on disk that ${what}`, async () => {
        const { bought, payment, before } = await sell(point, ['sluiced'])
        await waitFor(() => !sluiced.process.running, { deadline: REACHED_MS, what: 'sluiced to be dead' })
        expect(sluiced.process.ended).toBe('SIGKILL')

        await sluiced.start()
        await expectPaid(bought, await payment, before)
      })
    }
  })

  describe('of lnd', () => {
    for (const { what, point } of LND_POINTS) {
      it(`right after it is on disk that ${what}`, async () => {
        await allWrittenDown()
        const { bought, payment, before } = await sell(point, [network.lsp.daemon.pid])
        await restartLnd()

        const result = await payment
        process.stderr.write(`lnd killed after ${point.record}: payment ${result.succeeded ? 'succeeded' : 'failed'}\n`)
        if (result.succeeded) return expectPaid(bought, result, before)
        // Nobody has paid or been paid, and the same invoice's sale takes the next payment.
        expect(wallet.owned()).toBe(0n)
        expect(await earned()).toBe(before)
        await waitFor(async () => ['awaiting', 'owed'].includes((await sluiced.show(bought.scid)).state), {
          deadline: REACHED_MS,
          what: 'sluiced to know that the payment failed',
        })
        const { amount: amountMsat, fee: allowedSkimMsat, hint } = bought
        const again = { ...bought, ...wallet.createInvoice({ amountMsat, allowedSkimMsat, hint }) }
        await resetMissionControl(network.payer)
        await expectPaid(again, await payInvoice(network.payer, { invoice: again.invoice }), before)
      })
    }
  })

  it('of both, when the fee is earned and neither has written it down, still earns it once', async () => {
    await allWrittenDown()
    const point = { when: 'before', table: 'jit-done', record: '"tag":"paid"' } as const
    const { bought, payment, before } = await sell(point, [network.lsp.daemon.pid, 'sluiced'])
    await restartLnd()
    await sluiced.start()
    await expectPaid(bought, await payment, before)

    // lnd keeps its history in memory for up to 15 s, and may have lost this row: then only our journal has it.
    const { chan_id } = paid.pop() ?? {}
    const rows = await forwardingHistory(network.lsp)
    const ours = rows.filter(({ chan_id_out }) => chan_id_out === chan_id)
    expect(ours.map(({ fee_msat }) => fee_msat)).toEqual(ours.length === 0 ? [] : [`${bought.fee}`])
    unwritten.push(...(chan_id === undefined ? [] : [chan_id]))
  })

  it('leaves the same fees in the journal as in the forwarding history of lnd, each once', async () => {
    expect(paid.length).toBeGreaterThan(0)
    await allWrittenDown()
    const rows = await forwardingHistory(network.lsp)
    const written = rows.filter(({ chan_id_out }) => !unwritten.includes(chan_id_out))
    const fees = written.map(({ chan_id_out, fee_msat }) => [chan_id_out, fee_msat])
    expect(fees.sort()).toEqual(paid.map(({ chan_id, earned_msat }) => [chan_id, earned_msat]).sort())
  })
})
