import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Network, startNetwork } from '../stack/network.ts'
import { addInvoice, payInvoice } from '../stack/payments.ts'
import { waitFor } from '../stack/wait.ts'
import { median, quantile } from './figures.ts'
import type { BenchOptions } from './options.ts'
import { Measured, processorMs, ShippedDaemon } from './shipped.ts'
import type { Row } from './table.ts'

/** Payments of each kind in a round, small: the channels carry all of them without being filled up again. */
const PAYMENTS = 300
const WARM_UP_PAYMENTS = 40
const IN_FLIGHT = 20
const AMOUNT_MSAT = 500_000n
const ATTACH_MS = 30_000
/** lnd does not say that an interceptor is attached: payments go through it when it was asked for so long ago. */
const ATTACHED_MS = 500

const KINDS = ['sluiced', 'bare', 'none'] as const
type Kind = (typeof KINDS)[number]

type Round = {
  readonly perSecond: number
  readonly latencies: readonly number[]
  /** Processor time for each payment, ms: of the node that forwards, and of whoever is attached to it. */
  readonly lndMs: number
  readonly attachedMs: number
}

/**
 * Ordinary payments through a real lnd: with sluiced attached, with a client that lets everything go on, and without
 * any. One node and one pair of channels for all three, in turn.
 */
export async function forwards({ folder, rounds, log }: BenchOptions): Promise<Row[]> {
  // Without the flag lnd also forwards while nobody is attached; with somebody attached, the flag changes nothing.
  const network = await startNetwork({ foreign: 1, lsp: { requireInterceptor: false }, log })
  try {
    const done: Record<Kind, Round[]> = { sluiced: [], bare: [], none: [] }
    for (let round = 0; round < rounds; round += 1) {
      // Each is first every third time.
      const order = KINDS.map((_, turn) => KINDS[(turn + round) % KINDS.length] as Kind)
      for (const kind of order) done[kind].push(await measure(network, kind, join(folder, `forwards-${round}`)))
      const rates = KINDS.map((kind) => `${kind} ${done[kind].at(-1)?.perSecond.toFixed(1)}/s`)
      log(`forwards ${round + 1}/${rounds}: ${rates.join(', ')}`)
    }
    return rows(done)
  } finally {
    await network.stop()
  }
}

async function measure(network: Network, kind: Kind, folder: string): Promise<Round> {
  const attached = await attach(network, kind, folder)
  try {
    await pay(network, WARM_UP_PAYMENTS)
    const before = { lnd: processorMs(network.lsp.daemon.pid), attached: attached && processorMs(attached.pid) }
    const { ms, latencies } = await pay(network, PAYMENTS)
    const lnd = processorMs(network.lsp.daemon.pid) - before.lnd
    return {
      perSecond: (PAYMENTS * 1000) / ms,
      latencies,
      lndMs: lnd / PAYMENTS,
      attachedMs: attached === undefined ? 0 : (processorMs(attached.pid) - (before.attached ?? 0)) / PAYMENTS,
    }
  } finally {
    await attached?.kill()
  }
}

async function attach({ lsp }: Network, kind: Kind, folder: string): Promise<Measured | undefined> {
  const { certPath, macaroonPath, rpcPort } = lsp
  const socket = `localhost:${rpcPort}`
  if (kind === 'sluiced') {
    const lsps2 = { without_require_interceptor: 'accept_lost_fees' }
    const daemon = new ShippedDaemon(folder, { socket, certPath, macaroonPath }, { lsps2 })
    await daemon.ready
    return daemon
  }
  if (kind === 'none') return undefined
  const script = resolve(import.meta.dirname, 'bare-interceptor.mjs')
  const bare = new Measured(process.execPath, [script, socket, certPath, macaroonPath])
  await sleep(ATTACHED_MS)
  await waitFor(() => bare.running, { deadline: ATTACH_MS, what: 'the bare interceptor to run' })
  return bare
}

/** So many payments from the payer to the node behind the LSP, a bounded number at a time; ms in all and of each. */
async function pay(
  { payer, foreign }: Network,
  count: number,
): Promise<{ readonly ms: number; readonly latencies: readonly number[] }> {
  const invoices: string[] = []
  for (let made = 0; made < count; made += 1) {
    invoices.push((await addInvoice(foreign, { amountMsat: AMOUNT_MSAT })).invoice)
  }
  const latencies: number[] = []
  const begin = performance.now()
  const worker = async () => {
    for (let invoice = invoices.pop(); invoice !== undefined; invoice = invoices.pop()) {
      const start = performance.now()
      const { succeeded, failureReason } = await payInvoice(payer, { invoice })
      if (!succeeded) throw new Error(`a payment failed: ${failureReason}`)
      latencies.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
  return { ms: performance.now() - begin, latencies }
}

function rows(done: Readonly<Record<Kind, readonly Round[]>>): Row[] {
  const of = (kind: Kind, read: (round: Round) => number) => {
    const values = done[kind].map(read)
    return { value: median(values), rounds: values }
  }
  const beside = (kind: Kind, what: string, read: (round: Round) => number, unit: string) => ({
    beside: { what, value: median(done[kind].map(read)), unit },
    ratio: median(done.sluiced.map((round, index) => read(round) / read(done[kind][index] ?? round))),
  })
  const rate = (round: Round) => round.perSecond
  const p50 = ({ latencies }: Round) => quantile(latencies, 0.5)
  const sluiced = `with sluiced, ${IN_FLIGHT} at a time`
  return [
    {
      figure: `payments through lnd ${sluiced}`,
      ...of('sluiced', rate),
      unit: '/s',
      ...beside('bare', 'with a bare interceptor', rate, '/s'),
    },
    { figure: 'the same', ...of('sluiced', rate), unit: '/s', ...beside('none', 'with none', rate, '/s') },
    {
      figure: 'time of a payment, p50',
      ...of('sluiced', p50),
      unit: 'ms',
      ...beside('bare', 'with a bare interceptor', p50, 'ms'),
    },
    { figure: 'the same', ...of('sluiced', p50), unit: 'ms', ...beside('none', 'with none', p50, 'ms') },
    {
      figure: 'processor time of sluiced for a payment',
      ...of('sluiced', ({ attachedMs }) => attachedMs),
      unit: 'ms',
      ...beside('bare', 'the bare interceptor', ({ attachedMs }) => attachedMs, 'ms'),
    },
    {
      figure: 'processor time of its lnd for a payment',
      ...of('sluiced', ({ lndMs }) => lndMs),
      unit: 'ms',
      ...beside('none', 'with none attached', ({ lndMs }) => lndMs, 'ms'),
    },
  ]
}
