import { copyFile, link, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { msat, type Ppm, sat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import { type ChannelOrder, Funding, FundingEffect } from '../../src/funding/states.ts'
import { describeStep } from '../../src/jit/flight.ts'
import { sell, step } from '../../src/jit/machine.ts'
import { doneSales, endedSales, indexWrites, liveSales, outboxTable, saleByHash } from '../../src/jit/records.ts'
import type { Deal, JitEvent, Sale } from '../../src/jit/states.ts'
import { flightStep, flightSteps } from '../../src/journal/flight.ts'
import { Journal } from '../../src/journal/journal.ts'
import { openLevelStore } from '../../src/store/level.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import { migrate } from '../../src/store/migrations.ts'
import type { Store, Write } from '../../src/store/port.ts'
import { Table } from '../../src/store/table.ts'
import { cacheFolder, exists, fingerprint, withLock } from './cache.ts'

/** Raise when anything below changes what is written. */
const RECIPE = 3
/** Sales that are under way at the same time. */
const SALES_PER_COMMIT = 400
/** The last ones are written sale by sale, with all that comes and goes: nothing has been compacted yet. */
const RECENT_SALES = 20_000
const MS_BETWEEN_SALES = 30_000
const STEPS_OF_A_SALE = 6
const TOTALS = 'journal-totals'
/** Steps are counted over the life of a process. */
const FLIGHT_COUNTER = /-\d{9}(?=")/g
const FIRST_SALE = 1_700_000_000_000

// What stands for a sale's own values in the pattern that all sales are made from; each is of the final length.
const SCID = '16249999x9999999x59999' as Scid
const HASH = 'ab'.repeat(32)
const PENDING_ID = 'cd'.repeat(32)
const TXID = 'ef'.repeat(32)
const AT = 1_999_999_999_999 as Timestamp
const SEQUENCE = '0000000000000001'

const AMOUNT = msat(100_000_000n)
const FEE = msat(1_000_000n)
const OUTPOINT = `${TXID}:0`

const DEAL: Deal = {
  scid: SCID,
  client: `02${'77'.repeat(32)}` as NodeId,
  minFee: FEE,
  proportional: 2500 as Ppm,
  validUntil: AT,
  minLifetime: 4032,
  maxClientToSelfDelay: 2016,
  paymentSize: AMOUNT,
  fee: FEE,
  cltvExpiryDelta: 144,
  htlcMinimum: msat(1n),
  partHold: 90_000,
  createdAt: AT,
}

const ORDER: ChannelOrder = {
  pendingChannelId: PENDING_ID,
  owner: SCID,
  peer: DEAL.client,
  capacity: sat(150_000n),
  memo: `sluice1:jit:${PENDING_ID}:${SCID}:${FEE}`,
  maxLocalCsv: 2016,
  satPerVbyte: 1,
}

const CIRCUIT = '499150999355392:1'
const CHAN_ID = 17_592_186_044_416_000_002n

function events(at: Timestamp): readonly JitEvent[] {
  const early = (at - 1000) as Timestamp
  const part = {
    circuit: CIRCUIT,
    paymentHash: HASH,
    amountIn: AMOUNT,
    amountOut: AMOUNT,
    expiryIn: 1000,
    expiryOut: 800,
    autoFailHeight: 990,
    heldAt: early,
  }
  return [
    { type: 'part-held', part, height: 500, clientOnline: true, pendingChannelId: PENDING_ID, at: early },
    { type: 'channel-active', pendingChannelId: PENDING_ID, outpoint: OUTPOINT, chanId: CHAN_ID, at },
    { type: 'alias-added', at },
    { type: 'settled', circuit: CIRCUIT, amountOut: msat(AMOUNT - FEE), at },
  ]
}

/** All writes of one sale from purchase to confirmation, in the order of its commits. */
function writesOfOneSale(): readonly Write[] {
  const journal = new Journal(openMemoryStore())
  const fundingLive = new Table('funding-live', Funding)
  const fundingOutbox = new Table('funding-outbox', FundingEffect)
  let sale: Sale = sell(DEAL).state
  const writes: Write[] = []
  for (const event of events(AT)) {
    const { state, effects, money } = step(sale, event)
    for (const effect of effects) writes.push(outboxTable.put(`${SCID}/${SEQUENCE}`, effect))
    const ended = state.tag === 'paid'
    // Of what is written again and again only the last counts.
    if (ended) writes.push(liveSales.put(SCID, sale), doneSales.put(SCID, state), liveSales.del(SCID))
    writes.push(...journal.append(money, ended ? 1 : 0), ...indexWrites(state))
    writes.push(flightStep(SCID, describeStep(sale, state, event)))
    for (const _ of effects) writes.push(outboxTable.del(`${SCID}/${SEQUENCE}`))
    sale = state
  }
  if (sale.tag !== 'paid') throw new Error(`the pattern of a finished sale ends as ${sale.tag}`)
  const funded: Funding = { tag: 'funded', order: ORDER, psbt: 'cHNidP8B'.repeat(64), outpoint: OUTPOINT }
  const confirmed: Funding = { tag: 'confirmed', order: ORDER, outpoint: OUTPOINT, chanId: CHAN_ID }
  return [
    ...writes,
    fundingLive.put(PENDING_ID, funded),
    fundingOutbox.put(`${PENDING_ID}/${SEQUENCE}`, { type: 'verify' }),
    ...['funding published', 'funding confirmed'].map((what) =>
      flightStep(SCID, { at: AT, what, detail: { outpoint: OUTPOINT } }),
    ),
    fundingOutbox.del(`${PENDING_ID}/${SEQUENCE}`),
    new Table('funding-done', Funding).put(PENDING_ID, confirmed),
    fundingLive.del(PENDING_ID),
  ]
}

/** What a sale has in the place of the pattern's values, by these. */
type Values = ReadonlyMap<string, string>

const MARKS = [SCID, HASH, PENDING_ID, TXID, String(AT), String(AT - 1000), SEQUENCE]

/** Cuts a text at the places that differ from sale to sale: encoding each record anew would take ten times as long. */
function pattern(text: string): (values: Values) => string {
  const [head = '', ...parts] = text.split(new RegExp(`(${MARKS.join('|')})`))
  if (parts.length === 0) return () => text
  return (values) => {
    let filled = head
    for (let at = 0; at < parts.length; at += 2) filled += (values.get(parts[at] ?? '') ?? '') + (parts[at + 1] ?? '')
    return filled
  }
}

function writePattern(write: Write): (values: Values) => Write {
  const { type, table } = write
  const key = pattern(write.key)
  if (type === 'del') return (values) => ({ type, table, key: key(values) })
  const value = pattern(write.value)
  return (values) => ({ type, table, key: key(values), value: value(values) })
}

/** Short channel ids, hashes and outpoints come in no order of time, as in truth. */
function valuesOf(index: number): Values {
  const mixed = (index * 7_919_777) % 1_000_000_007
  const hex = (salt: number) => `${salt}${mixed.toString(16).padStart(15, '0')}`.repeat(4)
  const at = FIRST_SALE + index * MS_BETWEEN_SALES
  return new Map([
    [SCID, `${16_000_001 + (mixed % 249_998)}x${index}x${mixed % 65_536}`],
    [HASH, hex(1)],
    [PENDING_ID, hex(2)],
    [TXID, hex(3)],
    [String(AT), String(at)],
    [String(AT - 1000), String(at - 1000)],
    [SEQUENCE, String(index + 1).padStart(SEQUENCE.length, '0')],
  ])
}

async function generate(folder: string, count: number): Promise<void> {
  const store = await openLevelStore(folder)
  try {
    await migrate(store)
    const writes = writesOfOneSale()
    const old = Math.max(0, count - RECENT_SALES)
    await writeOld(store, writes, old)
    await writeRecent(store, writes, old, count)
    const totals = writes.find(({ table }) => table === TOTALS)
    if (totals !== undefined) await store.commit([multiplied(totals, count)])
  } finally {
    await store.close()
  }
}

/**
 * What is left of old sales, in the order of the keys: the same records as written sale by sale and compacted since, in
 * a fifth of the time.
 */
async function writeOld(store: Store, writes: readonly Write[], count: number): Promise<void> {
  const deleted = new Set(writes.filter(({ type }) => type === 'del').map(({ table, key }) => `${table}/${key}`))
  const left = writes.filter(({ table, key }) => table !== TOTALS && !deleted.has(`${table}/${key}`))
  for (const name of [...new Set(left.map(({ table }) => table))].sort()) {
    const ofTable = left.filter(({ table }) => table === name)
    const keyOf = pattern(ofTable[0]?.key ?? '')
    const keys = Array.from({ length: count }, (_, index) => keyOf(valuesOf(index)))
    const order = Array.from(keys.keys()).sort((x, y) => ((keys[x] ?? '') < (keys[y] ?? '') ? -1 : 1))
    const patterns = ofTable.map(writePattern)
    for (let at = 0; at < count; at += SALES_PER_COMMIT) {
      const values = order.slice(at, at + SALES_PER_COMMIT).map(valuesOf)
      await store.commit(values.flatMap((sale) => patterns.map((write) => write(sale))))
    }
  }
}

/** Sale by sale, as they come: each is spread over two commits, so that deletions meet records that are on disk. */
async function writeRecent(store: Store, writes: readonly Write[], from: number, to: number): Promise<void> {
  const patterns = writes.filter(({ table }) => table !== TOTALS).map(writePattern)
  const half = Math.ceil(patterns.length / 2)
  let begun: readonly Values[] = []
  for (let at = from; at < to || begun.length > 0; at += SALES_PER_COMMIT) {
    const fresh = Math.max(0, Math.min(SALES_PER_COMMIT, to - at))
    const next = Array.from({ length: fresh }, (_, index) => valuesOf(at + index))
    await store.commit([
      ...begun.flatMap((values) => patterns.slice(half).map((write) => write(values))),
      ...next.flatMap((values) => patterns.slice(0, half).map((write) => write(values))),
    ])
    begun = next
  }
}

/** The journal's running totals after `count` sales instead of one. */
function multiplied(totals: Write, count: number): Write {
  if (totals.type !== 'put') throw new Error('the pattern of a finished sale has no totals')
  const times = (text: string) => String(BigInt(text) * BigInt(count))
  const { v, record } = JSON.parse(totals.value)
  const sums = { count, sales: count, earned: times(record.earned), openingFees: times(record.openingFees) }
  return { ...totals, value: JSON.stringify({ v, record: { ...record, ...sums } }) }
}

/** What is on disk can be read by the product: the first and the last sale, by id, by hash, with all their steps. */
async function check(folder: string, count: number): Promise<void> {
  const store = await openLevelStore(folder)
  try {
    for (const index of [0, count - 1]) {
      const values = valuesOf(index)
      const scid = values.get(SCID) ?? ''
      const sale = await saleByHash(store, [], values.get(HASH) ?? '')
      const steps = await flightSteps(store, scid)
      if (sale?.tag !== 'paid' || sale.deal.scid !== scid || steps.length !== STEPS_OF_A_SALE) {
        throw new Error(`finished sale ${scid} cannot be read back`)
      }
    }
    for await (const last of endedSales(store)) {
      if (last.deal.scid !== valuesOf(count - 1).get(SCID)) throw new Error('the list of ended sales is not complete')
      break
    }
    const journal = new Journal(store)
    await journal.load()
    if (journal.totals.sales !== count) throw new Error(`the journal counts ${journal.totals.sales} sales`)
  } finally {
    await store.close()
  }
}

/**
 * A database with so many finished sales, as the product leaves it; made once and kept in the cache.
 * @returns its folder, not to be opened but copied (`copyDatabase`)
 */
export async function finishedSales(count: number, log: (line: string) => void): Promise<string> {
  const records = JSON.stringify(writesOfOneSale()).replaceAll(FLIGHT_COUNTER, '')
  const format = fingerprint([String(RECIPE), String(count), records])
  const folder = cacheFolder('finished-sales', format)
  await withLock(`${folder}.lock`, log, async () => {
    if (await exists(folder)) return
    const unfinished = `${folder}.unfinished`
    await rm(unfinished, { recursive: true, force: true })
    const start = performance.now()
    log(`writing a database of ${count} finished sales once`)
    await generate(unfinished, count)
    await check(unfinished, count)
    await rename(unfinished, folder)
    log(`wrote ${count} finished sales in ${Math.round((performance.now() - start) / 1000)} s`)
  })
  return folder
}

/** Copies a closed database. Its tables never change, so they are shared where the file system can. */
export async function copyDatabase(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 })
  for (const name of await readdir(from)) {
    const [source, target] = [join(from, name), join(to, name)]
    const share = name.endsWith('.ldb') ? link(source, target) : Promise.reject(new Error('not shared'))
    await share.catch(() => copyFile(source, target))
  }
}
