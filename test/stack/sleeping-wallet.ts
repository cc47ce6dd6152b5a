import { createHmac, randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { webhookClient } from '../../lsps/lsps5/client.ts'
import type { SetWebhookResult } from '../../lsps/lsps5/schema.ts'
import { Wallet } from './ldk/wallet.ts'
import { type LdkNodeEvent, LdkNodeWallet } from './ldk-node-wallet.ts'
import type { Network } from './network.ts'
import { lspClient } from './purchase.ts'
import type { PushRelay } from './push-relay.ts'
import { waitFor } from './wait.ts'

const STEP_MS = 60_000
const SEED_BYTES = 64
const LDK_SEED_BYTES = 32

export type SleepingOptions = {
  /** What `ensureLdkNode` gave. */
  readonly program: string
  readonly network: Network
  /** Also the name of its device at the relay. */
  readonly name: string
  /** Where its webhook is. */
  readonly relay: PushRelay
}

/** An unmodified ldk-node whose process ends and is started again by its webhook, as a phone does with an app. */
export class SleepingWallet {
  readonly name: string
  readonly nodeId: string
  /** When its process was started, by the system's clock: each time that it was. */
  readonly startedAt: number[] = []
  /** Whether a push starts it: a phone may be off. */
  answersPushes = true
  readonly #options: SleepingOptions
  readonly #ldkSeed: Uint8Array
  #running: Promise<LdkNodeWallet> | undefined

  private constructor(options: SleepingOptions, ldkSeed: Uint8Array, nodeId: string) {
    this.name = options.name
    this.nodeId = nodeId
    this.#options = options
    this.#ldkSeed = ldkSeed
  }

  /** A new wallet that is not started yet. */
  static async create(options: SleepingOptions): Promise<SleepingWallet> {
    const { network, name } = options
    const seed = randomBytes(SEED_BYTES)
    const storage = join(network.folder, name)
    await mkdir(storage, { recursive: true })
    await writeFile(join(storage, 'keys_seed'), seed)
    const ldkSeed = ldkSeedOf(seed)
    const itself = await Wallet.create({ btcd: network.btcd, seed: ldkSeed })
    itself.close()
    return new SleepingWallet(options, ldkSeed, itself.nodeId)
  }

  /**
   * Registers a webhook at a relay, by which the wallet is started. ldk-node 0.7.1 knows nothing of webhooks: its key
   * does it over a connection of its own, while ldk-node does not run and before it has a channel: this connection knows
   * of none, and lnd would close it.
   */
  async register(relay = this.#options.relay, appName = this.name): Promise<SetWebhookResult> {
    const { network } = this.#options
    const webhook = relay.urlOf(this.name, (method) => {
      if (method !== 'lsps5.webhook_registered' && this.answersPushes) void this.wake()
    })
    const wallet = await Wallet.create({ btcd: network.btcd, seed: this.#ldkSeed })
    try {
      await wallet.connect({ nodeId: network.lsp.nodeId, host: '127.0.0.1', port: network.lsp.p2pPort })
      return await setWebhook(wallet, network, { app_name: appName, webhook })
    } finally {
      wallet.close()
      await network.waitGone(this.nodeId)
    }
  }

  /** The process, started unless it runs or is about to. */
  wake(): Promise<LdkNodeWallet> {
    if (this.#running === undefined) {
      this.startedAt.push(Date.now())
      this.#running = LdkNodeWallet.start(this.#options)
      // Whoever waits for the wallet hears of it; nobody waits for a push.
      this.#running.catch(() => undefined)
    }
    return this.#running
  }

  /** Resolves with the process once somebody started it. */
  async waitAwake(): Promise<LdkNodeWallet> {
    await waitFor(() => this.#running !== undefined, {
      deadline: STEP_MS,
      pollMs: 5,
      what: `${this.name} to be started`,
    })
    return await this.wake()
  }

  get isAwake(): boolean {
    return this.#running !== undefined
  }

  /** Ends the process, and waits until lnd knows that the wallet is gone. */
  async sleep(): Promise<void> {
    await this.stop()
    await this.#options.network.waitGone(this.nodeId)
  }

  /** Resolves when it says that it was paid. */
  async waitPaid(paymentHash: string): Promise<Extract<LdkNodeEvent, { type: 'payment_received' }>> {
    const wallet = await this.waitAwake()
    const event = await wallet.waitForEvent(
      (one) => one.type === 'payment_received' && one.payment_hash === paymentHash,
      `${this.name} to say that it was paid`,
    )
    return event as Extract<LdkNodeEvent, { type: 'payment_received' }>
  }

  async stop(): Promise<void> {
    const running = this.#running
    const wallet = await running?.catch(() => undefined)
    await wallet?.stop()
    if (this.#running === running) this.#running = undefined
  }
}

/** Registers a webhook over the connection of a wallet of the harness. */
export async function setWebhook(
  wallet: Wallet,
  network: Network,
  webhook: { readonly app_name: string; readonly webhook: string },
): Promise<SetWebhookResult> {
  const client = lspClient(wallet, network)
  try {
    return await webhookClient({ client }).set(webhook, AbortSignal.timeout(STEP_MS))
  } finally {
    client.close()
  }
}

/** What ldk-node makes of its `keys_seed`: the private key of BIP 32's root, as seed of LDK's own keys. */
function ldkSeedOf(seed: Uint8Array): Uint8Array {
  return Uint8Array.from(createHmac('sha512', 'Bitcoin seed').update(seed).digest().subarray(0, LDK_SEED_BYTES))
}
