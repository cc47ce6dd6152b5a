import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { computeOpeningFee } from '../../lsps/lsps2/fee.ts'
import { nextSaleScid, type SaleTimes } from '../stack/bare-sale.ts'
import { Wallet } from '../stack/ldk/wallet.ts'
import { type Network, startNetwork } from '../stack/network.ts'
import { payInvoice } from '../stack/payments.ts'
import { purchase } from '../stack/purchase.ts'
import { Child } from './child.ts'
import { median, quantile } from './figures.ts'
import type { BenchOptions } from './options.ts'
import { nodeOptions } from './product.ts'
import type { SellerAnswer, SellerCommand, SellerOptions } from './sales-seller.ts'
import type { Row } from './table.ts'
import { ownTime, type SaleTrace } from './timed-port.ts'

/** Sales of each kind that are measured, and before them those that warm everything up. */
const LEAST_SALES = 100
const SALES_PER_ROUND = 12
const WARM_UP_SALES = 3
/** Coins of the LSP are few: what sales leave of them confirms once in so many. */
const SALES_PER_BLOCK = 10
const AMOUNT_MSAT = 100_000_000n
const CLTV_DELTA = 144
/** As the sidecar chooses it for this amount: payment and headroom. */
const CAPACITY_SAT = 111_000n

/**
 * lnd signs what came for a channel in steps of 50 ms that nothing restarts, so a payment's time depends on where between
 * two steps it begins. Sales follow each other at a beat of their own; left alone, those of one kind all begin early
 * between the steps and those of the other late. Each two begin at the same place, and all together everywhere.
 */
const COMMIT_STEP_MS = 50
/** Multiples of it, without their whole part, spread evenly however many there are: the golden ratio. */
const SPREAD = (Math.sqrt(5) - 1) / 2

type Seller = Child<SellerCommand, SellerAnswer>
/** What the payer sees: the whole, and that time in three parts, ms. */
type PayerTimes = {
  readonly whole: number
  readonly untilHeld: number
  readonly untilSettled: number
  readonly untilSucceeded: number
}
type Payment = { readonly startAt: number; readonly endAt: number }
type SidecarSale = { readonly payer: PayerTimes; readonly trace: SaleTrace }
type BareSale = { readonly payer: PayerTimes; readonly times: SaleTimes }

/** Whole sales on real lnd, to real wallets: the sidecar and the bare script in turn, on one network. */
export async function sales({ folder, rounds, log }: BenchOptions): Promise<Row[]> {
  const network = await startNetwork({ log })
  let seller: Seller | undefined
  try {
    const { socket, certPath, macaroonPath } = network.lsp
    const own = join(folder, 'sales')
    mkdirSync(own)
    const options: SellerOptions = { folder: own, socket, certPath, macaroonPath }
    seller = new Child<SellerCommand, SellerAnswer>('sales-seller.ts', options, nodeOptions())
    await seller.hear('ready')
    const count = Math.max(LEAST_SALES, rounds * SALES_PER_ROUND)
    const bySidecar: SidecarSale[] = []
    const byScript: BareSale[] = []
    for (let sale = -WARM_UP_SALES; sale < count; sale += 1) {
      // Each is first every other time.
      const turns = sale % 2 === 0 ? (['sidecar', 'bare'] as const) : (['bare', 'sidecar'] as const)
      for (const kind of turns) {
        const place = ((sale + WARM_UP_SALES) * SPREAD) % 1
        if (kind === 'sidecar') bySidecar.push(await sellBySidecar(network, seller, place))
        else byScript.push(await sellByScript(network, seller, place))
      }
      if ((sale + WARM_UP_SALES) % SALES_PER_BLOCK === SALES_PER_BLOCK - 1) {
        await network.mine(1)
        log(`sales ${Math.max(sale + 1, 0)}/${count}`)
      }
    }
    log(`where the sidecar's own time goes, p50 in ms: ${whereItGoes(bySidecar.slice(WARM_UP_SALES))}`)
    log(`lnd's calls, p50 in ms, beside the bare script's: ${stages(bySidecar, byScript)}`)
    return rows(bySidecar.slice(WARM_UP_SALES), byScript.slice(WARM_UP_SALES))
  } finally {
    await seller?.kill()
    await network.stop()
  }
}

