import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CERTIFICATE } from './certificate.ts'
import { Child } from './child.ts'
import { median } from './figures.ts'
import type { GrpcClientOptions } from './grpc-client.ts'
import type { GrpcLndAnswer, GrpcLndOptions } from './grpc-lnd.ts'
import type { BenchOptions } from './options.ts'
import type { Row } from './table.ts'

/** As many offers as a busy node might have at its interceptor. */
const IN_FLIGHT = 500
const LND: GrpcLndOptions = { inFlight: IN_FLIGHT, warmUpMs: 2_000, ms: 3_000 }

/** Foreign forwards through real gRPC: the sidecar beside a client that does nothing but answer. */
export async function grpc({ folder, rounds, log }: BenchOptions): Promise<Row[]> {
  const certPath = join(folder, 'tls.cert')
  const macaroonPath = join(folder, 'lnd.macaroon')
  writeFileSync(certPath, CERTIFICATE)
  writeFileSync(macaroonPath, 'macaroon')
  const sidecar: number[] = []
  const echo: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const client = (kind: GrpcClientOptions['kind'], port: number): GrpcClientOptions => {
      const own = join(folder, `grpc-${kind}-${round}`)
      mkdirSync(own)
      return { kind, folder: own, socket: `localhost:${port}`, certPath, macaroonPath }
    }
    // Each is first every other time.
    const turns = round % 2 === 0 ? [sidecar, echo] : [echo, sidecar]
    for (const rates of turns) {
      rates.push(await measure((port) => client(rates === sidecar ? 'sidecar' : 'echo', port)))
    }
    log(`grpc ${round + 1}/${rounds}: ${Math.round(sidecar.at(-1) ?? 0)}/s beside ${Math.round(echo.at(-1) ?? 0)}/s`)
  }
  return [
    {
      figure: `offers through gRPC, ${IN_FLIGHT} at a time`,
      value: median(sidecar),
      unit: '/s',
      rounds: sidecar,
      beside: { what: 'bare echo client', value: median(echo), unit: '/s' },
      ratio: median(sidecar.map((rate, round) => rate / (echo[round] ?? Number.NaN))),
    },
  ]
}

async function measure(client: (port: number) => GrpcClientOptions): Promise<number> {
  const lnd = new Child<never, GrpcLndAnswer>('grpc-lnd.ts', LND)
  let answering: Child<never, never> | undefined
  try {
    const { port } = await lnd.hear('listening')
    answering = new Child<never, never>('grpc-client.ts', client(port))
    return (await lnd.hear('rate')).perSecond
  } finally {
    await answering?.kill()
    await lnd.kill()
  }
}
