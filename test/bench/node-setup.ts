import { product } from './product.ts'

/** What the benchmarks sell: as `config.example.json`, but with limits that no honest load reaches. */
export const LSPS2 = {
  enabled: true,
  offers: [
    {
      min_fee_msat: '1000000',
      proportional: 2500,
      min_payment_size_msat: '10000000',
      max_payment_size_msat: '4000000000',
    },
  ],
  // What a sale earns is compared to the msat, whatever the chain says.
  pricing: { mode: 'fixed' },
  max_live_sales: 10_000_000,
  max_live_sales_per_peer: 10_000,
}
const LIMITS = { requests_per_second: 100_000, burst: 100_000, max_pending_per_peer: 1000, max_pending: 1_000_000 }

/** The effective config of a benchmark's sidecar; `extra` are further keys of the file. */
export async function benchConfig(folder: string, extra: object = {}) {
  const { parseConfig } = await product<typeof import('../../src/config/load.ts')>('src/config/load')
  const file = { network: 'regtest', data_dir: folder, peer: LIMITS, lsps2: LSPS2, ...extra }
  return parseConfig(file, `${folder}/sluice.json`)
}
