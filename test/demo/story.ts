import { msat } from '../../lsps/base/amount.ts'
import type { Status } from '../../src/admin/schema.ts'
import { formatMilliseconds, formatMsat, pairs } from '../../src/cli/format.ts'
import { type Book, compareBooks, renderBooks } from './books.ts'
import { type Bought, buyChannel, describeInvoice } from './buying.ts'
import { checkOrdered, compareChannels, renderChannels } from './channel-books.ts'
import type { Facts } from './facts.ts'
import { type OrdersTold, tellOrders } from './order-chapter.ts'
import { orderFacts } from './order-facts.ts'
import { operatorMoment } from './sale-steps.ts'
import { Stage, type StageOptions } from './stage.ts'
import { Timeline } from './timeline.ts'
import { watch } from './watch.ts'
import type { DemoInvoice, ListedChannel, WrittenForward } from './world.ts'

/** An amount that exercises the last digit: the fee is rounded up to a whole millisatoshi. */
const PAYMENT = msat(1_234_567_890n)
const SECOND_PAYMENT = msat(5_000_000n)
const PAYMENTS = 2
const MSAT_PER_SAT = 1000n

type Paid = { readonly startedAt: number; readonly ms: number }
type Told = {
  readonly bought: Bought
  readonly second: DemoInvoice
  readonly orders: OrdersTold
  readonly forwards: readonly WrittenForward[]
  readonly listed: readonly ListedChannel[]
}

/** The demo from the wallet's first question to the books, told on the screen; the facts of what happened. */
export class Story {
  readonly #stage: Stage

  constructor(options: StageOptions) {
    this.#stage = new Stage(options)
  }

  async tell(): Promise<Facts> {
    const stage = this.#stage
    const { world, screen, signal } = stage
    const { wallet } = world
    const status = await stage.status()
    this.#introduce(status)
    if (wallet.channels().length !== 0 || wallet.owned() !== 0n) throw new Error('the wallet is not new')

    screen.heading('1. The wallet buys a channel, and hands out an invoice that goes through it')
    const bought = await buyChannel({ world, payment: PAYMENT, tell: (moment) => stage.tell(moment), signal })

    screen.heading('2. The payer pays the invoice; times count from here')
    const timeline = new Timeline()
    const sale = await this.#payFirst(bought, timeline)
    const received = await stage.balance(PAYMENT - bought.fee)

    screen.heading('3. A second payment, to an ordinary invoice over the new channel')
    const second = await this.#paySecond()
    const owned = await stage.balance(received + SECOND_PAYMENT)
    const gained = formatMsat(`${owned - received}`)
    stage.tell({ who: 'wallet', what: `owns ${gained} more, ${formatMsat(`${owned}`)} in all` })

    screen.heading('4. What the operator sees of the sale')
    await stage.sluice('jit', 'show', bought.scid)
    const record = await stage.sale(bought.scid)

    const orders = await tellOrders(stage, owned)

    screen.heading('8. What the operator sees of the order, and of what it promised')
    await stage.sluice('orders', 'show', orders.channel.id)
    screen.line()
    await stage.sluice('promises')

    screen.heading('9. What three books say about all of it')
    const forwards = await this.#forwards()
    const listed = await this.#listed()
    const books = await this.#books({ bought, second: second.invoice, orders, forwards, listed })
    const differences = [
      ...compareBooks(books.agreed, [books.wallet, books.node, books.journal]),
      ...compareChannels(wallet.channels(), listed),
      ...checkOrdered(orders, listed),
    ]
    this.#conclude(differences, sale.ms)

    const { earned_msat: earnedByJournal } = await stage.status()
    return {
      simulated: world.simulated,
      agreed: differences.length === 0,
      differences,
      lnd_version: status.node?.lnd_version ?? '',
      sluice_version: status.version,
      wallet_software: wallet.software,
      client: wallet.nodeId,
      scid: bought.scid,
      payment_hash: bought.invoice.paymentHash,
      payment_msat: `${PAYMENT}`,
      fee_msat: `${bought.fee}`,
      received_msat: `${received}`,
      earned_by_lnd_msat: `${sum(forwards.map(({ fee }) => fee))}`,
      earned_by_journal_msat: earnedByJournal,
      funding_txid: record.funding_txid ?? '',
      capacity_sat: record.capacity_sat ?? '',
      sale_ms: sale.ms,
      second_payment_msat: `${SECOND_PAYMENT}`,
      second_received_msat: `${owned - received}`,
      second_fee_msat: `${SECOND_PAYMENT - (owned - received)}`,
      second_ms: second.ms,
      wallet_owns_msat: `${owned}`,
      steps: timeline.told.map(({ at, who, what }) => ({ at_ms: at - sale.startedAt, who, what })),
      ...orderFacts(
        orders,
        listed.find(({ outpoint }) => outpoint === orders.outpoint),
      ),
      wallet_owns_at_the_end_msat: `${orders.owned}`,
      all_earned_as_agreed_msat: `${books.agreed.earned}`,
      all_earned_by_wallet_msat: `${books.wallet.earned}`,
      all_earned_by_lnd_msat: `${books.node.earned}`,
      all_earned_by_journal_msat: `${books.journal.earned}`,
      channels: wallet.channels().map(({ outpoint, capacity, owned: part }) => ({
        outpoint,
        capacity_sat: `${capacity}`,
        wallet_msat: `${part}`,
        wallet_by_lnd_sat: `${listed.find((channel) => channel.outpoint === outpoint)?.remoteBalance ?? ''}`,
        funded_by: outpoint === orders.outpoint ? 'order' : 'sale',
      })),
    }
  }

