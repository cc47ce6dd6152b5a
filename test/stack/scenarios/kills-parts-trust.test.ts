import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { FlightRecord } from '../../../src/admin/schema.ts'
import { keptOf, readJournal, waitKept } from '../books.ts'
import { type CrashPoint, crashAt, wasReached } from '../crash-points.ts'
import { Wallet } from '../ldk/wallet.ts'
import { type Network, startNetwork } from '../network.ts'
import { payInvoice, resetMissionControl } from '../payments.ts'
import { purchase } from '../purchase.ts'
import { Sluiced } from '../sluiced.ts'
import { expectSold } from '../sold.ts'
import { waitFor } from '../wait.ts'

const REACHED_MS = 30_000
const PARTS = 3

type Stage = {
  readonly what: string
  readonly table: string
  readonly record: string
  /** Before it: whatever led there has happened in lnd, and is not on disk. */
  readonly when: readonly CrashPoint['when'][]
  /** Nothing of the funding may be published yet. */
  readonly unseen?: true
}

const BOTH = ['before', 'after'] as const
const AFTER = ['after'] as const
const ONE_PART = '\\{[^{}]*\\}'

const IN_PARTS: readonly Stage[] = [
  { what: 'one part is held', table: 'jit-live', record: `"tag":"awaiting".*"parts":\\[${ONE_PART}\\]`, when: BOTH },
  {
    what: 'two parts are held',
    table: 'jit-live',
    record: `"tag":"awaiting".*"parts":\\[${ONE_PART},${ONE_PART}\\]`,
    when: AFTER,
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
  return stages.flatMap(({ what, table, record, when, unseen = false }) =>
    when.map((at) => ({ what, when: at, point: { when: at, table, record }, unseen })),
  )
}

const KINDS = [
  { name: 'in three parts', trusting: false, parts: PARTS, stages: IN_PARTS },
  { name: 'whose funding is withheld', trusting: true, parts: 1, stages: WITHHELD },
  { name: 'in three parts whose funding is withheld', trusting: true, parts: PARTS, stages: IN_PARTS.slice(-3) },
]

describe('a kill -9 of sluiced', () => {
  let network: Network
  let sluiced: Sluiced
  let wallet: Wallet | undefined
  let points = 0
  /** All sales that were paid, and in how many HTLCs. */
  const paid: { readonly sale: FlightRecord; readonly parts: number }[] = []

  beforeAll(async () => {
    network = await startNetwork({ log: (line) => process.stderr.write(`${line}\n`) })
  })

  afterEach(async () => {
    wallet?.close()
    await sluiced?.stop()
  })

  afterAll(async () => {
    await sluiced?.stop()
    await network?.stop()
  })

  const earned = async () => BigInt((await sluiced.status()).earned_msat)

  for (const { name, trusting, parts, stages } of KINDS) {
    describe(`in a sale ${name}`, () => {
      beforeAll(() => {
        sluiced = new Sluiced(network, { lsps2: { client_trusts_lsp: trusting } })
      })

      /** A wallet's purchase and the payment for it, up to the death of sluiced. */
      async function sellAndDie(point: CrashPoint) {
        points += 1
        const file = join(network.folder, `reached-${points}`)
        await sluiced.start(crashAt(point, { file, victims: ['sluiced'] }))
        const before = await earned()
        const client = await Wallet.create({ btcd: network.btcd })
        wallet = client
        await client.connect({ nodeId: network.lsp.nodeId, host: '127.0.0.1', port: network.lsp.p2pPort })
        await resetMissionControl(network.payer)
        const bought = await purchase(client, network, { wanted: { trust: 'allow-client-first' } })
        const maxPartMsat = bought.amount / BigInt(parts) + 1n
        const payment = payInvoice(network.payer, { invoice: bought.invoice, maxParts: parts, maxPartMsat })
        await waitFor(() => wasReached({ file }), { deadline: REACHED_MS, what: 'the point of the kill to be reached' })
        await waitFor(() => !sluiced.process.running, { deadline: REACHED_MS, what: 'sluiced to be dead' })
        expect(sluiced.process.ended).toBe('SIGKILL')
        return { client, bought, payment, before }
      }

      for (const { what, when, point, unseen } of momentsOf(stages)) {
        it(`right ${when} it is on disk that ${what}`, async () => {
          const { client, bought, payment, before } = await sellAndDie(point)
          if (unseen) expect(await network.btcd.mempool()).toEqual([])
          await sluiced.start()
          const result = await payment
          expect(result).toMatchObject({ succeeded: true, amount: bought.amount })
          expect(result.attempts.map(({ status }) => status)).toEqual(Array.from({ length: parts }, () => 'SUCCEEDED'))
          const due = bought.amount - bought.fee
          const received = await client.waitForPayment(bought.paymentHash)
          expect(received).toMatchObject({ amount: due, skimmed: bought.fee })
          const sale = await expectSold({ network, sluiced, wallet: client, bought, parts }, before)
          expect(sale.terms.client_trusts_lsp).toBe(trusting)
          paid.push({ sale, parts })
          expect(client.owned()).toBe(due)
        })
      }
    })
  }

  it('leaves each HTLC in the journal once, as in the forwarding history of lnd', async () => {
    const journal = await readJournal(sluiced)
    expect(journal).toHaveLength(paid.reduce((sum, { parts }) => sum + parts, 0))
    for (const { sale, parts } of paid) {
      const ours = keptOf(journal.filter((entry) => entry.sale === sale.scid))
      expect(ours).toHaveLength(parts)
      expect(await waitKept(network, [sale.chan_id ?? ''], parts)).toEqual(ours)
    }
  })
})
