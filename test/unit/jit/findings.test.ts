import { describe, expect, it } from 'vitest'
import { type Msat, msat, type Ppm, sat } from '../../../lsps/base/amount.ts'
import type { Clock } from '../../../lsps/base/clock.ts'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import type { NodeId } from '../../../lsps/base/node-id.ts'
import type { Scid } from '../../../lsps/base/scid.ts'
import { Findings, HISTORY_FLUSH_MS } from '../../../src/jit/findings.ts'
import type { Sale } from '../../../src/jit/states.ts'
import type { Channel, Forward } from '../../../src/lnd/port.ts'

const SCID = '16100000x1x1' as Scid
const CLIENT = `02${'11'.repeat(32)}` as NodeId
const OUTPOINT = `${'22'.repeat(32)}:0`
const CHAN_ID = 17_592_186_044_416_000_002n
const CIRCUIT = '454:7'
const START = 1_790_000_000_000
const AMOUNT = msat(100_000_000n)
const FEE = msat(1_000_000n)
const SKIMMED = msat(AMOUNT - FEE)

function forwarding(bound: boolean): Sale {
  return {
    tag: 'forwarding',
    deal: {
      scid: SCID,
      client: CLIENT,
      minFee: FEE,
      proportional: 0 as Ppm,
      validUntil: (START + 600_000) as Timestamp,
      minLifetime: 1000,
      maxClientToSelfDelay: 2016,
      paymentSize: AMOUNT,
      fee: FEE,
      cltvExpiryDelta: 144,
      htlcMinimum: msat(1n),
      partHold: 90_000,
      createdAt: (START - 1000) as Timestamp,
    },
    channel: { outpoint: OUTPOINT, chanId: CHAN_ID, pendingChannelId: '33'.repeat(32) },
    fee: FEE,
    collected: msat(0n),
    sent: [
      {
        fee: FEE,
        circuit: CIRCUIT,
        paymentHash: '44'.repeat(32),
        amountIn: AMOUNT,
        amountOut: AMOUNT,
        expiryIn: 1000,
        expiryOut: 800,
        autoFailHeight: 990,
        heldAt: START as Timestamp,
      },
    ],
    parts: [],
    forwarded: [],
    bound,
    refused: [],
  }
}

/** What lnd tells, and what else is on record. */
type Told = {
  readonly rows?: readonly Forward[]
  readonly sent?: bigint
  /** How long lnd has been running, in seconds: not long, so that it may have lost rows. */
  readonly runsFor?: number
  readonly others?: readonly Sale[]
  readonly lndResumes?: boolean
}

/** What the findings say at once, and what they say when lnd has had the time to write its history. */
async function look(sale: Sale, lnd: Told) {
  let now = START
  const clock = { now: () => now as Timestamp } as Clock
  const totals = { totalSent: sat(lnd.sent ?? 0n), lifetimeSeconds: lnd.runsFor ?? 0 }
  const channel = { outpoint: OUTPOINT, chanId: CHAN_ID, ...totals, pendingHtlcs: [] }
  const findings = new Findings(
    {
      listChannels: async () => [channel as unknown as Channel],
      forwardingHistory: async () => lnd.rows ?? [],
    },
    clock,
    lnd.lndResumes,
  )
  const signal = new AbortController().signal
  const sales = [sale, ...(lnd.others ?? [])].map((one) => [one.deal.scid, one] as const)
  const ask = async () => (await findings.look(sales, signal)).map(({ event }) => event)
  const first = await ask()
  now += HISTORY_FLUSH_MS
  return { first, later: first.length > 0 ? [] : await ask() }
}

function row(circuit: string, amountOut: Msat): Forward {
  const fee = msat(AMOUNT - amountOut)
  return { circuit, incomingChannel: 454n, outgoingChannel: CHAN_ID, amountIn: AMOUNT, amountOut, fee, at: START }
}
const settled = (amountOut: Msat) => ({ type: 'settled', circuit: CIRCUIT, amountOut })

