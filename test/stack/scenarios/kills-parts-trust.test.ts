import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { FlightRecord } from '../../../src/admin/schema.ts'
import { keptOf, readJournal, waitKept } from '../books.ts'
import { clockAhead } from '../clock.ts'
import { type CrashOptions, type CrashPoint, crashAt, wasReached } from '../crash-points.ts'
import { Wallet } from '../ldk/wallet.ts'
import { type Network, startNetwork } from '../network.ts'
import { payInvoice, resetMissionControl } from '../payments.ts'
import { type Purchase, purchase } from '../purchase.ts'
import { renewedAfterFailure } from '../renewed.ts'
import { payParts } from '../routes.ts'
import { Sluiced, type SluicedOptions } from '../sluiced.ts'
import { expectSold } from '../sold.ts'
import { Story } from '../story.ts'
import { waitFor } from '../wait.ts'

const REACHED_MS = 60_000
const PARTS = 3
const TWO_HOURS_MS = 2 * 3_600_000
const TRUSTING = { wanted: { trust: 'allow-client-first' } } as const

const log = (line: string) => process.stderr.write(`${line}\n`)

type Stage = {
  readonly what: string
  readonly table: string
  readonly record: string
  /** Before it: whatever led there has happened in lnd, and is not on disk. */
  readonly when: readonly CrashPoint['when'][]
  /** Nothing of the funding may be published yet. */
  readonly unseen?: true
  /** Parts that are sent before the kill, the others after it: what comes while nobody intercepts is failed by lnd. */
  readonly sent?: number
}

const BOTH = ['before', 'after'] as const
const AFTER = ['after'] as const
const ONE_PART = '\\{[^{}]*\\}'

const IN_PARTS: readonly Stage[] = [
  {
    what: 'one part is held',
    table: 'jit-live',
    record: `"tag":"awaiting".*"parts":\\[${ONE_PART}\\]`,
    when: BOTH,
    sent: 1,
  },
  {
    what: 'two parts are held',
    table: 'jit-live',
    record: `"tag":"awaiting".*"parts":\\[${ONE_PART},${ONE_PART}\\]`,
    when: AFTER,
    sent: 2,
  },
  { what: 'all are held and the channel is decided on', table: 'jit-live', record: '"tag":"opening"', when: BOTH },
  { what: 'the PSBT is funded, its coins locked', table: 'funding-live', record: '"tag":"funded"', when: AFTER },
  {
    what: 'the deductions are fixed',
    table: 'jit-live',
    record: '"tag":"forwarding".*"bound":false',
    when: AFTER,
  },
  { what: 'the alias is bound', table: 'jit-live', record: '"tag":"forwarding".*"bound":true', when: BOTH },
  { what: 'one part is settled', table: 'jit-live', record: '"tag":"forwarding".*"settled"', when: BOTH },
  { what: 'two parts are settled', table: 'jit-live', record: '"tag":"forwarding".*"settled".*"settled"', when: BOTH },
  { what: 'the last part is settled', table: 'jit-done', record: '"tag":"paid"', when: BOTH },
]

const UNSEEN: readonly Omit<Stage, 'unseen'>[] = [
  { what: 'the channel is decided on', table: 'jit-live', record: '"tag":"opening"', when: AFTER },
  { what: 'the PSBT is funded, its coins locked', table: 'funding-live', record: '"tag":"funded"', when: BOTH },
  { what: 'the channel stands', table: 'funding-live', record: '"tag":"standing".*"stage":"unsigned"', when: AFTER },
  {
    what: 'the channel is active',
    table: 'funding-live',
    record: '"tag":"standing".*"chanId".*"stage":"unsigned"',
    when: AFTER,
  },
  { what: 'the deduction is fixed', table: 'jit-live', record: '"tag":"forwarding".*"bound":false', when: AFTER },
  { what: 'the alias is bound', table: 'jit-live', record: '"tag":"forwarding".*"bound":true', when: BOTH },
  { what: 'the payment is settled', table: 'jit-done', record: '"tag":"paid"', when: BOTH },
  { what: 'the funding is due', table: 'funding-live', record: '"broadcast":"due".*"stage":"signing"', when: BOTH },
  { what: 'the funding is signed', table: 'funding-live', record: '"stage":"signed"', when: BOTH },
]

const WITHHELD: readonly Stage[] = [
  ...UNSEEN.map((stage) => ({ ...stage, unseen: true as const })),
  { what: 'the funding is published', table: 'funding-live', record: '"stage":"published"', when: BOTH },
]

