import { Transaction } from 'bitcoinjs-lib'
import { expect, it } from 'vitest'
import type { Sat } from '../../lsps/base/amount.ts'
import type { Receipt } from '../../src/lnd/port.ts'
import { type NodeUnderTest, settled, until } from './node-under-test.ts'

const AMOUNT = 150_000n as Sat

/** Payments to addresses of the wallet: what it knows of them, and when. */
export function depositCases(world: () => NodeUnderTest, signal: AbortSignal): void {
  const receipts = (addresses: readonly string[], sinceHeight = 0): Promise<readonly Receipt[]> =>
    world().port.receipts({ sinceHeight, wanted: (address) => addresses.includes(address) }, signal)
  const confirmations = async (address: string) => {
    const found = await receipts([address])
    return found.map((receipt) => receipt.confirmations)
  }
  const newDeposit = async () => {
    const node = world()
    const address = await settled(node, 'NextAddr', node.port.newAddress(signal))
    const outpoint = await node.deposit({ address, amount: AMOUNT })
    await until(node, 'the deposit', async () => (await receipts([address])).length === 1)
    return { address, outpoint }
  }
  const confirmed = (address: string) =>
    until(world(), 'a confirmation of the deposit', async () => (await confirmations(address))[0] === 1)
  const height = async () => (await world().port.getInfo(signal)).blockHeight

  it('are told of and listed at once, then with each confirmation, at the addresses that are wanted', async () => {
    const node = world()
    const told: string[] = []
    const subscribed = new AbortController()
    const stream = node.port.subscribeTransactions(({ txid }) => told.push(txid), subscribed.signal)
    await settled(node, 'getInfo', node.port.getInfo(signal))
    const { address, outpoint } = await newDeposit()
    const [txid = ''] = outpoint.split(':')
    const [receipt] = await receipts([address])
    expect(receipt).toMatchObject({ outpoint, address, amount: AMOUNT, confirmations: 0 })
    expect(Transaction.fromHex(receipt?.rawTx ?? '').getId()).toBe(txid)
    await until(node, 'the hint of the deposit', () => told.filter((id) => id === txid).length === 1)
    await node.mine(1)
    await until(node, 'the hint of its block', () => told.filter((id) => id === txid).length === 2)
    await confirmed(address)
    await node.mine(2)
    expect(await confirmations(address)).toEqual([3])
    expect(await receipts(['bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202'])).toEqual([])
    subscribed.abort()
    await stream
  })

  it('come from the given height on, and from the mempool', async () => {
    const node = world()
    const first = await newDeposit()
    await node.mine(1)
    const at = await height()
    const second = await newDeposit()
    const seen = async (sinceHeight: number) =>
      (await receipts([first.address, second.address], sinceHeight)).map(({ outpoint }) => outpoint).toSorted()
    expect(await seen(at)).toEqual([first.outpoint, second.outpoint].toSorted())
    expect(await seen(at + 1)).toEqual([second.outpoint])
    await node.mine(1)
    expect(await seen(at + 1)).toEqual([second.outpoint])
  })

  it('of several transactions to one address are several', async () => {
    const node = world()
    const { address, outpoint } = await newDeposit()
    const other = await node.deposit({ address, amount: (2n * AMOUNT) as Sat })
    const both = await until(node, 'the second deposit', async () => {
      const found = await receipts([address])
      return found.length === 2 ? found : undefined
    })
    expect(new Map(both.map((receipt) => [receipt.outpoint, receipt.amount]))).toEqual(
      new Map([
        [outpoint, AMOUNT],
        [other, 2n * AMOUNT],
      ]),
    )
    await node.mine(1)
  })

  it('stand beside what replaced them, until one of the two is mined', async () => {
    const node = world()
    const { address, outpoint } = await newDeposit()
    const replacement = await node.replaceDeposit(outpoint, { address, amount: (2n * AMOUNT) as Sat })
    const seen = async () => (await receipts([address])).map((receipt) => receipt.outpoint).toSorted()
    await until(node, 'the replacement', async () => (await seen()).includes(replacement))
    expect(await seen()).toEqual([outpoint, replacement].toSorted())
    await node.mine(1)
    await until(node, 'the replacement alone', async () => (await seen()).length === 1)
    expect(await receipts([address])).toMatchObject([{ outpoint: replacement, confirmations: 1 }])
  })

  it('that somebody took back are listed without a confirmation until the node starts again', async () => {
    const node = world()
    const { address, outpoint } = await newDeposit()
    const [txid = ''] = outpoint.split(':')
    const kept = await newDeposit()
    await node.replaceDeposit(outpoint)
    await node.mine(1)
    const coins = async () => (await node.port.listUnspent(0, signal)).map((coin) => coin.outpoint)
    await confirmed(kept.address)
    expect(await confirmations(address)).toEqual([0])
    // It even looks like a coin: nothing unconfirmed that somebody else paid may be spent.
    expect(await coins()).toEqual(expect.arrayContaining([outpoint, kept.outpoint]))
    expect(await node.port.confirmations(txid, signal)).toBe(0)
    await node.restart()
    await until(node, 'the deposit to be forgotten', async () => (await confirmations(address)).length === 0)
    expect(await confirmations(kept.address)).toEqual([1])
    expect(await coins()).not.toContain(outpoint)
    expect(await node.port.confirmations(txid, signal)).toBeUndefined()
    expect(await node.port.rawTransaction(txid, signal)).toBeUndefined()
  })

  it('lose their confirmations when their block is replaced, and get them again', async () => {
    const node = world()
    const { address, outpoint } = await newDeposit()
    await node.mine(1)
    await confirmed(address)
    await node.reorganise(1)
    await until(node, 'the deposit to be unconfirmed', async () => (await confirmations(address))[0] === 0)
    await node.mine(2)
    await until(node, 'its block', async () => (await confirmations(address))[0] === 2)
    expect(await receipts([address])).toMatchObject([{ outpoint, amount: AMOUNT }])
  })
}
