import { describe, expect, it } from 'vitest'
import { type Sat, sat } from '../../../lsps/base/amount.ts'
import { type Log, silentLog } from '../../../src/kernel/log.ts'
import type { Receipt as LndReceipt } from '../../../src/lnd/port.ts'
import { AddressWatch, LOOK_MS, type Looked, REORG_MARGIN, RETRY_MS } from '../../../src/orders/address-watch.ts'
import { MAX_DEPOSITS } from '../../../src/orders/onchain.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'

const SINCE = 800_000
const txid = (n: number) => n.toString(16).padStart(64, '0')

/** Its raw form names what it spends, and whether it may be replaced. */
const receipt = (
  n: number,
  address: string,
  confirmations: number,
  over: { spends?: string; rbf?: true } = {},
): LndReceipt => ({
  outpoint: `${txid(n)}:0` as LndReceipt['outpoint'],
  address,
  amount: sat(1_000n) as Sat,
  confirmations,
  rawTx: JSON.stringify({ inputs: [over.spends ?? `coin-${n}`], rbf: over.rbf ?? false }),
})

function setUp() {
  const clock = new ManualClock()
  const lists: (readonly LndReceipt[] | Error)[] = []
  const asked: number[] = []
  const lookups: string[] = []
  const looked: Looked[] = []
  const logged: { readonly message: string; readonly fields: object }[] = []
  const log: Log = { ...silentLog, error: (fields: object, message: string) => void logged.push({ message, fields }) }
  const orderOf = new Map([
    ['address-a', 'order-a'],
    ['address-b', 'order-b'],
  ])
  const watch = new AddressWatch({
    lnd: {
      receipts: async ({ sinceHeight, wanted }) => {
        asked.push(sinceHeight)
        const list = (lists.length > 1 ? lists.shift() : lists[0]) ?? []
        if (list instanceof Error) throw list
        return list.filter(({ address }) => wanted(address))
      },
    },
    clock,
    log,
    readTransaction: (raw) => {
      const { inputs, rbf } = JSON.parse(raw) as { readonly inputs: readonly string[]; readonly rbf: boolean }
      return { inputs, signalsReplacement: rbf }
    },
    orderAt: async (address) => {
      lookups.push(address)
      return orderOf.get(address)
    },
    since: () => SINCE,
    onLooked: async (found) => void looked.push(found),
  })
  const look = async () => {
    await watch.look(new AbortController().signal)
    return looked.at(-1)
  }
  const told = (order: string) =>
    looked
      .at(-1)
      ?.byOrder.get(order)
      ?.map(({ confirmations, replaceable }) => [confirmations, replaceable])
  return { clock, watch, lists, asked, lookups, looked, logged, look, told }
}

describe('a look at the addresses of orders', () => {
  it('tells each order of all that stands at its address, from before where a reorganisation may reach', async () => {
    const { lists, asked, look } = setUp()
    lists.push([receipt(1, 'address-a', 3), receipt(2, 'address-b', 1), receipt(3, 'address-a', 0)])
    const found = await look()
    expect(asked).toEqual([SINCE - REORG_MARGIN])
    expect(found?.since).toBe(SINCE - REORG_MARGIN)
    expect(found?.byOrder.get('order-a')?.map(({ outpoint }) => outpoint)).toEqual([`${txid(1)}:0`, `${txid(3)}:0`])
    expect(found?.byOrder.get('order-b')).toHaveLength(1)
  })

  it('asks once about an address that is no order’s', async () => {
    const { lists, lookups, look } = setUp()
    lists.push([receipt(1, 'address-of-nobody', 1)])
    await look()
    await look()
    expect(lookups).toEqual(['address-of-nobody'])
  })

  it('takes an unconfirmed payment for replaceable when it says so, or when another one spends its coins [L1-75]', async () => {
    const { lists, look, told } = setUp()
    lists.push([receipt(1, 'address-a', 0, { rbf: true })], [receipt(1, 'address-a', 0)])
    await look()
    expect(told('order-a')).toEqual([[0, true]])
    await look()
    expect(told('order-a')).toEqual([[0, false]])
    lists.splice(0, lists.length, [
      receipt(1, 'address-a', 0, { spends: 'one coin' }),
      receipt(2, 'address-of-nobody-we-know', 0, { spends: 'one coin' }),
    ])
    for (let times = 0; times < 2; times += 1) {
      await look()
      expect(told('order-a')).toEqual([[0, true]])
    }
  })

  it('does not take two outputs of one transaction for rivals', async () => {
    const { lists, look, told } = setUp()
    const one = receipt(1, 'address-a', 0)
    lists.push([one, { ...one, outpoint: `${txid(1)}:1` as LndReceipt['outpoint'], address: 'address-b' }])
    await look()
    expect(told('order-a')).toEqual([[0, false]])
    expect(told('order-b')).toEqual([[0, false]])
  })

  it('takes what is in a block for what it is', async () => {
    const { lists, look, told } = setUp()
    lists.push([receipt(1, 'address-a', 1, { rbf: true })])
    await look()
    expect(told('order-a')).toEqual([[1, false]])
  })

  it('tells the operator, once, of an address with more outputs than are dealt with', async () => {
    const { lists, logged, look } = setUp()
    const many = (count: number) => Array.from({ length: count }, (_, n) => receipt(n + 1, 'address-a', 1))
    lists.push(many(MAX_DEPOSITS), many(MAX_DEPOSITS + 1))
    await look()
    expect(logged).toEqual([])
    await look()
    await look()
    expect(logged).toMatchObject([{ fields: { order: 'order-a', outputs: MAX_DEPOSITS + 1 } }])
  })
})

describe('the watch of addresses', () => {
  it('looks at once, when it is asked to, and from time to time', async () => {
    const { clock, watch, looked } = setUp()
    const stopping = new AbortController()
    const running = watch.run(stopping.signal)
    await clock.settle()
    expect(looked).toHaveLength(1)
    watch.ask()
    await clock.settle()
    expect(looked).toHaveLength(2)
    await clock.advance(LOOK_MS)
    await clock.settle()
    expect(looked.length).toBeGreaterThan(2)
    stopping.abort(new Error('stopping'))
    await running
    await clock.settle()
    expect(clock.sleeping).toBe(0)
  })

  it('looks again soon after a look that failed', async () => {
    const { clock, watch, looked, lists } = setUp()
    lists.push(new Error('lnd is away'), [receipt(1, 'address-a', 1)])
    const stopping = new AbortController()
    const running = watch.run(stopping.signal)
    await clock.settle()
    expect(looked).toHaveLength(0)
    await clock.advance(RETRY_MS)
    await clock.settle()
    expect(looked).toHaveLength(1)
    stopping.abort(new Error('stopping'))
    await running
  })
})
