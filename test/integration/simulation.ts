import { msat } from '../../lsps/base/amount.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import { parseConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import { SidecarError } from '../../src/kernel/errors.ts'
import type { FetchJson } from '../../src/kernel/fetch-json.ts'
import { type Log, silentLog } from '../../src/kernel/log.ts'
import type { LndPort } from '../../src/lnd/port.ts'
import { WAITING_FOR_HISTORY } from '../../src/operate/catch-up.ts'
import { ManualClock } from '../../src/sandbox/manual-clock.ts'
import { SeededRandom } from '../../src/sandbox/random.ts'
import type { Invoice, SimWallet } from '../../src/sandbox/wallet.ts'
import { createWorld, MEASURED_LATENCY, type World, type WorldOptions } from '../../src/sandbox/world.ts'
import { CAUGHT_UP, type Sidecar, startSidecar } from '../../src/sidecar.ts'
import { openMemoryStore, type SyncedBytes } from '../../src/store/memory.ts'
import { Relay } from './relay.ts'

/** Between a crash and the next start, as a supervisor would have it. */
const RESTART_PAUSE_MS = 250
/** lnd takes longer to come back. */
const NODE_RESTART_PAUSE_MS = 3_000
/** Simulated time that one wait may take. */
const LONGEST_WAIT_MS = 30 * 60_000
/** A client that lost the answer asks again after this. */
const ASK_AGAIN_MS = 2_000

/** 0.25 %, at least 1,000 sat, for payments of 10,000 sat to 10,000,000 sat. */
export const OFFER = {
  min_fee_msat: '1000000',
  proportional: 2500,
  min_payment_size_msat: '10000000',
  max_payment_size_msat: '10000000000',
  valid_for_seconds: 3600,
}

export function testConfig(
  overrides: {
    lsps2?: object
    peer?: object
    funding?: object
    inventory?: object
    promises?: object
    orders?: object
    webhooks?: object
  } = {},
): Config {
  return parseConfig(
    {
      network: 'regtest',
      lsps2: { enabled: true, offers: [OFFER], ...overrides.lsps2 },
      peer: { requests_per_second: 1000, burst: 1000, ...overrides.peer },
      ...(overrides.orders === undefined ? {} : { orders: overrides.orders }),
      ...(overrides.funding === undefined ? {} : { funding: overrides.funding }),
      ...(overrides.inventory === undefined ? {} : { inventory: overrides.inventory }),
      ...(overrides.promises === undefined ? {} : { promises: overrides.promises }),
      ...(overrides.webhooks === undefined ? {} : { webhooks: overrides.webhooks }),
      ...(overrides.orders === undefined ? {} : { orders: overrides.orders }),
    },
    'test.json',
  )
}

export type Bought = { readonly scid: Scid; readonly fee: bigint; readonly amount: bigint; readonly delta: number }

export type Purchased = {
  readonly scid: Scid
  readonly delta: number
  /** The opening fee for a payment, in msat. */
  readonly feeOf: (paid: bigint) => bigint
}

export type SimulationOptions = Partial<Omit<WorldOptions, 'clock'>> & {
  readonly config?: Config
  /** Stands between each incarnation of the sidecar and the node. */
  readonly wrapPort?: (port: LndPort) => LndPort
  /** How a second source of feerates answers. */
  readonly fetchJson?: FetchJson
  /** Where webhooks are called; nothing answers when left out. */
  readonly relay?: Relay
}

/**
 * The whole sidecar on the simulated node. It may die at any point of `world.points` (each RPC stage, each commit
 * before and after it is durable); the next one starts from the synced bytes only.
 */
export class Simulation {
  readonly clock = new ManualClock()
  readonly world: World
  readonly config: Config
  readonly #wrapPort: (port: LndPort) => LndPort
  readonly #fetchJson: FetchJson | undefined
  readonly relay: Relay
  bytes: SyncedBytes = new Map()
  /** Starts so far. */
  starts = 0
  /** Restarts of the node so far. */
  nodeStarts = 0
  fatal: unknown
  /** Starts that changed records by what lnd shows, and starts that waited for lnd's history to do it. */
  caughtUp = 0
  waitedForHistory = 0
  /** Called with what is on disk after each commit, and before each start. */
  onCommit: ((bytes: SyncedBytes) => void) | undefined
  onStart: (() => void) | undefined
  #sidecar: Sidecar | undefined
  #stop: (() => void) | undefined
  #dead = true
  #commits = 0
  #messages = 0
  #nextKills: readonly number[] = []

