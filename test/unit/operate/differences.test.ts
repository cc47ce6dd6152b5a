import { describe, expect, it } from 'vitest'
import { msat, sat } from '../../../lsps/base/amount.ts'
import type { Forward } from '../../../src/lnd/port.ts'
import { compare, type DifferenceKind } from '../../../src/operate/differences.ts'
import type { BookedFact, LndFacts, OrderFact, SaleFact, StoreFacts } from '../../../src/operate/facts.ts'
import type { OurChannel } from '../../../src/operate/sightings.ts'
import { NODE } from '../lsps/arbitraries.ts'

const SCID = '16123456x7x8'
const ID = 'cd'.repeat(32)
const OUTPOINT = `${'ef'.repeat(32)}:1`
const OTHER = `${'ee'.repeat(32)}:0`
const CHAN_ID = 17_592n << 40n
const FEE = msat(1_000_000n)
const CIRCUIT = '1:7'

const SALE: SaleFact = {
  scid: SCID,
  state: 'forwarding',
  fee: FEE,
  outpoint: OUTPOINT,
  chanId: CHAN_ID,
  bound: true,
  circuits: [{ circuit: CIRCUIT, state: 'forwarded' }],
}
const ORDER: OrderFact = { id: ID, outpoint: OUTPOINT, isStanding: true, tx: 'published' }
const BOOKED: BookedFact = { sale: '1x2x3', circuit: undefined, chanId: CHAN_ID, earned: FEE }
const NAMED: BookedFact = { ...BOOKED, circuit: '1:3' }
const ROW: Forward = {
  circuit: '1:3',
  incomingChannel: 1n,
  outgoingChannel: CHAN_ID,
  amountIn: msat(100_000_000n),
  amountOut: msat(99_000_000n),
  fee: FEE,
  at: 0,
}
const CHANNEL: OurChannel = {
  memo: { kind: 'jit', pendingChannelId: ID, owner: SCID, fee: FEE },
  text: '',
  peer: NODE,
  outpoint: OUTPOINT,
  stage: 'open',
  chanId: CHAN_ID,
  capacity: sat(200_000n),
  totalSent: sat(99_000n),
}

/** One sale under way, one that was paid over the same channel: both sides agree. */
const STORE: StoreFacts = {
  sales: [SALE],
  knowsSale: (scid) => scid === SCID,
  orders: [ORDER],
  outpointOf: (id) => (id === ID ? OUTPOINT : 'unknown'),
  booked: [BOOKED],
}
const LND: LndFacts = {
  ours: [CHANNEL],
  channels: new Map([[OUTPOINT, 'open']]),
  aliases: new Map([[SCID, CHAN_ID]]),
  incoming: new Set([CIRCUIT]),
  inFlight: [{ circuit: CIRCUIT, over: CHAN_ID, kept: FEE }],
  confirmations: new Map([[OUTPOINT, 0]]),
  leases: [{ id: ID, outpoint: OTHER }],
  rows: [ROW],
  sent: new Map([[CHAN_ID, 99_000_000n]]),
}

type Case = readonly [
  what: string,
  store: Partial<StoreFacts>,
  lnd: Partial<LndFacts>,
  kinds: readonly DifferenceKind[],
]

const row = (change: Partial<Forward>): Forward => ({ ...ROW, ...change })
const order = (change: Partial<OrderFact>) => ({ orders: [{ ...ORDER, ...change }] })

const SALES: readonly Case[] = [
  ['a channel that lnd does not know', {}, { channels: new Map() }, ['sale-channel-gone', 'order-without-channel']],
  ['a channel that is closed', {}, { channels: new Map([[OUTPOINT, 'closed']]) }, ['sale-channel-gone']],
  ['a channel that closes', {}, { channels: new Map([[OUTPOINT, 'closing']]) }, ['sale-channel-gone']],
  ['a channel that is not confirmed yet', {}, { channels: new Map([[OUTPOINT, 'opening']]) }, []],
  ['an alias that lnd lost', {}, { aliases: new Map() }, ['alias-missing']],
  ['an alias that leads elsewhere', {}, { aliases: new Map([[SCID, 5n]]) }, ['alias-elsewhere']],
  ['an alias that is not bound yet', { sales: [{ ...SALE, bound: false }] }, { aliases: new Map() }, []],
  ['an alias that no sale knows', {}, { aliases: new Map([...LND.aliases, ['16000001x1x1', 5n]]) }, ['alias-unknown']],
  ['a payment that stands in no channel', {}, { incoming: new Set() }, ['part-gone']],
  ['a payment in flight that no sale knows', { sales: [{ ...SALE, circuits: [] }] }, {}, ['circuit-unknown']],
  [
    'an ordinary payment in flight over the channel',
    { sales: [{ ...SALE, circuits: [] }] },
    { inFlight: [{ circuit: CIRCUIT, over: CHAN_ID, kept: 0n }] },
    [],
  ],
]

