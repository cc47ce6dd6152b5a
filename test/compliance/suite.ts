import { afterAll, afterEach, beforeAll, describe } from 'vitest'
import { closingCases } from './closing-cases.ts'
import { depositCases } from './deposit-cases.ts'
import { fundingCases } from './funding-cases.ts'
import { htlcCases } from './htlc-cases.ts'
import { invoiceCases } from './invoice-cases.ts'
import { detachAll, type NodeUnderTest } from './node-under-test.ts'
import { openCases } from './open-cases.ts'
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

    // Before any wallet is there: they follow the chain, but not back.
    describe('deposits', () => depositCases(world, closing.signal))
    describe('peers and streams', () => streamCases(world, closing.signal))
    describe('funding', () => fundingCases(world, closing.signal))
    describe('channels of other kinds', () => openCases(world, closing.signal))
    describe('closing', () => closingCases(world, closing.signal))
    describe('HTLCs', () => htlcCases(world, closing.signal))
    describe('hold invoices', () => invoiceCases(world, closing.signal))
  })
}