function momentsOf(stages: readonly Stage[]) {
  return stages.flatMap(({ what, table, record, when, unseen = false, sent = PARTS }) =>
    when.map((at) => ({ what, when: at, point: { when: at, table, record }, unseen, sent })),
  )
}

/** Moments at which lnd dies, and the channel is known to it and the wallet alone. */
const LND_STAGES = WITHHELD.filter(({ what }) =>
  ['the channel is active', 'the alias is bound', 'the payment is settled'].includes(what),
)

/** How a withheld channel is given up when its offer has ended. */
const GIVEN_UP: readonly Stage[] = [
  { what: 'the channel is to be taken back', table: 'jit-live', record: '"tag":"reclaiming"', when: BOTH },
  { what: 'the channel is to be closed', table: 'funding-live', record: '"stage":"closing"', when: BOTH },
  { what: 'the channel is to be forgotten', table: 'funding-live', record: '"stage":"abandoning"', when: BOTH },
  { what: 'the channel is gone', table: 'funding-done', record: '"tag":"lost"', when: BOTH },
]

const KINDS = [
  { name: 'in three parts', trusting: false, parts: PARTS, stages: IN_PARTS },
  { name: 'whose funding is withheld', trusting: true, parts: 1, stages: WITHHELD },
  { name: 'in three parts whose funding is withheld', trusting: true, parts: PARTS, stages: IN_PARTS.slice(-3) },
]

