import { describeAmount, type LndFacts, type OrderFact, type SaleFact, type StoreFacts } from './facts.ts'
import { compareMoney } from './money.ts'

/** Everything that may differ between our records, lnd and the chain. */
export type DifferenceKind =
  | 'sale-channel-gone'
  | 'alias-missing'
  | 'alias-elsewhere'
  | 'alias-unknown'
  | 'part-gone'
  | 'circuit-unknown'
  | 'order-without-channel'
  | 'channel-without-order'
  | 'outpoint-differs'
  | 'funding-unknown'
  | 'funding-behind'
  | 'lease-left'
  | 'lease-unknown'
  | 'row-not-booked'
  | 'entry-without-row'
  | 'fee-differs'
  | 'sent-without-row'
  | 'total-differs'

/** One difference: the thing, what each side says of it, and what comes of it. */
export type Difference = {
  readonly kind: DifferenceKind
  readonly thing: string
  /** What our records say. */
  readonly ours: string
  /** What lnd or the chain says. */
  readonly theirs: string
  /** What to do, or when it mends itself. */
  readonly todo: string
}

/** Compares without asking anybody: sales, then fundings, then money. Empty when nothing differs. */
export function compare(store: StoreFacts, lnd: LndFacts): readonly Difference[] {
  return [
    ...store.sales.flatMap((sale) => compareSale(sale, lnd)),
    ...compareAliases(store, lnd),
    ...compareCircuits(store, lnd),
    ...store.orders.flatMap((order) => compareOrder(order, lnd)),
    ...compareChannels(store, lnd),
    ...compareLeases(store, lnd),
    ...compareMoney(store, lnd),
  ]
}

function compareSale(sale: SaleFact, lnd: LndFacts): readonly Difference[] {
  const thing = `sale ${sale.scid}`
  const found: Difference[] = []
  const state = lnd.channels.get(sale.outpoint ?? '')
  if (sale.outpoint !== undefined && state !== 'open' && state !== 'opening') {
    found.push({
      kind: 'sale-channel-gone',
      thing,
      ours: `${sale.state} over ${sale.outpoint}`,
      theirs: state === undefined ? 'no such channel' : `the channel is ${state}`,
      todo: 'nothing: the sale ends with its offer at the latest',
    })
  }
  for (const { circuit, state: ofPart } of sale.circuits) {
    if (lnd.incoming.has(circuit)) continue
    found.push({
      kind: 'part-gone',
      thing: `${thing}, circuit ${circuit}`,
      ours: ofPart,
      theirs: 'stands in no channel',
      todo: 'nothing: what became of it is read from the history within 30 s',
    })
  }
  if (!sale.bound) return found
  const leadsTo = lnd.aliases.get(sale.scid)
  if (leadsTo === undefined) {
    found.push({
      kind: 'alias-missing',
      thing,
      ours: `leads to channel ${sale.chanId}`,
      theirs: 'leads nowhere',
      todo: 'restart sluiced: it adds the alias again',
    })
  } else if (leadsTo !== sale.chanId) {
    found.push({
      kind: 'alias-elsewhere',
      thing,
      ours: `leads to channel ${sale.chanId}`,
      theirs: `leads to channel ${leadsTo}`,
      todo: 'find out who added the alias at lnd: payments to it go to the other channel',
    })
  }
  return found
}

function compareAliases(store: StoreFacts, lnd: LndFacts): readonly Difference[] {
  return [...lnd.aliases].flatMap(([scid, base]): readonly Difference[] => {
    if (store.knowsSale(scid)) return []
    return [
      {
        kind: 'alias-unknown',
        thing: `alias ${scid}`,
        ours: 'no such sale',
        theirs: `leads to channel ${base}`,
        todo: 'nothing: of a sale that was lost with its records, or of another program',
      },
    ]
  })
}

/** Payments over a sale's channel that kept its fee and that the sale does not know. */
function compareCircuits(store: StoreFacts, lnd: LndFacts): readonly Difference[] {
  return lnd.inFlight.flatMap(({ circuit, over, kept }): readonly Difference[] => {
    const sale = store.sales.find(({ chanId }) => chanId === over)
    if (sale === undefined || sale.fee === undefined || kept < sale.fee) return []
    if (sale.circuits.some((known) => known.circuit === circuit)) return []
    return [
      {
        kind: 'circuit-unknown',
        thing: `sale ${sale.scid}, circuit ${circuit}`,
        ours: 'not known',
        theirs: `forwarded, keeping ${describeAmount(kept)}`,
        todo: 'restart sluiced: it takes the payment up, and books its fee',
      },
    ]
  })
}

function compareOrder(order: OrderFact, lnd: LndFacts): readonly Difference[] {
  const thing = `opening ${order.id.slice(0, 16)}..`
  const { outpoint, tx } = order
  if (outpoint === undefined) return []
  const found: Difference[] = []
  if (order.isStanding && !lnd.channels.has(outpoint)) {
    found.push({
      kind: 'order-without-channel',
      thing,
      ours: `stands as ${outpoint}`,
      theirs: 'no such channel, open, pending or closed',
      todo: 'look at the log for this outpoint: its coins stay locked and nothing is signed without a channel',
    })
  }
  if (tx === undefined) return found
  const confirmations = lnd.confirmations.get(outpoint)
  if (confirmations === undefined) {
    found.push({
      kind: 'funding-unknown',
      thing,
      ours: `${outpoint} is ${tx}`,
      theirs: "lnd's wallet does not know the transaction",
      todo: 'nothing: it is published again with each block; look at the log if that fails',
    })
  } else if ((tx === 'mined') !== confirmations > 0) {
    found.push({
      kind: 'funding-behind',
      thing,
      ours: `${outpoint} is ${tx}`,
      theirs: `${confirmations} confirmations`,
      todo: 'nothing: it is counted again with the next block',
    })
  }
  return found
}

function compareChannels(store: StoreFacts, lnd: LndFacts): readonly Difference[] {
  return lnd.ours.flatMap(({ memo, outpoint, stage }): readonly Difference[] => {
    const { pendingChannelId: id, owner } = memo
    const known = store.outpointOf(id)
    if (known === outpoint) return []
    const thing = `channel ${outpoint}`
    const theirs = `${stage}, for sale ${owner} by its memo`
    if (known === 'unknown') {
      const todo = 'restart sluiced: it takes the channel up'
      return [{ kind: 'channel-without-order', thing, ours: 'no such order', theirs, todo }]
    }
    const ours = known === undefined ? `order ${id.slice(0, 16)}.. has no channel yet` : `its order is for ${known}`
    // An order that is under way has its outpoint on disk before lnd has the channel.
    return [{ kind: 'outpoint-differs', thing, ours, theirs, todo: 'restart sluiced: it goes by the channel' }]
  })
}

function compareLeases(store: StoreFacts, lnd: LndFacts): readonly Difference[] {
  return lnd.leases.flatMap(({ id, outpoint }): readonly Difference[] => {
    if (store.orders.some((order) => order.id === id)) return []
    const thing = `coin ${outpoint}`
    const theirs = `locked for ${id.slice(0, 16)}..`
    if (store.outpointOf(id) === 'unknown') {
      const todo = 'nothing: it is free when the lock ends; of a lost opening, or of another program'
      return [{ kind: 'lease-unknown', thing, ours: 'no order of that name', theirs, todo }]
    }
    const todo = 'nothing: it is free when the lock ends, or spent'
    return [{ kind: 'lease-left', thing, ours: 'the order has ended', theirs, todo }]
  })
}
