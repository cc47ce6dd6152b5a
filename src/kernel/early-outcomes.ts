/**
 * What was begun beside the commit that decides it, until its effect takes the outcome: once. After a crash, or when it
 * failed and is tried again, the effect finds nothing here and does all of it by itself. Bounded by the effects that
 * are owed: each takes its own a moment later.
 */
export class EarlyOutcomes<Outcome> {
  readonly #begun = new Map<string, Promise<Outcome>>()

  begin(key: string, outcome: Promise<Outcome>): void {
    outcome.catch(() => undefined) // the effect hears of it
    this.#begun.set(key, outcome)
  }

  take(key: string): Promise<Outcome> | undefined {
    const outcome = this.#begun.get(key)
    this.#begun.delete(key)
    return outcome
  }
}
