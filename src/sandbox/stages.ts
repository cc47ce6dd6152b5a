import type { Clock } from '../../lsps/base/clock.ts'
import { Refusal, toPortError, unavailable } from './failures.ts'

/**
 * The four moments of a call: it reached the node; the node's state changed; list calls show the change; the caller
 * has its answer. Events and offers that the node sends have only the last one.
 */
export type Stage = 'received' | 'effective' | 'visible' | 'answered'

/** One passage: the `n`th (from 1) use of `call`. */
export type Passage = { readonly call: string; readonly stage: Stage; readonly n: number }

export type StageAction =
  | { readonly type: 'delay'; readonly ms: number }
  /** The connection breaks here: before `effective` nothing happened, after it only the answer is lost. */
  | { readonly type: 'lose' }
  /** The node says no here, whether or not it did it. */
  | { readonly type: 'reject'; readonly detail: string }
  | { readonly type: 'kill-client' }
  | { readonly type: 'kill-node' }

export type StageHook = (passage: Passage) => StageAction | undefined

/** An action for the `n`th use of a call (each use when left out), at one stage. */
export type Fault = {
  readonly call: string
  readonly stage: Stage
  readonly n?: number
  readonly action: StageAction
}

/** One incarnation of the client. */
export type Session = {
  readonly id: number
  alive: boolean
  /** Called once when it dies. */
  readonly onEnd: Set<() => void>
}

export type StageDeps = {
  readonly clock: Clock
  readonly killClient: () => void
  readonly killNode: () => void
}

/** Never settles, but gives up with the caller's signal: a dead client must still be able to stop its own loops. */
export function never(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** Counts, names and disturbs the passages of every call. Costs nothing until something asks for it. */
export class Stages {
  /** Every passage and mark so far, in order; the index is what `killAt` takes. */
  readonly points: string[] = []
  readonly faults: Fault[] = []
  /** Milliseconds that a call takes before the node has it, by the call's name. */
  latencies: Readonly<Record<string, number>> = {}
  #hook: StageHook | undefined
  #killAt: number | undefined
  #recording = false
  readonly #uses = new Map<string, number>()
  readonly #deps: StageDeps

  constructor(deps: StageDeps) {
    this.#deps = deps
  }

  set hook(hook: StageHook | undefined) {
    this.#hook = hook
  }

  /** Starts to list points. */
  record(): void {
    this.#recording = true
  }

  /** The client dies at this index of `points`. */
  killAt(index: number): void {
    this.#killAt = index
    this.#recording = true
  }

  get active(): boolean {
    return this.#recording || this.#hook !== undefined || this.faults.length > 0
  }

  /** The number of this use of `call`. */
  use(call: string): number {
    const n = (this.#uses.get(call) ?? 0) + 1
    this.#uses.set(call, n)
    return n
  }

  /** Lists a point; true when the client died at it. */
  mark(name: string): boolean {
    if (!this.#recording) return false
    this.points.push(name)
    if (this.points.length - 1 !== this.#killAt) return false
    this.#deps.killClient()
    return true
  }

  /**
   * One passage.
   * @throws Refusal (reject) or SidecarError LND_UNAVAILABLE (lose) when a fault says so
   */
  async pass(session: Session, passage: Passage, signal: AbortSignal): Promise<void> {
    if (!session.alive) return
    this.mark(`${passage.call}#${passage.n}:${passage.stage}`)
    const action = this.#hook?.(passage) ?? this.#fault(passage)
    if (action === undefined) return
    switch (action.type) {
      case 'delay':
        return await this.#deps.clock.sleep(action.ms, signal)
      case 'lose':
        throw unavailable(passage.call, 'the connection was lost')
      case 'reject':
        throw new Refusal(action.detail)
      case 'kill-client':
        return this.#deps.killClient()
      case 'kill-node':
        return this.#deps.killNode()
    }
  }

  #fault(passage: Passage): StageAction | undefined {
    const matches = (fault: Fault) =>
      fault.call === passage.call && fault.stage === passage.stage && (fault.n === undefined || fault.n === passage.n)
    return this.faults.find(matches)?.action
  }
}

export type CallDeps = {
  readonly stages: Stages
  readonly clock: Clock
  /** Undefined while the node is down; a new number after each start. */
  readonly epoch: () => number | undefined
  /** The answer comes in another way: there are no stages after `effective`. */
  readonly unanswered?: boolean
}

/** What a call changed besides its result: run when the change becomes visible. */
export type Reveal = (show: () => void) => void

/**
 * Takes one call through its stages. The node's part (`act`) runs at once and whole; what a killed client asked for
 * before it died still becomes visible.
 */
export async function runCall<T>(
  deps: CallDeps,
  session: Session,
  call: string,
  signal: AbortSignal,
  act: (reveal: Reveal) => T,
): Promise<T> {
  signal.throwIfAborted()
  if (!session.alive) return never(signal)
  const latency = deps.stages.latencies[call] ?? 0
  if (latency > 0) await deps.clock.sleep(latency, signal)
  if (!deps.stages.active) return runQuietly(deps, session, call, signal, act)
  const n = deps.stages.use(call)
  const shows: (() => void)[] = []
  const epoch = deps.epoch()
  const pass = async (stage: Stage) => {
    await deps.stages.pass(session, { call, stage, n }, signal)
    if (deps.epoch() !== epoch || epoch === undefined) throw unavailable(call, 'connection refused')
  }
  const showAll = () => {
    for (const show of shows.splice(0)) show()
  }
  try {
    await pass('received')
    if (!session.alive) return await never(signal)
    const result = act((show) => shows.push(show))
    await pass('effective')
    showAll()
    if (deps.unanswered !== true) {
      await pass('visible')
      await pass('answered')
    }
    return session.alive ? result : await never(signal)
  } catch (error) {
    showAll()
    throw session.alive ? toPortError(call, error) : await never(signal)
  }
}

async function runQuietly<T>(
  deps: CallDeps,
  session: Session,
  call: string,
  signal: AbortSignal,
  act: (reveal: Reveal) => T,
): Promise<T> {
  if (deps.epoch() === undefined) throw unavailable(call, 'connection refused')
  const shows: (() => void)[] = []
  try {
    const result = act((show) => shows.push(show))
    for (const show of shows) show()
    return session.alive ? result : await never(signal)
  } catch (error) {
    throw toPortError(call, error)
  }
}