  #introduce({ version }: Status): void {
    const { world, screen } = this.#stage
    const { wallet, operator, payer } = world
    screen.heading('Who is who')
    const rows = [
      ['operator', `${operator.software}, and sluiced ${version} beside it`],
      ['', operator.nodeId],
      ['wallet', `${wallet.software}; no channel, owns ${formatMsat(`${wallet.owned()}`)}`],
      ['', wallet.nodeId],
      ['payer', `${payer.software}, with an old channel to the operator`],
      ['', payer.nodeId],
    ] as const
    this.#stage.show(pairs(rows, screen.paint))
  }

  async #payFirst({ scid, invoice }: Bought, timeline: Timeline): Promise<Paid> {
    const stage = this.#stage
    const { payer, clock } = stage.world
    let startedAt = clock.now()
    const watching = await watch({
      world: stage.world,
      timeline,
      operator: async () => {
        const record = await stage.sale(scid)
        return record.steps.map((step) => operatorMoment(record, step))
      },
      tell: (moment) => stage.tell(moment, startedAt),
    })
    try {
      startedAt = clock.now()
      timeline.add({ at: startedAt, who: 'payer', what: `sends ${formatMsat(`${PAYMENT}`)}` })
      await payer.pay(invoice, stage.signal)
      const ms = clock.now() - startedAt
      timeline.add({ at: startedAt + ms, who: 'payer', what: 'has the receipt' })
      await stage.waitFor(async () => (await stage.sale(scid)).state === 'paid', 'sluiced to book the sale')
      return { startedAt, ms }
    } finally {
      await watching.stop()
    }
  }

  async #paySecond(): Promise<Paid & { readonly invoice: DemoInvoice }> {
    const stage = this.#stage
    const { wallet, payer, clock } = stage.world
    await stage.confirm()
    const invoice = wallet.createInvoice({ amount: SECOND_PAYMENT })
    const asked = formatMsat(`${SECOND_PAYMENT}`)
    stage.tell({ who: 'wallet', what: `hands out an invoice for ${asked}`, details: [describeInvoice(invoice)] })
    const startedAt = clock.now()
    stage.tell({ at: startedAt, who: 'payer', what: `sends ${asked}` }, startedAt)
    await payer.pay(invoice, stage.signal)
    const ms = clock.now() - startedAt
    stage.tell({ at: startedAt + ms, who: 'payer', what: 'has the receipt; no opening fee' }, startedAt)
    await stage.waitFor(() => wallet.received(invoice), 'the wallet to have taken the second payment')
    return { startedAt, ms, invoice }
  }

  #forwards(): Promise<readonly WrittenForward[]> {
    const { world, screen, signal } = this.#stage
    const { operator } = world
    return screen.wait(
      `waiting for ${operator.history} (${operator.historyDelay})`,
      () => operator.writtenForwards(PAYMENTS, signal),
      (rows) => `${operator.history} has ${rows.length} forwards`,
    )
  }

  /** The channels as the node lists them, once both sides have agreed on their last state. */
  async #listed(): Promise<readonly ListedChannel[]> {
    const { world, signal } = this.#stage
    const { wallet, operator } = world
    const read = () => operator.channelsTo(wallet.nodeId, signal)
    await this.#stage.settle(
      async () => compareChannels(wallet.channels(), await read()).length === 0,
      'both sides of the channels to agree',
    )
    return read()
  }

  async #books({ bought, second, orders, forwards, listed }: Told) {
    const { world, signal } = this.#stage
    const { wallet, operator } = world
    const { channel, extension } = orders
    const prices = sum([channel, extension].map(({ price }) => BigInt(price.fee_sat))) * MSAT_PER_SAT
    const agreed: Book = {
      name: 'as agreed at the purchases',
      toWallet: PAYMENT + SECOND_PAYMENT - bought.fee - prices,
      earned: bought.fee + prices,
    }
    const withheld = sum([bought.invoice, second].map((invoice) => wallet.received(invoice)?.withheld ?? 0n))
    const byWallet: Book = {
      name: "the wallet's balance, and what it saw go",
      toWallet: orders.owned,
      earned: withheld + channel.paid + extension.paid - orders.pushed,
    }
    const hashes = [channel.paymentHash, extension.paymentHash]
    const taken = sum(await Promise.all(hashes.map((hash) => operator.takenFor(hash, signal))))
    const pushed = sum(listed.map((one) => one.pushed)) * MSAT_PER_SAT
    const node: Book = {
      name: operator.records,
      toWallet: sum(forwards.map(({ amountOut }) => amountOut)) - taken + pushed,
      earned: sum(forwards.map(({ fee }) => fee)) + taken - pushed,
    }
    const { earned_msat: bySales, orders_earned_msat: byOrders = '0' } = await this.#stage.status()
    const journal: Book = { name: "sluiced's journal", earned: BigInt(bySales) + BigInt(byOrders) }
    const { paint } = this.#stage.screen
    this.#stage.screen.line()
    this.#stage.show(renderBooks(agreed, [byWallet, node, journal], paint))
    this.#stage.screen.line()
    this.#stage.show(renderChannels(wallet.channels(), listed, paint))
    return { agreed, wallet: byWallet, node, journal }
  }

  #conclude(differences: readonly string[], saleMs: number): void {
    const { screen, world } = this.#stage
    const { paint } = screen
    screen.line()
    if (differences.length === 0) {
      screen.line(paint('green', 'All three books agree to the millisatoshi.'))
      const took = formatMilliseconds(saleMs)
      screen.line(`The first payment took ${took} and opened a channel on its way.`)
    } else {
      screen.line(paint('red', 'The books differ:'))
      for (const difference of differences) screen.line(`  ${difference}`)
    }
    if (world.simulated) {
      screen.line(paint('yellow', 'This was a simulation: no lnd, no chain and no coins were involved.'))
    }
  }
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n)
}
