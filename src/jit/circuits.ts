import type { Msat } from '../../lsps/base/amount.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import type { CircuitKey } from '../lnd/port.ts'
import { openParts } from './parts.ts'
import type { Sale } from './states.ts'

/** Which sale a circuit belongs to, and what lnd said it forwarded of it; bounded by the parts of live sales. */
export class Circuits {
  readonly #sales = new Map<CircuitKey, Scid>()
  readonly #forwardedAs = new Map<CircuitKey, Msat>()

  saleOf(circuit: CircuitKey): Scid | undefined {
    return this.#sales.get(circuit)
  }

  forwardedAs(circuit: CircuitKey): Msat | undefined {
    return this.#forwardedAs.get(circuit)
  }

  /** Nothing happens for a circuit that no live sale counts on. */
  setForwarded(circuit: CircuitKey, amountOut: Msat): void {
    if (this.#sales.has(circuit)) this.#forwardedAs.set(circuit, amountOut)
  }

  clear(): void {
    this.#sales.clear()
    this.#forwardedAs.clear()
  }

  /** Follows a sale from one state to the next. */
  follow(scid: Scid, before: Sale | undefined, sale: Sale): void {
    const now = new Set(openParts(sale).map(({ circuit }) => circuit))
    for (const { circuit } of before === undefined ? [] : openParts(before)) {
      if (now.has(circuit)) continue
      this.#sales.delete(circuit)
      this.#forwardedAs.delete(circuit)
    }
    for (const circuit of now) this.#sales.set(circuit, scid)
  }
}
