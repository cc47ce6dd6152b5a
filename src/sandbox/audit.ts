import type { SimChannel } from './channels.ts'
import type { IncomingHtlc } from './htlcs.ts'
import type { SimNode } from './node.ts'
import type { SimPayer } from './payer.ts'
import { hexOf, outpointOf } from './psbt.ts'
import type { Violation, ViolationKind, Violations } from './violations.ts'
import type { SimWallet } from './wallet.ts'

/** A sale as the LSP's books have it. */
export type BookedSale = { readonly paymentHash: string; readonly feeMsat: bigint }

export type AuditOptions = {
  /** Nothing is on its way any more: what is left over counts. */
  readonly atRest?: boolean
  /** Sales that the LSP says are paid: each must have earned its fee at the node. */
  readonly sales?: readonly BookedSale[]
}

export type AuditDeps = {
  readonly node: SimNode
  readonly payers: readonly SimPayer[]
  readonly wallets: readonly SimWallet[]
  readonly violations: Violations
}

const MSAT_PER_SAT = 1000n

/** Everything that is wrong with the world, in words; empty when all is well. */
export function audit(deps: AuditDeps, options: AuditOptions): readonly Violation[] {
  const found: Violation[] = [...deps.violations.seen]
  const add = (kind: ViolationKind, detail: string) => found.push({ kind, detail })
  balances(deps, add)
  payments(deps, add)
  opens(deps, add)
  coins(deps, add)
  forgotten(deps, add)
  for (const sale of options.sales ?? []) sold(deps, sale, add)
  if (options.atRest === true) leftovers(deps, add)
  return found
}

type Add = (kind: ViolationKind, detail: string) => void

function balances({ node }: AuditDeps, add: Add): void {
  for (const channel of node.channels.all.values()) {
    let held = 0n
    for (const htlc of channel.incoming.values()) held += htlc.amount
    for (const htlc of channel.outgoing.values()) held += htlc.amount
    const total = channel.local + channel.remote + held
    const capacity = channel.capacity * MSAT_PER_SAT
    if (total !== capacity) add('not-conserved', `${channel.outpoint} holds ${total} of ${capacity} msat`)
    if (channel.local < 0n || channel.remote < 0n) add('not-conserved', `${channel.outpoint} has a negative balance`)
  }
}

/** Per hash: what payers, and wallets that pay, paid is what the wallet got plus what the node kept. */
function payments({ node, payers, wallets }: AuditDeps, add: Add): void {
  const paid = sums(
    [...payers, ...wallets].flatMap(({ payments: all }) => all.filter(({ outcome }) => outcome?.status === 'settled')),
  )
  const got = sums(
    wallets.flatMap(({ received }) =>
      received.map(({ paymentHash, amount }) => ({ hash: paymentHash, amountIn: amount })),
    ),
  )
  const passed = new Map<string, { in: bigint; out: bigint }>()
  for (const { hash, amountIn, amountOut } of node.log.settled) {
    const sum = passed.get(hash) ?? { in: 0n, out: 0n }
    passed.set(hash, { in: sum.in + amountIn, out: sum.out + amountOut })
  }
  for (const [hash, { in: amountIn, out }] of passed) {
    if ((paid.get(hash) ?? 0n) !== amountIn)
      add('not-conserved', `${hash}: payers paid ${paid.get(hash)}, node got ${amountIn}`)
    if (out > amountIn) add('money-lost', `${hash}: paid out ${out} msat, received ${amountIn}`)
    const wallet = got.get(hash)
    if (wallet !== undefined && wallet < out) add('not-conserved', `${hash}: node paid ${out}, wallet got ${wallet}`)
  }
  for (const [hash, amount] of paid) {
    if (passed.has(hash)) continue
    const taken = node.invoices.taken(hash) ?? 0n
    if (amount > taken) add('not-conserved', `${hash}: payers paid ${amount}, node forwarded nothing and took ${taken}`)
  }
}

