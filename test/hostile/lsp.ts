import { parseConfig } from '../../src/config/load.ts'
import type { Log } from '../../src/kernel/log.ts'
import { ManualClock } from '../../src/sandbox/manual-clock.ts'
import { SeededRandom } from '../../src/sandbox/random.ts'
import { type Sidecar, startSidecar } from '../../src/sidecar.ts'
import { openMemoryStore, type SyncedBytes } from '../../src/store/memory.ts'
import type { DeliveryPort } from '../../src/waking.ts'
import { HostileNode } from './node.ts'

/** What is sold, and within which limits: known to whoever judges the answers, from here and not from the sidecar. */
export const TERMS = {
  offers: [
    {
      min_fee_msat: '1000000',
      proportional: 2500,
      min_lifetime: 4320,
      max_client_to_self_delay: 2016,
      min_payment_size_msat: '10000000',
      max_payment_size_msat: '1000000000',
      valid_for_seconds: 600,
    },
    {
      min_fee_msat: '2000000',
      proportional: 5000,
      min_lifetime: 4320,
      max_client_to_self_delay: 2016,
      min_payment_size_msat: '10000000',
      max_payment_size_msat: '4000000000',
      valid_for_seconds: 3600,
    },
  ],
  cltvExpiryDelta: 144,
  partHoldMs: 90_000,
  requestsPerSecond: 5,
  burst: 20,
  maxPendingPerPeer: 10,
  maxUnsentPerPeer: 64,
  keptReplyMs: 600_000,
  keptRequestBytes: 4096,
  maxLiveSalesPerPeer: 3,
}

const SEED_BYTES = 32
const START_TURNS = 30
/** What a restart would need. Everything else is history, which belongs to a disk and not to the heap that is measured. */
const KEPT_TABLES = /^meta$|-live$|-outbox$|-totals$/
/** The last of each table of history: what has just ended is still looked up by what it left to be done. */
const KEPT_ROWS = 200

function forget(bytes: SyncedBytes): void {
  for (const [table, rows] of bytes) {
    if (KEPT_TABLES.test(table)) continue
    for (const key of rows.keys()) {
      if (rows.size <= KEPT_ROWS) break
      rows.delete(key)
    }
  }
}

/** Webhooks, which are off when left out, and how they are called. */
export type Calling = { readonly webhooks?: object; readonly delivery?: DeliveryPort }

/** The whole sidecar on the thinnest node, with its disk in memory and its time in the hands of a test. */
export class HostileLsp {
  readonly clock = new ManualClock()
  readonly node = new HostileNode()
  /** What must never be said: an error in the log is a bug, or an operator woken for nothing. */
  readonly errors: string[] = []
  /** What is on disk. */
  readonly bytes: SyncedBytes = new Map()
  #sidecar: Sidecar | undefined
  readonly #stopping = new AbortController()

  static async start({ webhooks, delivery }: Calling = {}): Promise<HostileLsp> {
    const lsp = new HostileLsp()
    const nothing = () => undefined
    const error: Log['error'] = (fields, message) => {
      const { err } = fields as { readonly err?: unknown }
      lsp.errors.push(`logged as an error: ${message}: ${err instanceof Error ? err.stack : String(err)}`)
    }
    const { bytes } = lsp
    const random = new SeededRandom(11)
    const { offers, requestsPerSecond, burst, maxPendingPerPeer, maxLiveSalesPerPeer } = TERMS
    const config = parseConfig(
      {
        network: 'regtest',
        lsps2: { enabled: true, offers, max_live_sales_per_peer: maxLiveSalesPerPeer },
        peer: { requests_per_second: requestsPerSecond, burst, max_pending_per_peer: maxPendingPerPeer },
        ...(webhooks === undefined ? {} : { webhooks: { enabled: true, ...webhooks } }),
      },
      'hostile.json',
    )
    const starting = startSidecar(config, {
      lnd: lsp.node.port(),
      store: openMemoryStore({
        bytes,
        onBatch: async (stage) => {
          if (stage === 'after') forget(bytes)
        },
      }),
      clock: lsp.clock,
      entropy: (length) => random.bytes(length),
      log: { debug: nothing, info: nothing, warn: nothing, error },
      seed: new Uint8Array(SEED_BYTES).fill(7),
      ...(delivery === undefined ? {} : { delivery }),
      signal: lsp.#stopping.signal,
      onFatal: (fatal) => lsp.errors.push(`the process would have to stop: ${String(fatal)}`),
    })
    await lsp.clock.settle(START_TURNS)
    lsp.#sidecar = await starting
    return lsp
  }

  /** Requests that wait for their answer, live sales and held payments, as the operator is told them. */
  async usage(): Promise<{ readonly pending: number; readonly live: number; readonly held: number }> {
    const status = await this.#sidecar?.admin.status(this.#stopping.signal)
    const used = (name: string) => status?.limits.find((limit) => limit.name === name)?.used ?? Number.NaN
    return { pending: used('peer.max_pending'), live: used('lsps2.max_live_sales'), held: used('lsps2.max_held_htlcs') }
  }

  async stop(): Promise<void> {
    const stopped = this.#sidecar?.stop()
    await this.clock.settle(START_TURNS)
    await stopped
  }
}
