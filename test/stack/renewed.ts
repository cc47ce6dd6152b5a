import { afterAll, afterEach, beforeAll } from 'vitest'

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