function sums(rows: readonly { readonly hash: string; readonly amountIn: bigint }[]): Map<string, bigint> {
  const totals = new Map<string, bigint>()
  for (const { hash, amountIn } of rows) totals.set(hash, (totals.get(hash) ?? 0n) + amountIn)
  return totals
}

/** One channel per pending channel id, and per sale as the memo names it (decisions.md D29). */
function opens({ node }: AuditDeps, add: Add): void {
  const seen = new Map<string, string>()
  const once = (name: string, outpoint: string) => {
    const other = seen.get(name)
    if (other !== undefined) add('opened-twice', `${name}: ${other} and ${outpoint}`)
    seen.set(name, outpoint)
  }
  for (const channel of node.channels.all.values()) {
    const { memo, pendingChannelId, outpoint } = channel
    if (isGivenUp(node, channel)) continue
    if (pendingChannelId !== undefined) once(`pending channel ${pendingChannelId}`, outpoint)
    const [mark, kind, , sale] = memo.split(':')
    if (mark === 'sluice1' && sale !== undefined) once(`${kind} ${sale}`, outpoint)
  }
}

/** A member of a batch that was burnt: it never was on chain, and is opened anew (D28). */
function isGivenUp({ chain }: SimNode, { state, closeType, outpoint, memo }: SimChannel): boolean {
  const isAbandoned = state === 'closed' && closeType === 'abandoned'
  return isAbandoned && !memo.startsWith('sluice1:jit:') && !chain.exists(outpoint)
}

function coins({ node }: AuditDeps, add: Add): void {
  for (const tx of node.chain.transactions()) {
    for (const [index, output] of tx.outputs.entries()) {
      const outpoint = outpointOf(tx.txid, index)
      if (!node.opens.fundingScripts.has(hexOf(output.script)) || node.channels.all.has(outpoint)) continue
      add('coins-lost', `${outpoint} pays ${output.value} sat to a channel that does not exist`)
    }
  }
}

/** An HTLC before the switch that nobody was, or will be, asked about. */
function forgotten({ node }: AuditDeps, add: Add): void {
  if (!node.up) return
  for (const channel of node.channels.all.values()) {
    if (!channel.linkUp) continue
    for (const htlc of channel.incoming.values()) {
      const held = htlc.exit === undefined ? node.hub.holds(htlc.key) : node.invoices.holds(htlc)
      if (htlc.circuit === undefined && !held) add('htlc-forgotten', `${htlc.key}: nobody holds it`)
    }
  }
}

function sold({ node }: AuditDeps, { paymentHash, feeMsat }: BookedSale, add: Add): void {
  const rows = node.log.settled.filter(({ hash }) => hash === paymentHash)
  const earned = rows.reduce((sum, { amountIn, amountOut }) => sum + amountIn - amountOut, 0n)
  if (earned < feeMsat) add('fee-missing', `${paymentHash}: booked ${feeMsat} msat, the node earned ${earned}`)
}

function leftovers({ node }: AuditDeps, add: Add): void {
  const used = new Set(
    [...node.channels.all.keys()].flatMap((outpoint) => node.coins.inputsOf(outpoint.split(':')[0] ?? '')),
  )
  for (const { id, outpoint } of node.coins.leases()) {
    if (!used.has(outpoint)) add('lease-left', `${outpoint} is locked for ${id}, and funds no channel`)
  }
  for (const channel of node.channels.all.values()) {
    for (const htlc of channel.incoming.values()) {
      add('htlc-forgotten', `${htlc.key} (${htlc.hash}) is still there: ${whereIs(node, htlc)}`)
    }
    const [txid = ''] = channel.outpoint.split(':')
    const unpublished = channel.zeroConf && channel.sent > 0n && node.chain.confirmations(txid) === undefined
    if (unpublished) add('unpublished', `${channel.outpoint} carried ${channel.sent} msat and is not on chain`)
  }
}

function whereIs(node: SimNode, htlc: IncomingHtlc): string {
  if (htlc.exit !== undefined) return 'an invoice holds it'
  if (node.hub.holds(htlc.key)) return 'held'
  return htlc.circuit?.outgoing === undefined ? 'nowhere' : 'forwarded'
}
