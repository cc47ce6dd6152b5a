import { afterAll, afterEach, beforeAll } from 'vitest'
import { type Network, startNetwork } from './network.ts'
import { Sluiced, type SluicedOptions } from './sluiced.ts'

/**
 * What the tests of a file share. A failed test leaves transactions that wait, payments that are held and records that
 * end nowhere: those after it begin anew. To be called before the file's own `afterEach`, which then runs first.
 */
export function renewedAfterFailure(shared: {
  readonly begin: () => Promise<void>
  readonly end: () => Promise<void>
}): void {
  beforeAll(shared.begin)
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return
    await shared.end()
    await shared.begin()
  })
  afterAll(shared.end)
}

/** A network, and a sluiced that sells on it. */
type Selling = { readonly network: Network; readonly sluiced: Sluiced }

/** `renewedAfterFailure` for a network with a sluiced that serves. `current` is what is to be stopped at the end. */
export function renewedSelling(shared: {
  readonly network?: Parameters<typeof startNetwork>[0]
  /** Asked at each beginning: tests may have started sluiced with others since. */
  readonly options?: () => SluicedOptions
  /** Keeps what has begun; sluiced is not started yet. */
  readonly begun: (selling: Selling) => void
  readonly current: () => Partial<Selling>
}): void {
  renewedAfterFailure({
    begin: async () => {
      const network = await startNetwork({ log: (line) => process.stderr.write(`${line}\n`), ...shared.network })
      const sluiced = new Sluiced(network, shared.options?.())
      shared.begun({ network, sluiced })
      await sluiced.start()
    },
    end: async () => {
      const { network, sluiced } = shared.current()
      await sluiced?.stop()
      await network?.stop()
    },
  })
}