/** A wallet without a channel; gone after its sale, so that the machine does not fill up with them. */
async function withWallet<T>(network: Network, use: (wallet: Wallet) => Promise<T>): Promise<T> {
  const wallet = await Wallet.create({ btcd: network.btcd })
  try {
    await wallet.connect({ nodeId: network.lsp.nodeId, host: '127.0.0.1', port: network.lsp.p2pPort })
    return await use(wallet)
  } finally {
    // lnd would try to reach it for ever.
    await network.lsp.call('default', 'disconnectPeer', { pub_key: wallet.nodeId }).catch(() => undefined)
    wallet.close()
  }
}

/** `place`: how far between two steps of the payer's lnd it begins, 0 to 1; where the steps are, nobody knows. */
async function pay(
  network: Network,
  wallet: Wallet,
  invoice: { invoice: string; paymentHash: string },
  place: number,
): Promise<Payment> {
  const since = (performance.timeOrigin + performance.now()) % COMMIT_STEP_MS
  await setTimeout((place * COMMIT_STEP_MS - since + COMMIT_STEP_MS) % COMMIT_STEP_MS)
  const start = performance.now()
  const { succeeded, failureReason } = await payInvoice(network.payer, { invoice: invoice.invoice })
  const end = performance.now()
  if (!succeeded) throw new Error(`the payment failed: ${failureReason}`)
  await wallet.waitForPayment(invoice.paymentHash)
  const { timeOrigin } = performance
  return { startAt: timeOrigin + start, endAt: timeOrigin + end }
}

/** The payer's time, cut where the seller held the HTLC and where lnd told it that the payment is settled. */
function payerTimes({ startAt, endAt }: Payment, heldAt: number, heldToSettled: number): PayerTimes {
  const untilHeld = heldAt - startAt
  const whole = endAt - startAt
  return { whole, untilHeld, untilSettled: heldToSettled, untilSucceeded: whole - untilHeld - heldToSettled }
}

function sellBySidecar(network: Network, seller: Seller, place: number): Promise<SidecarSale> {
  return withWallet(network, async (wallet) => {
    const bought = await purchase(wallet, network, { amount: AMOUNT_MSAT })
    const sold = seller.hear('sold')
    const armed = seller.hear('armed')
    seller.tell({ type: 'sidecar' })
    await armed
    const payment = await pay(network, wallet, bought, place)
    const { trace } = await sold
    if (trace.scid !== bought.scid) throw new Error(`${trace.scid} was sold, expected ${bought.scid}`)
    return { payer: payerTimes(payment, trace.heldAt, trace.settled - trace.held), trace }
  })
}

function sellByScript(network: Network, seller: Seller, place: number): Promise<BareSale> {
  return withWallet(network, async (wallet) => {
    const scid = nextSaleScid()
    const feeMsat = computeOpeningFee(
      { min_fee_msat: 1_000_000n as never, proportional: 2500 as never },
      AMOUNT_MSAT as never,
    )
    const sold = seller.hear('bare-sold')
    const armed = seller.hear('armed')
    seller.tell({ type: 'bare', terms: { scid, peer: wallet.nodeId, feeMsat, capacitySat: CAPACITY_SAT } })
    await armed
    const invoice = wallet.createInvoice({
      amountMsat: AMOUNT_MSAT,
      allowedSkimMsat: feeMsat,
      hint: { nodeId: network.lsp.nodeId, scid, feeBaseMsat: 0, feePpm: 0, cltvDelta: CLTV_DELTA },
    })
    const payment = await pay(network, wallet, invoice, place)
    const { heldAt, times } = await sold
    return { payer: payerTimes(payment, heldAt, times.settled), times }
  })
}

