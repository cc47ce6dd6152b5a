import { join } from 'node:path'
import { benchConfig } from './node-setup.ts'
import { product } from './product.ts'

/** One client of the gRPC server that plays lnd: the whole sidecar, or the least that answers. */

export type GrpcClientOptions = {
  readonly kind: 'sidecar' | 'echo'
  readonly folder: string
  readonly socket: string
  readonly certPath: string
  readonly macaroonPath: string
}

const options = JSON.parse(process.argv[2] ?? '') as GrpcClientOptions
const { createLndAdapter } = await product<typeof import('../../src/lnd/adapter.ts')>('src/lnd/adapter')
const adapter = createLndAdapter(options)

/** Same protos, same connection; no decoding of ours, no single writer, no sales. */
function echo(): void {
  const call = adapter.connection.interceptor()
  call.on('data', ({ incoming_circuit_key }) => call.write({ incoming_circuit_key, action: 'RESUME' }))
  call.on('error', (error) => {
    throw error
  })
  call.on('end', () => undefined)
}

/** The interceptor over gRPC, the rest of the node simulated. */
async function sidecar(): Promise<void> {
  const [{ createWorld }, { startSidecar }, { openLevelStore }, { systemClock }, { systemEntropy }, { silentLog }] =
    await Promise.all([
      product<typeof import('../../src/sandbox/world.ts')>('src/sandbox/world'),
      product<typeof import('../../src/sidecar.ts')>('src/sidecar'),
      product<typeof import('../../src/store/level.ts')>('src/store/level'),
      product<typeof import('../../src/kernel/clock.ts')>('src/kernel/clock'),
      product<typeof import('../../src/kernel/entropy.ts')>('src/kernel/entropy'),
      product<typeof import('../../src/kernel/log.ts')>('src/kernel/log'),
    ])
  const { interceptHtlcs } = adapter
  await startSidecar(await benchConfig(options.folder), {
    lnd: { ...createWorld({ clock: systemClock }).attach(), interceptHtlcs },
    store: await openLevelStore(join(options.folder, 'db')),
    clock: systemClock,
    entropy: systemEntropy,
    log: silentLog,
    seed: new Uint8Array(32),
    signal: new AbortController().signal,
    onFatal: (error) => {
      throw error
    },
  })
}

process.once('disconnect', () => process.exit())
if (options.kind === 'echo') echo()
else await sidecar()
