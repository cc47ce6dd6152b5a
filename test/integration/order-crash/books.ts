import { outpointOf, scriptOf } from '../../../src/sandbox/psbt.ts'
import { type OrderEntry, type OrderRecord, type OrderSimulation, REFUND_SCRIPT } from '../order-simulation.ts'

/** Everything that must be true of every order when a story has come to rest, whatever happened in it. */

const MSAT_PER_SAT = 1000n
/** Tables of what is under way: empty at rest. */
const UNDER_WAY = ['orders-live', 'funding-live', 'payout-live', 'batch-live', 'reclaim-live', 'split-live']

/** Of channels that stand, and of those that are closed, in time or before it. */
const PROMISES = ['promises-live', 'promises-ended', 'promises-broken']

export function wrongWithOrders(simulation: OrderSimulation): readonly string[] {
  const under = UNDER_WAY.flatMap((table) =>
    [...(simulation.bytes.get(table)?.entries() ?? [])].map(
      ([key, row]) => `${table} ${key} rests as ${JSON.parse(row).record.tag}`,
    ),
  )
  const orders = simulation.ordersDone()
  return [
    ...under,
    ...orders.flatMap((order) => wrongWith(simulation, order).map((what) => `order ${order.terms.id}: ${what}`)),
    ...wrongWithRefunds(simulation),
    ...wrongWithPayers(simulation, orders),
  ]
}

function wrongWith(simulation: OrderSimulation, order: OrderRecord): readonly string[] {
  return [
    ...wrongWithChannel(simulation, order),
    ...wrongWithInvoice(simulation, order),
    ...wrongWithDeposits(simulation, order),
    ...wrongWithPromise(simulation, order),
    ...simulation.wrongWithMoney({ order_id: order.terms.id }),
  ]
}

/** One channel with just the balances that were ordered, or none. */
function wrongWithChannel(simulation: OrderSimulation, { tag, terms, channel }: OrderRecord): readonly string[] {
  const { node } = simulation.world
  const all = [...node.channels.all.values()].filter(({ memo }) => memo.split(':')[3] === terms.id)
  const funded = all.filter(({ outpoint }) => node.chain.exists(outpoint))
  const { purpose } = terms
  if (tag !== 'completed' || purpose.type !== 'channel') {
    const left = all.filter(({ state }) => state !== 'closed')
    return [...funded, ...left].map(({ outpoint, state }) => `it has channel ${outpoint} (${state}), and is ${tag}`)
  }
  const [only] = funded
  if (only === undefined || funded.length > 1) return [`${funded.length} channels were funded for it`]
  const wrong: string[] = []
  if (only.outpoint !== channel?.outpoint) wrong.push(`it says ${channel?.outpoint}, its channel is ${only.outpoint}`)
  const pushed = BigInt(purpose.clientBalance)
  const capacity = BigInt(purpose.lspBalance) + pushed
  if (only.capacity !== capacity || only.remote !== pushed * MSAT_PER_SAT)
    wrong.push(`its channel has ${only.capacity} sat and pushed ${only.remote} msat, not ${capacity} and ${pushed}`)
  if ((node.chain.confirmations(only.outpoint.split(':')[0] ?? '') ?? 0) === 0) wrong.push('its channel is in no block')
  return wrong
}

/** Settled, with its fee to the millisatoshi in the journal once, or cancelled. */
function wrongWithInvoice(simulation: OrderSimulation, { tag, by, terms, payment }: OrderRecord): readonly string[] {
  if (terms.bolt11 === undefined) return []
  const { invoices } = simulation.world.node
  const { paymentHash } = terms.bolt11
  const { state } = invoices.lookup(paymentHash) ?? { state: 'unknown' }
  const due = tag === 'completed' && by === 'bolt11' ? 'settled' : 'canceled'
  const wrong: string[] = []
  if (state !== due) wrong.push(`it is ${tag} and its invoice is ${state} at the node`)
  if (payment.invoice !== (due === 'settled' ? 'settled' : 'cancelled'))
    wrong.push(`its invoice is ${payment.invoice} on disk and ${state} at the node`)
  const fees = entriesOf(simulation, terms.id, 'order-fee').filter((entry) => entry.by === 'bolt11')
  const booked = fees.reduce((sum, { received = '0' }) => sum + BigInt(received), 0n)
  const taken = invoices.taken(paymentHash) ?? 0n
  if (booked !== taken) wrong.push(`the journal says that ${booked} msat came, the node took ${taken}`)
  return wrong
}