/** Own time by what came before it. */
function whereItGoes(bySidecar: readonly SidecarSale[]): string {
  const parts = new Map<string, number[]>()
  for (const { trace } of bySidecar) {
    for (const { after, ms } of ownTime(trace)) parts.set(after, [...(parts.get(after) ?? []), ms])
  }
  return [...parts].map(([after, times]) => `after ${after} ${median(times).toFixed(2)}`).join(', ')
}

/** How long lnd took for each step of the recipe: the same calls, in two programs. */
function stages(bySidecar: readonly SidecarSale[], byScript: readonly BareSale[]): string {
  const script: Readonly<Record<string, (times: SaleTimes) => number>> = {
    openChannel: (times) => times.templated,
    fundPsbt: (times) => times.funded - times.templated,
    verifyFunding: (times) => times.verified - times.funded,
    addAlias: (times) => times.aliased - times.active,
    settled: (times) => times.settled - times.resumed,
  }
  const parts = Object.entries(script).map(([stage, of]) => {
    const waits = bySidecar.flatMap(({ trace }) => trace.waits.filter(({ what }) => what === stage))
    const ours = median(waits.map(({ from, to }) => to - from))
    return `${stage} ${ours.toFixed(1)} / ${median(byScript.map(({ times }) => of(times))).toFixed(1)}`
  })
  const verifiedToActive = bySidecar.map(({ trace: { waits } }) => {
    const verified = waits.find(({ what }) => what === 'verifyFunding')?.to ?? Number.NaN
    return (waits.find(({ what }) => what === 'addAlias')?.from ?? Number.NaN) - verified
  })
  const bare = byScript.map(({ times }) => times.active - times.verified)
  return [
    ...parts,
    `verified to alias asked for ${median(verifiedToActive).toFixed(1)} / ${median(bare).toFixed(1)}`,
  ].join(', ')
}

function rows(bySidecar: readonly SidecarSale[], byScript: readonly BareSale[]): Row[] {
  const own = bySidecar.map(({ trace }) => ownTime(trace).reduce((sum, { ms }) => sum + ms, 0))
  const crowded = bySidecar.map(({ trace }) => trace.crowdedMs)
  const ours = bySidecar.map(({ payer }) => payer.whole)
  const bare = byScript.map(({ payer }) => payer.whole)
  const note = `${bySidecar.length} sales`
  return [
    {
      figure: `time of a sale not in lnd's calls, p50 of ${note}`,
      value: median(own),
      unit: 'ms',
      rounds: [],
      bar: { rule: 'at most', value: 15 },
    },
    {
      figure: `time of a sale not in lnd's calls, p99 of ${note}`,
      value: quantile(own, 0.99),
      unit: 'ms',
      rounds: [],
      bar: { rule: 'at most', value: 40 },
    },
    {
      figure: 'its main thread wanted a core and got none, per sale',
      value: median(crowded),
      unit: 'ms',
      rounds: [],
    },
    {
      figure: 'sale as the payer sees it, to the bare script',
      value: median(ours) / median(bare),
      unit: '',
      rounds: [],
      bar: { rule: 'at most', value: 1.05 },
    },
    {
      figure: 'sale as the payer sees it, p50',
      value: median(ours),
      unit: 'ms',
      rounds: [],
      beside: { what: 'bare script', value: median(bare), unit: 'ms' },
      ratio: median(ours) / median(bare),
    },
    ...PARTS.map(([figure, part]) => besideBare(figure, part, bySidecar, byScript)),
  ]
}

const PARTS = [
  ['payment sent to held, p50', 'untilHeld'],
  ['held to settled, p50', 'untilSettled'],
  ['settled to seen by the payer, p50', 'untilSucceeded'],
] as const satisfies readonly (readonly [string, keyof PayerTimes])[]

function besideBare(
  figure: string,
  part: keyof PayerTimes,
  bySidecar: readonly SidecarSale[],
  byScript: readonly BareSale[],
): Row {
  const ours = median(bySidecar.map(({ payer }) => payer[part]))
  const bare = median(byScript.map(({ payer }) => payer[part]))
  return {
    figure,
    value: ours,
    unit: 'ms',
    rounds: [],
    beside: { what: 'bare script', value: bare, unit: 'ms' },
    ratio: ours / bare,
  }
}
