import { describe, expect, it } from 'vitest'
import type { Sat } from '../../../lsps/base/amount.ts'
import { type Stage, stage } from './stage.ts'

const AMOUNT = 150_000n as Sat

async function paid(at: Stage) {
  const address = await at.port.newAddress(at.signal)
  return { address, pay: () => at.world.deposit({ address, amount: AMOUNT }) }
}

const depths = async (at: Stage, address: string) =>
  (await at.port.receipts({ sinceHeight: 0, wanted: (other) => other === address }, at.signal)).map(
    ({ confirmations }) => confirmations,
  )

describe('what pays to the wallet', () => {
  it('is not seen while the node is away, until it is in a block', async () => {
    const at = stage()
    const { address, pay } = await paid(at)
    at.world.killNode()
    pay()
    at.world.restartNode()
    expect(await depths(at, address)).toEqual([])
    at.world.mine(2)
    expect(await depths(at, address)).toEqual([2])
  })

  it('is read from the blocks that the node missed', async () => {
    const at = stage()
    const { address, pay } = await paid(at)
    pay()
    at.world.killNode()
    at.world.mine(3)
    at.world.restartNode()
    expect(await depths(at, address)).toEqual([3])
  })

  it('is offered to the chain again at a start, when a reorganisation made the chain forget it', async () => {
    const at = stage()
    const { address, pay } = await paid(at)
    pay()
    at.world.mine(1)
    at.world.reorg(1, 'forget')
    expect(await depths(at, address)).toEqual([0])
    at.world.mine(1)
    expect(await depths(at, address)).toEqual([0])
    at.world.killNode()
    at.world.restartNode()
    at.world.mine(1)
    expect(await depths(at, address)).toEqual([1])
  })

  it('can be spent: it is a coin like any other', async () => {
    const at = stage({ coins: [] })
    const { pay } = await paid(at)
    const outpoint = pay()
    expect(await at.port.listUnspent(1, at.signal)).toEqual([])
    at.world.mine(1)
    expect(await at.port.listUnspent(1, at.signal)).toEqual([{ outpoint, amount: AMOUNT, confirmations: 1 }])
  })

  it('is told of with its blocks, and of the wallet’s own transactions too', async () => {
    const at = stage()
    const told: string[] = []
    void at.port.subscribeTransactions(({ txid }) => told.push(txid), at.signal)
    const outputs = [{ address: await at.port.newAddress(at.signal), amount: AMOUNT }]
    const lock = { lockId: 'ab'.repeat(32), lockSeconds: 60, satPerVbyte: 1, minConfs: 1 }
    const psbt = await at.port.fundPsbt({ ...lock, outputs }, at.signal)
    const raw = await at.port.finalizePsbt(psbt, at.signal)
    await at.port.publishTransaction({ raw, label: 'test' }, at.signal)
    at.world.mine(2)
    await at.clock.settle()
    expect(told).toHaveLength(2)
    expect(new Set(told).size).toBe(1)
  })
})