describe('a kill -9', () => {
  let network: Network
  let sluiced: Sluiced
  let options: SluicedOptions = {}
  let wallet: Wallet | undefined
  let points = 0
  /** All sales that were paid, in how many HTLCs, and whether lnd may have lost their rows. */
  const paid: { readonly sale: FlightRecord; readonly parts: number; readonly unwritten: boolean }[] = []

  renewedAfterFailure({
    begin: async () => {
      network = await startNetwork({ log })
      sluiced = new Sluiced(network, options)
      paid.length = 0
    },
    end: async () => {
      await sluiced?.stop()
      await network?.stop()
    },
  })

  function sellWith(next: SluicedOptions): void {
    options = next
    sluiced = new Sluiced(network, options)
  }

  afterEach(async () => {
    wallet?.close()
    await sluiced?.stop()
  })

  const earned = async () => BigInt((await sluiced.status()).earned_msat)

  /** A wallet's purchase, with somebody to be killed when its payment comes to the point. */
  async function sell(point: CrashPoint, victims: CrashOptions['victims']) {
    const reached = nextFile()
    await sluiced.start(crashAt(point, { file: reached, victims }))
    const before = await earned()
    const client = await Wallet.create({ btcd: network.btcd })
    wallet = client
    await client.connect({ nodeId: network.lsp.nodeId, host: '127.0.0.1', port: network.lsp.p2pPort })
    await resetMissionControl(network.payer)
    const bought = await purchase(client, network, TRUSTING)
    return { client, bought, before, reached }
  }

  /** As lnd splits it; or part by part, the first ones now and the others when told. How each part ends. */
  function pay(client: Wallet, bought: Purchase, { parts, sent }: { parts: number; sent: number }) {
    const size = bought.amount / BigInt(parts)
    if (sent >= parts) {
      const paying = payInvoice(network.payer, { invoice: bought.invoice, maxParts: parts, maxPartMsat: size + 1n })
      return { rest: async () => (await paying).attempts }
    }
    const sizes = Array.from({ length: parts }, (_, index) =>
      index > 0 ? size : bought.amount - size * BigInt(parts - 1),
    )
    const route = { network, wallet: client, bought }
    const first = payParts(route, sizes.slice(0, sent))
    return { rest: async () => (await Promise.all([first, payParts(route, sizes.slice(sent))])).flat() }
  }

  async function expectPaid(
    client: Wallet,
    bought: Purchase,
    { before, parts, unwritten = false }: { before: bigint; parts: number; unwritten?: boolean },
  ): Promise<FlightRecord> {
    const due = bought.amount - bought.fee
    const received = await client.waitForPayment(bought.paymentHash)
    expect(received).toMatchObject({ amount: due, skimmed: bought.fee })
    const sale = await expectSold({ network, sluiced, wallet: client, bought, parts }, before)
    paid.push({ sale, parts, unwritten })
    expect(client.owned()).toBe(due)
    return sale
  }

  function nextFile(): string {
    points += 1
    return join(network.folder, `reached-${points}`)
  }

  async function waitReached(file: string): Promise<void> {
    await waitFor(() => wasReached({ file }), { deadline: REACHED_MS, what: 'the point of the kill to be reached' })
  }

  async function waitDead(): Promise<void> {
    await waitFor(() => !sluiced.process.running, { deadline: REACHED_MS, what: 'sluiced to be dead' })
    expect(sluiced.process.ended).toBe('SIGKILL')
  }

  for (const { name, trusting, parts, stages } of KINDS) {
    describe(`of sluiced in a sale ${name}`, () => {
      beforeAll(() => {
        sellWith({ lsps2: { client_trusts_lsp: trusting } })
      })

      for (const { what, when, point, unseen, sent } of momentsOf(stages)) {
        it(`right ${when} it is on disk that ${what}`, async () => {
          const { client, bought, before, reached } = await sell(point, ['sluiced'])
          const payment = pay(client, bought, { parts, sent })
          await waitReached(reached)
          await waitDead()
          if (unseen) expect(await network.btcd.mempool()).toEqual([])
          await sluiced.start()
          const ends = (await payment.rest()).map(({ status }) => status)
          expect(ends).toEqual(Array.from({ length: parts }, () => 'SUCCEEDED'))
          const sale = await expectPaid(client, bought, { before, parts })
          expect(sale.terms.client_trusts_lsp).toBe(trusting)
        })
      }
    })
  }

  describe('of lnd in a sale whose funding is withheld', () => {
    beforeAll(() => {
      sellWith({ lsps2: { client_trusts_lsp: true } })
    })

    for (const { what, table, record } of LND_STAGES) {
      it(`right after it is on disk that ${what}`, async () => {
        // lnd writes its history every 15 s; a kill before that loses rows of sales that are not the test's.
        for (const { sale, parts, unwritten } of paid) {
          if (!unwritten) await waitKept(network, [sale.chan_id ?? ''], parts)
        }
        const point = { when: 'after', table, record } as const
        const { client, bought, before, reached } = await sell(point, [network.lsp.daemon.pid])
        const payment = payInvoice(network.payer, { invoice: bought.invoice })
        await waitReached(reached)
        await waitFor(() => !network.lsp.daemon.running, { deadline: REACHED_MS, what: 'lnd to be dead' })
        await network.lsp.restart()
        await Promise.all([network.waitReady(), client.reconnect()])
        const result = await payment
        log(`lnd killed after ${what}: payment ${result.succeeded ? 'succeeded' : 'failed'}`)
        if (result.succeeded) return void (await expectPaid(client, bought, { before, parts: 1, unwritten: true }))
        expect(client.owned()).toBe(0n)
        expect(await earned()).toBe(before)
        const { amount: amountMsat, fee: allowedSkimMsat, hint } = bought
        const again = { ...bought, ...client.createInvoice({ amountMsat, allowedSkimMsat, hint }) }
        await resetMissionControl(network.payer)
        expect(await payInvoice(network.payer, { invoice: again.invoice })).toMatchObject({ succeeded: true })
        await expectPaid(client, again, { before, parts: 1 })
      })
    }
  })

  describe('of sluiced while a withheld channel is given up', () => {
    beforeAll(() => {
      sellWith({ lsps2: { client_trusts_lsp: true } })
    })

    for (const { what, when, point } of momentsOf(GIVEN_UP)) {
      it(`right ${when} it is on disk that ${what}`, async () => {
        await sluiced.start()
        const story = await Story.begin(network, sluiced, { onPayment: 'fail', ...TRUSTING })
        wallet = story.wallet
        expect(await story.pay()).toMatchObject({ succeeded: false })
        const owed = await story.waitForState('owed')
        await sluiced.stop()

        const reached = nextFile()
        await sluiced.launch(clockAhead(TWO_HOURS_MS, crashAt(point, { file: reached, victims: ['sluiced'] })))
        await waitReached(reached)
        await waitDead()
        await sluiced.start(clockAhead(TWO_HOURS_MS))
        await story.waitForState('unearned')
        await story.expectNothing()
        expect(await network.btcd.transaction(owed.funding_txid ?? '')).toBeUndefined()
        expect(await network.lsp.call('default', 'pendingChannels')).toMatchObject({ waiting_close_channels: [] })
      })
    }
  })

  it('leaves each HTLC in the journal once, as in the forwarding history of lnd', async () => {
    const journal = await readJournal(sluiced)
    expect(journal).toHaveLength(paid.reduce((sum, { parts }) => sum + parts, 0))
    for (const { sale, parts, unwritten } of paid) {
      const ours = keptOf(journal.filter((entry) => entry.sale === sale.scid))
      expect(ours).toHaveLength(parts)
      if (!unwritten) expect(await waitKept(network, [sale.chan_id ?? ''], parts)).toEqual(ours)
    }
  })
})