const FUNDINGS: readonly Case[] = [
  ['an order whose channel is nowhere', { sales: [] }, { channels: new Map() }, ['order-without-channel']],
  [
    'an order that has no channel yet',
    order({ outpoint: undefined, isStanding: false, tx: undefined }),
    { leases: LND.leases },
    [],
  ],
  [
    'an order whose channel was not seen yet',
    { sales: [], ...order({ isStanding: false, tx: undefined }) },
    { channels: new Map() },
    [],
  ],
  ['a channel without an order', { outpointOf: () => 'unknown' }, {}, ['channel-without-order']],
  ['a channel at another place than its order', { outpointOf: () => OTHER }, {}, ['outpoint-differs']],
  ['a channel before its order has one', { outpointOf: () => undefined }, {}, ['outpoint-differs']],
  ['a published transaction that the wallet does not know', {}, { confirmations: new Map() }, ['funding-unknown']],
  ['a transaction that is mined and not counted', {}, { confirmations: new Map([[OUTPOINT, 1]]) }, ['funding-behind']],
  ['a transaction that was counted and is in no block', order({ tx: 'mined' }), {}, ['funding-behind']],
  ['a coin that is locked for an order that ended', { orders: [] }, {}, ['lease-left']],
  ['a coin that is locked for nobody', {}, { leases: [{ id: 'ab'.repeat(32), outpoint: OTHER }] }, ['lease-unknown']],
]

const MONEY: readonly Case[] = [
  ['a fee that lnd earned and nobody booked', { booked: [] }, {}, ['row-not-booked', 'total-differs']],
  [
    'a fee that was booked and lnd did not earn',
    {},
    { rows: [], sent: new Map() },
    ['entry-without-row', 'total-differs'],
  ],
  ['a fee that was booked twice', { booked: [BOOKED, BOOKED] }, {}, ['entry-without-row', 'total-differs']],
  [
    'a fee by another amount than lnd kept',
    { booked: [{ ...NAMED, earned: msat(999_999n) }] },
    {},
    ['fee-differs', 'total-differs'],
  ],
  ['a fee by its circuit', { booked: [NAMED] }, {}, []],
  [
    'a part that carried nothing of the fee',
    { booked: [BOOKED, { ...NAMED, circuit: '1:9', earned: msat(0n) }] },
    { rows: [ROW, row({ circuit: '1:9', amountIn: ROW.amountOut })], sent: new Map() },
    [],
  ],
  [
    'a circuit that lnd does not have',
    { booked: [{ ...NAMED, circuit: '1:4' }] },
    {},
    ['entry-without-row', 'row-not-booked'],
  ],
  [
    'two fees on two circuits',
    { booked: [NAMED, BOOKED] },
    { rows: [ROW, row({ circuit: '1:5' })], sent: new Map() },
    [],
  ],
  ['an ordinary forward that kept nothing', {}, { rows: [ROW, row({ circuit: '1:9', amountIn: ROW.amountOut })] }, []],
  [
    'a fee of nothing, which has no row that kept anything',
    { booked: [BOOKED, { ...BOOKED, earned: msat(0n) }] },
    {},
    [],
  ],
  ['what a channel sent without a row', {}, { sent: new Map([[CHAN_ID, 199_000_000n]]) }, ['sent-without-row']],
  ['a satoshi that lnd rounds away', {}, { sent: new Map([[CHAN_ID, 98_999_000n]]) }, []],
]

describe('the records and lnd', () => {
  it('agree', () => {
    expect(compare(STORE, LND)).toEqual([])
  })

  it.each([...SALES, ...FUNDINGS, ...MONEY])('are compared: %s', (_, store, lnd, kinds) => {
    const found = compare({ ...STORE, ...store }, { ...LND, ...lnd })
    expect(found.map(({ kind }) => kind)).toEqual(kinds)
    for (const { thing, ours, theirs, todo } of found)
      for (const text of [thing, ours, theirs, todo]) expect(text).not.toBe('')
  })

  it('have a case here for every kind of difference', () => {
    const shown = new Set([...SALES, ...FUNDINGS, ...MONEY].flatMap(([, , , kinds]) => kinds))
    const all: Record<DifferenceKind, true> = {
      'sale-channel-gone': true,
      'alias-missing': true,
      'alias-elsewhere': true,
      'alias-unknown': true,
      'part-gone': true,
      'circuit-unknown': true,
      'order-without-channel': true,
      'channel-without-order': true,
      'outpoint-differs': true,
      'funding-unknown': true,
      'funding-behind': true,
      'lease-left': true,
      'lease-unknown': true,
      'row-not-booked': true,
      'entry-without-row': true,
      'fee-differs': true,
      'sent-without-row': true,
      'total-differs': true,
    }
    expect(Object.keys(all).filter((kind) => !shown.has(kind as DifferenceKind))).toEqual([])
  })

  it('names the thing, both values to the msat, and what to do', () => {
    const [difference] = compare({ ...STORE, booked: [{ ...NAMED, earned: msat(999_999n) }] }, LND)
    expect(difference).toEqual({
      kind: 'fee-differs',
      thing: 'sale 1x2x3, circuit 1:3',
      ours: 'booked 999999 msat',
      theirs: 'kept 1000000 msat',
      todo: 'this should not be: please report it with `sluice jit show` of the sale',
    })
  })
})
