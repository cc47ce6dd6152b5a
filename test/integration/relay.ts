import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { type NotificationVerdict, verifyNotification } from '../../lsps/lsps5/verify.ts'
import type { World } from '../../src/sandbox/world.ts'
import type { DeliveryPort } from '../../src/waking.ts'
import type { Outcome } from '../../src/webhooks/delivery/outcome.ts'

/** A call as it came, and what a wallet's server says of it. */
export type RelayCall = {
  readonly url: string
  readonly method: string
  readonly at: Timestamp
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  readonly verdict: NotificationVerdict
}

type Answer = (call: RelayCall) => Outcome | Promise<Outcome>

const OK: Outcome = { kind: 'answered', status: 200 }

/**
 * The servers of all wallets, in simulated time. The sidecar may die right before a call comes, and when it has come and
 * nobody has heard the answer: points `post#n:before` and `post#n:received` of the world.
 */
export class Relay {
  readonly calls: RelayCall[] = []
  /** Hears of each call, when it has come. */
  onCall: (call: RelayCall) => void = () => undefined
  answer: Answer = () => OK
  #world: World | undefined
  #posts = 0

  join(world: World): void {
    this.#world = world
  }

  /** For one incarnation of the sidecar. */
  port(): DeliveryPort {
    return {
      deliver: async ({ url, compose, signal }) => {
        const { headers, body } = await compose(signal) // never comes back to one that is dead
        const world = this.#world
        if (world === undefined) throw new Error('the relay is in no world')
        this.#posts += 1
        const post = this.#posts
        if (world.mark(`post#${post}:before`)) return await never()
        const call = read({ url, headers, body, at: world.clock.now() }, world.node.nodeId)
        this.calls.push(call)
        this.onCall(call)
        if (world.mark(`post#${post}:received`)) return await never()
        return await this.answer(call)
      },
      close: () => undefined,
    }
  }

  /** What was said to one URL, without the prefix. */
  methods(url: string): readonly string[] {
    return this.calls.filter((call) => call.url === url).map(({ method }) => method.replace('lsps5.', ''))
  }
}

function read(call: Omit<RelayCall, 'method' | 'verdict'>, lsp: NodeId): RelayCall {
  const { 'x-lsps5-timestamp': timestamp, 'x-lsps5-signature': signature } = call.headers
  const verdict = verifyNotification({ timestamp, signature, body: call.body }, { lsp, now: call.at })
  return { ...call, method: JSON.parse(call.body).method, verdict }
}

function never(): Promise<never> {
  return new Promise(() => undefined)
}
