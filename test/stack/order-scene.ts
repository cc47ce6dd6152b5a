import { expect } from 'vitest'
import { formatOutpoint } from '../../lsps/base/outpoint.ts'
import type { OrderResult } from '../../lsps/lsps1/schema.ts'
import type { OrderRecord } from '../../src/admin/schema-orders.ts'
import type { LifetimePromise } from '../../src/admin/schema-promises.ts'
import { FINAL_CONFIRMATIONS } from '../../src/funding/follow.ts'
import type { MoneyEvent } from '../../src/journal/journal.ts'
import { clockAhead } from './clock.ts'
import { type Network, startNetwork } from './network.ts'
import { chainFeeOf, expectBooksAgree, paidTo, walletSat } from './order-books.ts'
import { OrderingWallet, outpointsTo, receivedAt } from './ordering.ts'
import { Sluiced } from './sluiced.ts'
import { confirmFundings, mineSeen, waitNoLease } from './sold.ts'
import { waitFor } from './wait.ts'

const STEP_MS = 60_000
/** Longer than the pauses after the first and the second refusal of a channel. */
const LONGEST_PAUSE_MS = 61_000

/** A network, a sluiced that sells channels to order, and the wallets of the test that runs. */
export class OrderScene {
  readonly network: Network
  readonly sluiced: Sluiced
  /** What lnd's wallet had before anything was sold, in sat. */
  readonly walletBefore: bigint
  #wallets: OrderingWallet[] = []

  private constructor(network: Network, sluiced: Sluiced, walletBefore: bigint) {
    this.network = network
    this.sluiced = sluiced
    this.walletBefore = walletBefore
  }

  /** `orders`: what of that section of the config differs from the defaults of these tests. */
  static async begin(orders: object = {}): Promise<OrderScene> {
    const network = await startNetwork({ log: (line) => process.stderr.write(`${line}\n`) })
    try {
      const section = { enabled: true, max_initial_client_balance_sat: '500000', ...orders }
      const sluiced = new Sluiced(network, { config: { orders: section } })
      const scene = new OrderScene(network, sluiced, await walletSat(network.lsp))
      await sluiced.start()
      return scene
    } catch (error) {
      await network.stop()
      throw error
    }
  }

  /** A new wallet, connected; `closeWallets` ends it. */
  async newWallet(options?: Parameters<typeof OrderingWallet.connect>[1]): Promise<OrderingWallet> {
    const wallet = await OrderingWallet.connect(this.network, options)
    this.#wallets.push(wallet)
    return wallet
  }