  constructor({ config, wrapPort, fetchJson, relay = new Relay(), ...world }: SimulationOptions = {}) {
    this.#fetchJson = fetchJson
    this.relay = relay
    this.world = createWorld({ clock: this.clock, seed: 7, latency: MEASURED_LATENCY, ...world })
    this.config = config ?? testConfig()
    this.#wrapPort = wrapPort ?? ((port) => port)
    this.world.onClientKilled = () => this.#die()
    relay.join(this.world)
  }

  readonly #log: Log = {
    ...silentLog,
    warn: (_fields, message) => {
      if (message === CAUGHT_UP) this.caughtUp += 1
      if (message === WAITING_FOR_HISTORY) this.waitedForHistory += 1
    },
  }

  /** Whether it has started, and did not die since. */
  get isRunning(): boolean {
    return this.#sidecar !== undefined
  }

  get sidecar(): Sidecar {
    if (this.#sidecar === undefined) throw new Error('the sidecar is not running')
    return this.#sidecar
  }

  /** What died stays dead: its calls go nowhere, its commits are not applied, its loops end. */
  #die(): void {
    this.#dead = true
    this.#stop?.()
    this.#sidecar = undefined
    this.killAtEach(this.#nextKills)
  }

  /** Dies at each of these points, counted over all incarnations. */
  killAtEach(points: readonly number[]): void {
    const [next, ...rest] = points
    if (next === undefined) return
    this.world.killAt(next)
    this.#nextKills = rest
  }

  /** As `kill -9`. */
  kill(): void {
    this.world.killClient()
  }

  async start(): Promise<void> {
    this.onStart?.()
    this.#dead = false
    this.starts += 1
    const incarnation = this.starts
    const isDead = () => this.#dead || incarnation !== this.starts
    const stopping = new AbortController()
    let failure: unknown
    let waiting = true
    const store = openMemoryStore({
      bytes: this.bytes,
      onBatch: async (stage) => {
        if (stage === 'before') this.#commits += 1
        if (!isDead()) this.world.mark(`commit#${this.#commits}:${stage}`)
        // A dead process neither writes nor goes on; after the write, its caller just never hears of it.
        if (isDead()) await new Promise(() => undefined)
        if (stage === 'after') this.onCommit?.(this.bytes)
      },
    })
    const entropy = new SeededRandom(1000 + incarnation)
    const starting = startSidecar(this.config, {
      lnd: this.#wrapPort(this.world.attach()),
      store,
      clock: this.clock,
      entropy: (length) => Uint8Array.from(Buffer.from(entropy.hex(length), 'hex')),
      log: this.#log,
      seed: new Uint8Array(32).fill(7),
      ...(this.#fetchJson === undefined ? {} : { fetchJson: this.#fetchJson }),
      delivery: this.relay.port(),
      signal: stopping.signal,
      onFatal: (error) => {
        if (!isDead()) this.fatal = error
      },
    }).then(
      (sidecar) => {
        if (isDead()) return void sidecar.stop()
        this.#sidecar = sidecar
        this.#stop = () => void sidecar.stop()
      },
      (error: unknown) => {
        failure = error
        if (!waiting && !isDead()) this.#die() // lnd went away and came back meanwhile: the next start is tried
      },
    )
    this.#stop = () => stopping.abort(new Error('killed'))
    starting.catch(() => undefined)
    await this.clock.until(
      () => isDead() || !this.world.node.up || this.#sidecar !== undefined || failure !== undefined,
      'the sidecar to start',
      LONGEST_WAIT_MS,
    )
    waiting = false
    if (!isDead() && failure !== undefined) {
      // As a supervisor would: a start that failed because the node went away is tried again.
      if (this.world.node.up && !(failure instanceof SidecarError && failure.retryable)) throw failure
      this.#die()
    }
  }

  /** Waits in simulated time; whenever the sidecar dies meanwhile, a new one is started. */
  async until(condition: () => boolean, what: string, limitMs = LONGEST_WAIT_MS): Promise<void> {
    for (;;) {
      await this.clock.until(() => this.#dead || !this.world.node.up || condition(), what, limitMs)
      if (!this.world.node.up) {
        await this.clock.advance(NODE_RESTART_PAUSE_MS)
        this.world.restartNode()
        this.nodeStarts += 1
      } else if (this.#dead) {
        await this.clock.advance(RESTART_PAUSE_MS)
        await this.start()
      } else {
        return
      }
    }
  }

  async advance(ms: number): Promise<void> {
    const end = this.clock.now() + ms
    void this.clock.sleep(ms, new AbortController().signal)
    await this.until(() => this.clock.now() >= end, `${ms} ms to pass`, ms + LONGEST_WAIT_MS)
  }

  /** Waits for a promise of the world, in simulated time. */
  async outcome<T>(promise: Promise<T>, what: string): Promise<T> {
    let result: { value: T } | undefined
    promise.then((value) => {
      result = { value }
    }, undefined)
    await this.until(() => result !== undefined, what)
    return (result as unknown as { value: T }).value
  }

  /** One LSPS request, sent again (with a new id) until it is answered: answers are lost when the sidecar dies. */
  async ask(wallet: SimWallet, method: string, params: object): Promise<Record<string, never>> {
    let answer: { result?: Record<string, never>; error?: { code: number; message: string } } | undefined
    const off = wallet.onCustomMessage((_, data) => {
      const message = JSON.parse(Buffer.from(data).toString('utf8'))
      if (message.id === `request-${this.#messages}`) answer = message
    })
    try {
      while (answer === undefined) {
        this.#messages += 1
        const request = { jsonrpc: '2.0', id: `request-${this.#messages}`, method, params }
        if (wallet.wantsConnection) wallet.connect() // it may have been disconnected meanwhile
        wallet.send(37913, new Uint8Array(Buffer.from(JSON.stringify(request))))
        const asked = this.clock.now()
        void this.clock.sleep(ASK_AGAIN_MS, new AbortController().signal)
        await this.until(
          () => answer !== undefined || this.clock.now() >= asked + ASK_AGAIN_MS,
          `an answer to ${method}`,
        )
      }
    } finally {
      off()
    }
    if (answer.error !== undefined) throw Object.assign(new Error(answer.error.message), answer.error)
    return answer.result ?? {}
  }

  async buy(wallet: SimWallet, amount: bigint): Promise<Bought> {
    const { scid, delta, feeOf } = await this.purchase(wallet, amount)
    return { scid, fee: feeOf(amount), amount, delta }
  }

  /** Without an amount: for an invoice that leaves it to the payer. */
  async purchase(wallet: SimWallet, amount?: bigint): Promise<Purchased> {
    const { opening_fee_params_menu: menu } = (await this.ask(wallet, 'lsps2.get_info', {})) as never as {
      opening_fee_params_menu: { min_fee_msat: string; proportional: number }[]
    }
    const offer = menu[0]
    if (offer === undefined) throw new Error('the menu is empty')
    const bought = (await this.ask(wallet, 'lsps2.buy', {
      opening_fee_params: offer,
      ...(amount === undefined ? {} : { payment_size_msat: amount.toString() }),
    })) as never as { jit_channel_scid: Scid; lsp_cltv_expiry_delta: number }
    const least = BigInt(offer.min_fee_msat)
    const feeOf = (paid: bigint) => {
      const proportional = (paid * BigInt(offer.proportional) + 999_999n) / 1_000_000n
      return msat(proportional > least ? proportional : least)
    }
    return { scid: bought.jit_channel_scid, delta: bought.lsp_cltv_expiry_delta, feeOf }
  }

  /** The payer pays an invoice over the sale's scid. */
  pay({ scid, amount, delta }: Bought, invoice: Pick<Invoice, 'paymentHash'>, lie: { amountOut?: bigint } = {}) {
    return this.world.payer.pay({
      hash: invoice.paymentHash,
      scid,
      amount: lie.amountOut ?? amount,
      ...(lie.amountOut === undefined ? {} : { amountOut: lie.amountOut }),
      amountIn: amount,
      hintDelta: delta,
    })
  }

  /** The sale's state, read from the synced bytes: what a restart would see. */
  state(scid: string): string | undefined {
    const row = this.bytes.get('jit-live')?.get(scid) ?? this.bytes.get('jit-done')?.get(scid)
    return row === undefined ? undefined : JSON.parse(row).record.tag
  }

  /** What the flight record of a sale says happened, in order. */
  steps(scid: string): readonly string[] {
    return [...(this.bytes.get('flight') ?? [])]
      .filter(([key]) => key.startsWith(`${scid}/`))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, row]) => JSON.parse(row).record.what)
  }

  /** What our journal says was earned. */
  journal(): {
    readonly client: string
    readonly paymentHash: string
    readonly circuit: string
    readonly earned: bigint
  }[] {
    const entries = [...(this.bytes.get('journal')?.values() ?? [])].map((row) => JSON.parse(row).record)
    const sales = entries.filter(({ type }) => type === 'jit-fee')
    return sales.map(({ client, paymentHash, circuit, earned }) => {
      return { client, paymentHash, circuit, earned: BigInt(earned) }
    })
  }

  /** What the node earned by its own history, flushed or not. */
  nodeEarned(): bigint {
    return this.world.node.log.settled.reduce((sum, { amountIn, amountOut }) => sum + amountIn - amountOut, 0n)
  }

  /** Blocks come, fundings confirm, nothing is under way any more. */
  async rest(): Promise<void> {
    for (let block = 0; block < 3; block += 1) {
      this.world.mine(1)
      await this.advance(10_000)
    }
    await this.advance(30_000)
  }

  /** Everything that must be true when a story has ended, whatever happened in it. */
  violations(): readonly string[] {
    const booked = this.journal()
    // lnd does not tell the payment hash of what was found again in its history.
    const named = booked.filter(({ paymentHash }) => paymentHash !== '')
    const sales = named.map(({ paymentHash, earned }) => ({ paymentHash, feeMsat: earned }))
    const found = this.world.audit({ atRest: true, sales }).map(({ kind, detail }) => `${kind}: ${detail}`)
    const circuits = new Set(booked.map(({ circuit }) => circuit))
    if (circuits.size !== booked.length) found.push('booked-twice: one HTLC stands in the journal twice')
    const earned = booked.reduce((sum, event) => sum + event.earned, 0n)
    if (earned !== this.nodeEarned())
      found.push(`books: the journal says ${earned}, the node earned ${this.nodeEarned()}`)
    const outboxes = [
      'jit-outbox',
      'orders-outbox',
      'funding-outbox',
      'reclaim-outbox',
      'split-outbox',
      'payout-outbox',
      'batch-outbox',
      'webhooks-outbox',
    ]
    const outbox = outboxes.flatMap((table) => [...(this.bytes.get(table) ?? [])])
    if (outbox.length > 0) found.push(`outbox: ${outbox.map(([key, value]) => `${key} ${value}`).join(', ')}`)
    found.push(...this.#unpromised())
    if (this.fatal !== undefined) found.push(`fatal: ${String(this.fatal)}`)
    return found
  }

  /** Channels that were paid for and stand, and are not in the ledger for as long as they were sold. */
  #unpromised(): readonly string[] {
    return [...(this.bytes.get('jit-done') ?? [])].flatMap(([scid, row]) => {
      const { tag, deal, channel } = JSON.parse(row).record
      if (tag !== 'paid' || this.world.node.channels.all.get(channel.outpoint)?.state !== 'open') return []
      const promise = this.promise(channel.outpoint)
      return promise !== undefined && promise.blocks >= deal.minLifetime
        ? []
        : [`unpromised: ${scid} ${channel.outpoint}`]
    })
  }

  /** The promised lifetime of a channel that stands, as a restart would see it. */
  promise(outpoint: string): { readonly blocks: number; readonly fromHeight?: number } | undefined {
    const row = this.bytes.get('promises-live')?.get(outpoint)
    return row === undefined ? undefined : JSON.parse(row).record
  }
}
