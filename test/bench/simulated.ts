import { join } from 'node:path'
import type { Config } from '../../src/config/schema.ts'
import type { LndPort } from '../../src/lnd/port.ts'
import { product } from './product.ts'

const SEED_BYTES = 32

/** What is shipped, on a world that is simulated in real time; `start` begins a sidecar with its database in the folder. */
export async function simulated() {
  const [{ createWorld }, { startSidecar }, { openLevelStore }, { systemClock }, { systemEntropy }, { silentLog }] =
    await Promise.all([
      product<typeof import('../../src/sandbox/world.ts')>('src/sandbox/world'),
      product<typeof import('../../src/sidecar.ts')>('src/sidecar'),
      product<typeof import('../../src/store/level.ts')>('src/store/level'),
      product<typeof import('../../src/kernel/clock.ts')>('src/kernel/clock'),
      product<typeof import('../../src/kernel/entropy.ts')>('src/kernel/entropy'),
      product<typeof import('../../src/kernel/log.ts')>('src/kernel/log'),
    ])
  const start = async (config: Config, { folder, lnd }: { readonly folder: string; readonly lnd: LndPort }) =>
    startSidecar(config, {
      lnd,
      store: await openLevelStore(join(folder, 'db')),
      clock: systemClock,
      entropy: systemEntropy,
      log: silentLog,
      seed: new Uint8Array(SEED_BYTES),
      signal: new AbortController().signal,
      onFatal: (error) => {
        throw error
      },
    })
  return { world: createWorld({ clock: systemClock }), start, systemClock, systemEntropy }
}
