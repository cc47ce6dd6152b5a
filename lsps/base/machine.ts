/**
 * A pure machine's answer to one event. `ignored` tells why nothing changed; duplicates and late events are normal.
 * `money` are the journal entries that become true with this state: they are committed with it.
 */
export type Step<State, Effect, Money = never> = {
  readonly state: State
  readonly effects: readonly Effect[]
  readonly money: readonly Money[]
  readonly ignored?: string
}

/** The new state, and what must happen because of it. */
export function go<State, Effect = never, Money = never>(
  state: State,
  effects: readonly Effect[] = [],
  money: readonly Money[] = [],
): Step<State, Effect, Money> {
  return { state, effects, money }
}

/** Nothing changes; `reason` goes to the debug log. */
export function stay<State>(state: State, reason: string): Step<State, never> {
  return { state, effects: [], money: [], ignored: reason }
}

/** Makes the compiler prove that a switch is total. */
export function assertNever(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`)
}