/** Each output that came is in the journal once, all of it sold or sent back; and nothing else is. */
function wrongWithDeposits(simulation: OrderSimulation, { tag, lost, terms, payment }: OrderRecord): readonly string[] {
  const { chain } = simulation.world.node
  const wrong: string[] = []
  const came = new Map<string, bigint>()
  const script = terms.onchain === undefined ? undefined : Buffer.from(scriptOf(terms.onchain.address))
  for (const tx of chain.transactions()) {
    if (tx.height === undefined) continue
    for (const [index, output] of tx.outputs.entries())
      if (script?.equals(Buffer.from(output.script)) === true) came.set(outpointOf(tx.txid, index), output.value)
  }
  const known = new Map(payment.deposits.map((deposit) => [deposit.outpoint, deposit]))
  const booked = entriesOf(simulation, terms.id, 'order-deposit')
  for (const [outpoint, amount] of came) {
    const deposit = known.get(outpoint)
    const entries = booked.filter((entry) => entry.outpoint === outpoint)
    if (entries.length !== 1 || BigInt(entries[0]?.amount ?? 0) !== amount)
      wrong.push(`${amount} sat came with ${outpoint}, the journal has ${JSON.stringify(entries)}`)
    const used = BigInt(deposit?.sold ?? 0) + BigInt(deposit?.refund?.amount ?? 0)
    if (used !== amount) wrong.push(`of ${amount} sat that came with ${outpoint}, ${used} were sold or sent back`)
  }
  const never = booked.filter((entry) => !came.has(entry.outpoint ?? ''))
  if (never.length > 0) wrong.push(`booked, and in no block: ${JSON.stringify(never)}`)
  const fees = entriesOf(simulation, terms.id, 'order-fee')
  const due = tag === 'completed' && lost === undefined ? 1 : 0
  if (fees.length !== due) wrong.push(`it is ${tag}, and its fee is booked ${fees.length} times`)
  const losses = entriesOf(simulation, terms.id, 'order-loss')
  if (losses.length !== (lost === undefined ? 0 : 1)) wrong.push(`its loss is booked ${losses.length} times`)
  return wrong
}

/** What was paid for is promised, once; what was not, is not. */
function wrongWithPromise(simulation: OrderSimulation, { tag, terms }: OrderRecord): readonly string[] {
  const { id, purpose } = terms
  const rows = PROMISES.flatMap((table) => [...(simulation.bytes.get(table)?.values() ?? [])]).map((row) => {
    const { record } = JSON.parse(row)
    return record.promise ?? record
  })
  const isOwn = ({ source, extensions }: { source: { id: string }; extensions: readonly { order: string }[] }) =>
    source.id === id || extensions.some(({ order }) => order === id)
  const promised = rows.filter(isOwn)
  if (tag !== 'completed') return promised.map(({ outpoint }) => `it failed, and ${outpoint} is promised for it`)
  const [promise] = promised
  if (promise === undefined || promised.length > 1) return [`${promised.length} promises were made for it`]
  const bought: number = promise.extensions.reduce((sum: number, { blocks }: { blocks: number }) => sum + blocks, 0)
  if (purpose.type === 'channel')
    return promise.blocks - bought === purpose.expiryBlocks ? [] : [`${promise.blocks} blocks are promised for it`]
  const times = promise.extensions.filter(({ order }: { order: string }) => order === id).length
  return times === 1 ? [] : [`it is in the ledger ${times} times`]
}

/** Each refund of the journal is one output in a block, and no other output went there. */
function wrongWithRefunds(simulation: OrderSimulation): readonly string[] {
  const refunds = simulation.money().filter(({ type }) => type === 'order-refund')
  const txids = refunds.map((entry) => entry.txid)
  const wrong: string[] = []
  if (new Set(txids).size !== txids.length) wrong.push(`one transaction stands for two refunds: ${txids}`)
  for (const { txid = '', amount = '0', chainFee = '0' } of refunds) {
    const tx = simulation.world.node.chain.transaction(txid)
    const outputs = (tx?.outputs ?? []).filter(({ script }) => Buffer.from(script).toString('hex') === REFUND_SCRIPT)
    const arrived = outputs.map(({ value }) => value)
    if (arrived.length !== 1 || arrived[0] !== BigInt(amount) - BigInt(chainFee) || tx?.height === undefined)
      wrong.push(`refund ${txid} of ${amount} less ${chainFee}: ${arrived} arrived at ${tx?.height}`)
  }
  const sum = refunds.reduce((all, { amount = '0', chainFee = '0' }) => all + BigInt(amount) - BigInt(chainFee), 0n)
  if (simulation.refunded() !== sum) wrong.push(`${simulation.refunded()} sat were sent back, the journal says ${sum}`)
  return wrong
}

/** Nobody waits for a payment that nobody knows of, and nothing was taken that no completed order was paid with. */
function wrongWithPayers({ world }: OrderSimulation, orders: readonly OrderRecord[]): readonly string[] {
  const sold = new Set(orders.filter(({ tag }) => tag === 'completed').map(({ terms }) => terms.bolt11?.paymentHash))
  return world.payers
    .flatMap(({ payments }) => payments)
    .flatMap(({ hash, circuit, outcome }) => {
      if (outcome === undefined) return [`${circuit} was never resolved`]
      return outcome.status === 'settled' && !sold.has(hash) ? [`${hash} was taken and nothing was sold for it`] : []
    })
}

function entriesOf(simulation: OrderSimulation, id: string, type: string): readonly OrderEntry[] {
  return simulation.money().filter((entry) => entry.type === type && entry.order === id)
}
