import type { Timestamp } from '../../lsps/base/datetime.ts'

/** Addresses and public keys whose unpaid orders are remembered; the one that ordered longest ago is forgotten first. */
export const MAX_TRACKED_ORDERERS = 20_000

export type UnpaidLimits = { readonly perAddress: number; readonly perPublicKey: number }

export type Orderer = { readonly address: string; readonly publicKey: string }

/** An order that is being made: exactly one of its two ends must be said. */
export type Place = {
  readonly made: (orderId: string, payableUntil: Timestamp) => void
  readonly given: () => void
}

type Unpaid = { readonly orderId: string; readonly until: Timestamp }
type Account = { making: number; unpaid: readonly Unpaid[] }

/**
 * How many orders of one address, and for one public key, wait for their payment: each costs us an invoice, an address
 * and a record. Kept in memory: after a restart everybody starts anew, within what the orders allow in all.
 */
export class UnpaidOrders {
  readonly #limits: UnpaidLimits
  readonly #accounts = new Map<string, Account>()

  constructor(limits: UnpaidLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#accounts.size
  }

  /** A place for one more order; else what the caller is told, and which orders stand in the way. */
  reserve(
    { address, publicKey }: Orderer,
    now: Timestamp,
  ): Place | { readonly refusal: string; readonly inTheWay: readonly string[] } {
    const { perAddress, perPublicKey } = this.#limits
    const wanted = [
      { account: this.#account(`address ${address}`, now), most: perAddress, whose: 'from your address' },
      { account: this.#account(`key ${publicKey}`, now), most: perPublicKey, whose: 'for this public_key' },
    ]
    for (const { account, most, whose } of wanted) {
      if (account.making + account.unpaid.length < most) continue
      const refusal = `${most} orders ${whose} wait for their payment: pay one of them, or wait until one has expired`
      return { refusal, inTheWay: account.unpaid.map(({ orderId }) => orderId) }
    }
    for (const { account } of wanted) account.making += 1
    return {
      made(orderId, until) {
        for (const { account } of wanted) {
          account.making -= 1
          account.unpaid = [...account.unpaid, { orderId, until }]
        }
      },
      given() {
        for (const { account } of wanted) account.making -= 1
      },
    }
  }

  /** It was paid, or is over. */
  settle({ address, publicKey }: Orderer, orderId: string): void {
    for (const name of [`address ${address}`, `key ${publicKey}`]) {
      const account = this.#accounts.get(name)
      if (account !== undefined) account.unpaid = account.unpaid.filter((unpaid) => unpaid.orderId !== orderId)
    }
  }

  #account(name: string, now: Timestamp): Account {
    const account = this.#accounts.get(name) ?? { making: 0, unpaid: [] }
    account.unpaid = account.unpaid.filter(({ until }) => until > now)
    this.#accounts.delete(name)
    this.#accounts.set(name, account)
    if (this.#accounts.size > MAX_TRACKED_ORDERERS) this.#forgetOne()
    return account
  }

  #forgetOne(): void {
    for (const [name, { making }] of this.#accounts) {
      if (making > 0) continue // an order is being made: keep it, try the next
      this.#accounts.delete(name)
      return
    }
  }
}
