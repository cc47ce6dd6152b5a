import { networkInterfaces } from 'node:os'
import { createSecureContext, rootCertificates } from 'node:tls'
import type { Clock } from '../../../lsps/base/clock.ts'
import type { AddressRules, Loopback } from './addresses.ts'
import { Connections } from './connections.ts'
import { type Dial, dial } from './dialer.ts'
import { type Conduct, type LaneLimits, Lanes, noConducts } from './lanes.ts'
import { noAnswer, type Outcome, Undelivered } from './outcome.ts'
import { type Resolve, systemResolver } from './resolver.ts'
import { type Message, type SenderDeps, send } from './sender.ts'
import { judgeUrl, type Target } from './target.ts'
import type { HttpProxy } from './tunnel.ts'

/**
 * `wake-up`: something waits for the client. `registration`: it is told that its webhook was set, which any peer can
 * have us say to any host as often as it sets one.
 */
export type Occasion = 'wake-up' | 'registration'

/**
 * Each occasion has places of its own, so that no wake-up ever waits for a registration. Of the wake-ups: enough for a
 * thousand per second to hosts that take a third of a second, while others hang.
 */
export const DELIVERY_LIMITS: Readonly<Record<Occasion, LaneLimits>> = {
  'wake-up': {
    inFlight: 512,
    inFlightUnproven: 256,
    perHost: 16,
    perUnprovenHost: 2,
    waiting: 8_192,
    waitingUnproven: 4_096,
    waitingPerHost: 512,
    waitMs: 10_000,
  },
  registration: {
    inFlight: 64,
    inFlightUnproven: 48,
    perHost: 8,
    perUnprovenHost: 2,
    waiting: 1_024,
    waitingUnproven: 512,
    waitingPerHost: 128,
    waitMs: 10_000,
  },
}

export type DeliveryConfig = {
  /** `allowed` on regtest only; see `deliveryWarning`. */
  readonly loopback: Loopback
  /** An HTTP proxy through which everything goes. It looks names up by itself, see `openTunnel`. */
  readonly proxy?: HttpProxy
  /** PEM; trusted beside the authorities that Node ships. */
  readonly trusted?: string
}

export type DeliveryDeps = {
  readonly clock: Clock
  readonly resolve: Resolve
  readonly dial: Dial
  /** Of this machine. */
  readonly addresses: () => readonly string[]
}

export type Delivering = {
  /** As the wallet registered it. */
  readonly url: string
  readonly occasion: Occasion
  /** What is on record of what its host did last time. */
  readonly lastTime: Conduct
  /** Called when it is the host's turn, so that what it signs is fresh; what it throws is thrown on. */
  readonly compose: (signal: AbortSignal) => Promise<Message>
  readonly signal: AbortSignal
}

/** What the machine has for it. */
export function systemDelivery(clock: Clock): DeliveryDeps {
  return { clock, resolve: systemResolver(), dial, addresses: interfaceAddresses }
}

/** Sends notifications to where wallets say, which may be anywhere: safely, and so that none waits for another. */
export class Delivery {
  readonly #config: DeliveryConfig
  readonly #lanes: Readonly<Record<Occasion, Lanes>>
  readonly #sender: SenderDeps

  constructor(deps: DeliveryDeps, config: DeliveryConfig, limits = DELIVERY_LIMITS) {
    const { clock, resolve, dial, addresses } = deps
    const { loopback, proxy, trusted } = config
    const rules = (): AddressRules => ({ loopback, own: addresses() })
    const ca = trusted === undefined ? undefined : [...rootCertificates, trusted]
    const context = createSecureContext({ minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) })
    this.#config = config
    const conducts = noConducts()
    const lanesOf = (occasion: Occasion) => new Lanes(limits[occasion], clock, conducts)
    this.#lanes = { 'wake-up': lanesOf('wake-up'), registration: lanesOf('registration') }
    this.#sender = { connections: new Connections({ resolve, dial, clock, rules, context, proxy }), clock }
  }

  get inFlight(): number {
    return this.#lanes['wake-up'].inFlight + this.#lanes.registration.inFlight
  }

  get waiting(): number {
    return this.#lanes['wake-up'].waiting + this.#lanes.registration.waiting
  }

  /**
   * One attempt.
   * @throws what `compose` throws, or the reason of the signal
   */
  async deliver(delivering: Delivering): Promise<Outcome> {
    const { loopback, proxy } = this.#config
    const judged = judgeUrl(delivering.url, { loopback, reached: proxy === undefined ? 'by-address' : 'by-name' })
    if ('refused' in judged) return noAnswer('refused', judged.refused)
    return await this.#deliver(judged.target, delivering)
  }

  /** Ends all connections; what is under way ends without an answer. */
  close(): void {
    this.#sender.connections.close(new Undelivered('broken', 'sluiced is stopping'))
  }

  async #deliver(target: Target, { occasion, lastTime, compose, signal }: Delivering): Promise<Outcome> {
    const { host, origin } = target
    const pass = await this.#lanes[occasion].enter({ host, origin, lastTime }, signal)
    if (pass === undefined) return noAnswer('busy', 'too much waits for its host, or for all')
    try {
      const { outcome, over } = await send({ target, message: await compose(signal), signal }, this.#sender)
      const conduct = outcome.kind === 'answered' ? 'answered' : 'silent'
      over.then(() => pass.leave(conduct)).catch(() => undefined)
      return outcome
    } catch (error) {
      pass.leave('unknown')
      throw error
    }
  }
}

function interfaceAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))
}
