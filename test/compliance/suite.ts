import { afterAll, afterEach, beforeAll, describe } from 'vitest'
import { closingCases } from './closing-cases.ts'
import { fundingCases } from './funding-cases.ts'
import { htlcCases } from './htlc-cases.ts'
import { detachAll, type NodeUnderTest } from './node-under-test.ts'
import { streamCases } from './stream-cases.ts'

/**
 * What every implementation of the node port must do. Runs on the simulated node and on a real lnd; where they differ,
 * lnd is right and the sandbox is changed. One node serves all cases: each takes new wallets, ids and scids.
 */
export function describeNodePort(name: string, createWorld: () => Promise<NodeUnderTest>): void {
  describe(`node port: ${name}`, () => {
    let node: NodeUnderTest | undefined
    const closing = new AbortController()
    const world = (): NodeUnderTest => {
      if (node === undefined) throw new Error('the node did not start')
      return node
    }

    beforeAll(async () => {
      node = await createWorld()
    })
    afterEach(detachAll)
    afterAll(async () => {
      closing.abort()
      await node?.dispose()
    })

    describe('peers and streams', () => streamCases(world, closing.signal))
    describe('funding', () => fundingCases(world, closing.signal))
    describe('closing', () => closingCases(world, closing.signal))
    describe('HTLCs', () => htlcCases(world, closing.signal))
  })
}