describe('what became of a part that lnd does not hold any more', () => {
  it.each([true, false])('is told by the row of lnd, also in full, bound: %s', async (bound) => {
    for (const amountOut of [SKIMMED, AMOUNT]) {
      const { first } = await look(forwarding(bound), { rows: [row(CIRCUIT, amountOut)] })
      expect(first).toMatchObject([settled(amountOut)])
    }
  })

  it.each([true, false])('is told by what the channel sent when lnd lost the row, bound: %s', async (bound) => {
    for (const amountOut of [SKIMMED, AMOUNT]) {
      const { first, later } = await look(forwarding(bound), { sent: amountOut / 1000n })
      expect(first).toEqual([])
      expect(later).toMatchObject([settled(amountOut)])
    }
  })

  it('is a failure when what the channel sent was another payment', async () => {
    const lnd = { rows: [row('454:6', AMOUNT)], sent: AMOUNT / 1000n }
    expect((await look(forwarding(true), lnd)).later).toMatchObject([{ type: 'failed', circuit: CIRCUIT }])
  })

  it('is counted apart from another payment over the same channel', async () => {
    const lnd = { rows: [row('454:6', AMOUNT)], sent: (AMOUNT + SKIMMED) / 1000n }
    expect((await look(forwarding(true), lnd)).later).toMatchObject([settled(SKIMMED)])
  })

  it('is gone without trace when the alias did not lead to the channel', async () => {
    const { first, later } = await look(forwarding(false), {})
    expect(first).toEqual([])
    expect(later).toMatchObject([{ type: 'part-gone', circuit: CIRCUIT }])
  })

  it('has failed when another part of its payment went on before the alias was known', async () => {
    const sale = forwarding(false)
    if (sale.tag !== 'forwarding') throw new Error('not a forward')
    const [part] = sale.sent
    const ended = { ...part, circuit: '454:6', end: { type: 'failed' } } as typeof part
    const { later } = await look({ ...sale, sent: [ended, ...sale.sent].filter((one) => one !== undefined) }, {})
    expect(later).toMatchObject([{ type: 'failed', circuit: CIRCUIT }])
  })

  it('is no settled forward when lnd has been running since, and so lost no row', async () => {
    const lnd = { sent: SKIMMED / 1000n, runsFor: 3600 }
    expect((await look(forwarding(true), lnd)).later).toMatchObject([{ type: 'failed', circuit: CIRCUIT }])
  })

  it('is not explained by what an earlier payment to the sale sent, whose row lnd lost', async () => {
    const sale = forwarding(true)
    if (sale.tag !== 'forwarding') throw new Error('not a forward')
    const delivered = [{ circuit: '454:3', amountOut: AMOUNT }]
    const { later } = await look({ ...sale, delivered }, { sent: AMOUNT / 1000n })
    expect(later).toMatchObject([{ type: 'failed', circuit: CIRCUIT }])
  })

  it('is not explained by what another sale to the client sent over this channel', async () => {
    const sale = forwarding(true)
    const other: Sale = {
      tag: 'owed',
      deal: { ...sale.deal, scid: '16100000x1x2' as Scid },
      channel: { outpoint: `${'99'.repeat(32)}:0`, chanId: 1n, pendingChannelId: '34'.repeat(32) },
      collected: msat(0n),
      parts: [],
      bound: true,
      forwarded: [],
      delivered: [{ circuit: '454:3', amountOut: AMOUNT }],
      refused: [],
    }
    const { later } = await look(sale, { sent: AMOUNT / 1000n, others: [other] })
    expect(later).toMatchObject([{ type: 'failed', circuit: CIRCUIT }])
  })

  it('is told by the sum, when the wallet took only the parts that carry no fee', async () => {
    const sale = forwarding(true)
    if (sale.tag !== 'forwarding') throw new Error('not a forward')
    const free = ['454:8', '454:9'].map((circuit, index) => {
      const amount = msat(40_000_001n + BigInt(index))
      return {
        ...(sale.sent[0] as (typeof sale.sent)[number]),
        circuit,
        amountIn: amount,
        amountOut: amount,
        fee: msat(0n),
      }
    })
    const lnd = { sent: 80_000n, lndResumes: false }
    const { later } = await look({ ...sale, sent: [...sale.sent, ...free] }, lnd)
    expect(later).toMatchObject([
      { type: 'failed', circuit: CIRCUIT },
      { type: 'settled', circuit: '454:8', amountOut: 40_000_001n },
      { type: 'settled', circuit: '454:9', amountOut: 40_000_002n },
    ])
  })
})
