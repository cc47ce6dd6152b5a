import { type Network, startNetwork } from '../stack/network.ts'
import { median, quantile } from './figures.ts'
import type { BenchOptions } from './options.ts'
import { processorMs } from './shipped.ts'
import type { Row } from './table.ts'

/** Signatures that are under way at a time. */
const AT_ONCE = [1, 8, 32] as const
const WARM_UP_MS = 500
const MEASURED_MS = 2_000
/** Of a notification to a webhook, as it is signed. */
const TEXT =
  'LSPS5: DO NOT SIGN THIS MESSAGE MANUALLY: LSP: At 2026-01-02T03:04:05.678Z I notify ' +
  '{"jsonrpc":"2.0","method":"lsps5.payment_incoming","params":{}}'

type Run = {
  readonly perSecond: number
  readonly p99: number
  /** Processor time of lnd for each call, ms. */
  readonly lndMs: number
}
type Rounds = { readonly atOnce: number; readonly signed: Run[]; readonly answered: Run[] }
type Call = (number: number) => Promise<unknown>

/** How many notifications a real lnd can sign over one connection, beside a call for which it computes nothing. */
export async function signatures({ rounds, log }: BenchOptions): Promise<Row[]> {
  const network = await startNetwork({ payer: false, log })
  try {
    const { signMessage, getVersion } = callsOf(network)
    const { pid } = network.lsp.daemon
    const done: Rounds[] = AT_ONCE.map((atOnce) => ({ atOnce, signed: [], answered: [] }))
    await run(signMessage, { atOnce: 8, ms: WARM_UP_MS, pid })
    for (let round = 0; round < rounds; round += 1) {
      for (const { atOnce, signed, answered } of done) {
        signed.push(await run(signMessage, { atOnce, ms: MEASURED_MS, pid }))
        answered.push(await run(getVersion, { atOnce, ms: MEASURED_MS, pid }))
      }
      const rates = done.map(({ atOnce, signed }) => `${atOnce} at once ${signed.at(-1)?.perSecond.toFixed(0)}/s`)
      log(`signatures ${round + 1}/${rounds}: ${rates.join(', ')}`)
    }
    return done.flatMap(rows)
  } finally {
    await network.stop()
  }
}

function callsOf({ lsp }: Network): { readonly signMessage: Call; readonly getVersion: Call } {
  return {
    // Each text is another one, as each notification is.
    signMessage: (number) => lsp.call('default', 'signMessage', { msg: Buffer.from(`${TEXT}${number}`) }),
    getVersion: () => lsp.call('version', 'getVersion'),
  }
}

async function run(
  call: Call,
  { atOnce, ms, pid }: { readonly atOnce: number; readonly ms: number; readonly pid: number },
): Promise<Run> {
  const latencies: number[] = []
  const before = processorMs(pid)
  const begin = performance.now()
  let number = 0
  const worker = async () => {
    while (performance.now() - begin < ms) {
      const start = performance.now()
      number += 1
      await call(number)
      latencies.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  const took = performance.now() - begin
  return {
    perSecond: (latencies.length * 1000) / took,
    p99: quantile(latencies, 0.99),
    lndMs: (processorMs(pid) - before) / latencies.length,
  }
}

function rows({ atOnce, signed, answered }: Rounds): Row[] {
  const row = (figure: string, unit: string, read: (run: Run) => number): Row => ({
    figure: `lnd signs, ${atOnce} at once${figure}`,
    value: median(signed.map(read)),
    unit,
    rounds: signed.map(read),
    beside: { what: 'getVersion', value: median(answered.map(read)), unit },
    ratio: median(signed.map(read)) / median(answered.map(read)),
  })
  return [
    row(', notifications', '/s', ({ perSecond }) => perSecond),
    row(', time of one, p99', 'ms', ({ p99 }) => p99),
    row(', processor time of lnd for one', 'ms', ({ lndMs }) => lndMs),
  ]
}