  closeWallets(): void {
    for (const wallet of this.#wallets) wallet.close()
    this.#wallets = []
  }

  async end(): Promise<void> {
    this.closeWallets()
    await this.sluiced.stop()
    await this.network.stop()
  }

  /** Ends sluiced and starts it again. */
  async restart(env?: Parameters<Sluiced['start']>[0]): Promise<void> {
    await this.sluiced.stop()
    await this.sluiced.start(env)
  }

  /** Mines blocks one by one, so that sluiced sees and answers each. */
  mine(count = 1): Promise<void> {
    return mineSeen(this.network, this.sluiced, count)
  }

  /** The LSP has one channel with the wallet, the one of the order, and its funding is published. */
  async expectOneChannel(wallet: OrderingWallet, { channel }: OrderResult): Promise<string> {
    if (channel === null) throw new Error('the order has no channel')
    const outpoint = formatOutpoint(channel.funding_outpoint)
    expect(await outpointsTo(this.network, wallet.wallet.nodeId)).toEqual([outpoint])
    expect(await this.network.btcd.transaction(channel.funding_outpoint.txid)).toBeDefined()
    return outpoint
  }

  async waitUsable({ wallet }: OrderingWallet): Promise<void> {
    await waitFor(() => wallet.channels().some(({ usable }) => usable), {
      deadline: STEP_MS,
      what: 'the ordered channel to be usable',
    })
  }

  /** lnd knows that the wallet is away. */
  async waitGone({ wallet }: OrderingWallet): Promise<void> {
    await this.network.waitGone(wallet.nodeId)
  }

  /** Resolves with the promise of a channel, which may be gone, once it is so. */
  waitPromise(outpoint: string, is: (promise: LifetimePromise) => boolean, what: string): Promise<LifetimePromise> {
    return waitFor(
      async () => (await this.sluiced.promises()).find((promise) => promise.outpoint === outpoint && is(promise)),
      { deadline: STEP_MS, what: `the promise of ${outpoint} ${what}` },
    )
  }

  /** A payment to the order's address has been seen; nothing need have come of it. */
  waitSeen(orderId: string, deposits = 1): Promise<OrderRecord> {
    const isSeen = ({ onchain }: OrderRecord) => onchain?.deposits.length === deposits
    return this.sluiced.waitForOrder(orderId, isSeen, `to have ${deposits} payments on chain`)
  }

  /**
   * What came for an order is in a block: waits until so much of it is published as refunds to the address, mines until
   * they are final, and holds them against the chain and the customer's own wallet, to the satoshi. In any order.
   */
  async expectRefunds(orderId: string, to: string, amounts: readonly bigint[]): Promise<OrderRecord> {
    const { network, sluiced } = this
    const isAt = (stages: readonly string[]) => (order: OrderRecord) => {
      const refunds = refundsOf(order)
      return refunds.length === amounts.length && refunds.every(({ stage }) => stages.includes(stage))
    }
    const what = `to have ${amounts.length} refunds`
    await sluiced.waitForOrder(orderId, isAt(['sent', 'done']), `${what} that are published`)
    await this.mine(FINAL_CONFIRMATIONS)
    const order = await sluiced.waitForOrder(orderId, isAt(['done']), `${what} that are final`)
    const refunds = refundsOf(order)
    expect(sorted(refunds.map(({ amount_sat }) => BigInt(amount_sat)))).toEqual(sorted(amounts))
    const arrived: bigint[] = []
    for (const { txid = '', amount_sat, chain_fee_sat = '0' } of refunds) {
      const less = BigInt(amount_sat) - BigInt(chain_fee_sat)
      expect(await paidTo(network.btcd, txid, to)).toContain(less)
      expect(await chainFeeOf(network.btcd, txid)).toBe(BigInt(chain_fee_sat))
      arrived.push(less)
    }
    expect(sorted(await receivedAt(network.payer, to))).toEqual(sorted(arrived))
    return order
  }

  /** Ends sluiced with everything deep in the chain, and holds its books against lnd and the chain. */
  async expectBooks(): Promise<readonly MoneyEvent[]> {
    const { network, sluiced } = this
    await confirmFundings(network, sluiced)
    await waitNoLease(network.lsp)
    await sluiced.waitIdle()
    await sluiced.stop()
    return expectBooksAgree(network, sluiced, this.walletBefore)
  }
}

/** Waits while the client refuses its channel three times: sluiced's clock is set ahead over the pauses between. */
export async function refusedForGood(sluiced: Sluiced, orderId: string): Promise<void> {
  for (const times of [1, 2]) {
    const isRefused = ({ state, failures }: OrderRecord) =>
      state === 'paid' && failures.filter(({ reason }) => reason === 'client-refused').length === times
    await sluiced.waitForOrder(orderId, isRefused, `to have been refused ${times} times by its client`)
    await sluiced.stop()
    await sluiced.start(clockAhead(times * LONGEST_PAUSE_MS))
  }
  await sluiced.waitForOrder(orderId, ({ state }) => state === 'failed', 'to fail: its client refuses every channel')
}

type Refund = NonNullable<NonNullable<OrderRecord['onchain']>['deposits'][number]['refund']>

/** What is too little to be sent is none. */
function refundsOf({ onchain }: OrderRecord): readonly Refund[] {
  return (onchain?.deposits ?? []).flatMap(({ refund }) =>
    refund === undefined || refund.stage === 'dust' ? [] : [refund],
  )
}

function sorted(amounts: readonly bigint[]): readonly bigint[] {
  return amounts.toSorted((a, b) => (a < b ? -1 : Number(a > b)))
}
