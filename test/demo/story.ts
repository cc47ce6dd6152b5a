import { msat } from '../../lsps/base/amount.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import { FlightRecord, Status } from '../../src/admin/schema.ts'
import { askDaemon } from '../../src/cli/admin-client.ts'
import { formatMilliseconds, formatMsat, pairs } from '../../src/cli/format.ts'
import { loadConfig } from '../../src/config/load.ts'
import { dataPaths } from '../../src/config/paths.ts'
import { waitFor } from '../stack/wait.ts'
import { type Book, compareBooks, renderBooks } from './books.ts'
import { type Bought, buyChannel, describeInvoice } from './buying.ts'
import type { Facts } from './facts.ts'
import { watchSale } from './sale-watch.ts'
import type { Screen } from './screen.ts'
import { type Moment, renderMoment, Timeline } from './timeline.ts'
import type { DemoInvoice, DemoWorld } from './world.ts'

/** An amount that exercises the last digit: the fee is rounded up to a whole millisatoshi. */
const PAYMENT = msat(1_234_567_890n)
const SECOND_PAYMENT = msat(5_000_000n)
const PAYMENTS = 2

const STEP_DEADLINE_MS = 30_000
/** A balance that is not right by then is a finding. */
const BALANCE_DEADLINE_MS = 10_000

/** Runs the `sluice` CLI on this terminal, as an operator would. */
export type Sluice = (args: readonly string[]) => Promise<void>

export type StoryOptions = {
  readonly world: DemoWorld
  readonly screen: Screen
  readonly sluice: Sluice
  readonly signal: AbortSignal
}

type Paid = { readonly startedAt: number; readonly ms: number }

/** The demo from the wallet's first question to the books, told on the screen; the facts of what happened. */
export class Story {
  readonly #world: DemoWorld
  readonly #screen: Screen
  readonly #sluice: Sluice
  readonly #signal: AbortSignal
  readonly #adminSocket: string

  constructor({ world, screen, sluice, signal }: StoryOptions) {
    this.#world = world
    this.#screen = screen
    this.#sluice = sluice
    this.#signal = signal
    this.#adminSocket = dataPaths(loadConfig(world.operator.configFile)).socket
  }

  async tell(): Promise<Facts> {
    const { wallet, operator } = this.#world
    const status = await this.#status()
    this.#introduce(status)
    if (wallet.channelCount() !== 0 || wallet.owned() !== 0n) throw new Error('the wallet is not new')

    this.#screen.heading('1. The wallet buys a channel, and hands out an invoice that goes through it')
    const bought = await buyChannel({
      world: this.#world,
      payment: PAYMENT,
      tell: (moment) => this.#tell({ at: 0, ...moment }),
      signal: this.#signal,
    })

    this.#screen.heading('2. The payer pays the invoice; times count from here')
    const timeline = new Timeline()
    const sale = await this.#payFirst(bought, timeline)
    const received = await this.#balance(PAYMENT - bought.fee)

    this.#screen.heading('3. A second payment, to an ordinary invoice over the new channel')
    const second = await this.#paySecond()
    const owned = await this.#balance(received + SECOND_PAYMENT)
    const gained = formatMsat(`${owned - received}`)
    this.#tell({ at: 0, who: 'wallet', what: `owns ${gained} more, ${formatMsat(`${owned}`)} in all` })

    this.#screen.heading('4. What the operator sees of the sale')
    await this.#sluice(['jit', 'show', bought.scid, '--config', operator.configFile])
    const record = await this.#record(bought.scid)

    this.#screen.heading('5. What three books say about both payments')
    const forwards = await this.#screen.wait(
      `waiting for ${operator.history} (${operator.historyDelay})`,
      () => operator.writtenForwards(PAYMENTS, this.#signal),
      (rows) => `${operator.history} has ${rows.length} forwards`,
    )
    const earnedByLnd = sum(forwards.map(({ fee }) => fee))
    const earnedByJournal = BigInt((await this.#status()).earned_msat)
    const differences = this.#compare(
      {
        name: 'as agreed at the purchase',
        toWallet: PAYMENT - bought.fee + SECOND_PAYMENT,
        earned: bought.fee,
      },
      [
        {
          name: "the wallet's balance, and what it saw withheld",
          toWallet: owned,
          earned: sum([bought.invoice, second.invoice].map((invoice) => wallet.received(invoice)?.withheld ?? 0n)),
        },
        { name: operator.history, toWallet: sum(forwards.map(({ amountOut }) => amountOut)), earned: earnedByLnd },
        { name: "sluiced's journal", earned: earnedByJournal },
      ],
    )
    this.#conclude(differences, sale.ms)

    return {
      simulated: this.#world.simulated,
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
      earned_by_lnd_msat: `${earnedByLnd}`,
      earned_by_journal_msat: `${earnedByJournal}`,
      funding_txid: record.funding_txid ?? '',
      capacity_sat: record.capacity_sat ?? '',
      sale_ms: sale.ms,
      second_payment_msat: `${SECOND_PAYMENT}`,
      second_received_msat: `${owned - received}`,
      second_fee_msat: `${SECOND_PAYMENT - (owned - received)}`,
      second_ms: second.ms,
      wallet_owns_msat: `${owned}`,
      steps: timeline.told.map(({ at, who, what }) => ({ at_ms: at - sale.startedAt, who, what })),
    }
  }

  #introduce({ version }: Status): void {
    const { wallet, operator, payer } = this.#world
    this.#screen.heading('Who is who')
    const rows = [
      ['operator', `${operator.software}, and sluiced ${version} beside it`],
      ['', operator.nodeId],
      ['wallet', `${wallet.software}; no channel, owns ${formatMsat(`${wallet.owned()}`)}`],
      ['', wallet.nodeId],
      ['payer', `${payer.software}, with an old channel to the operator`],
      ['', payer.nodeId],
    ] as const
    for (const line of pairs(rows, this.#screen.paint).split('\n')) this.#screen.line(`  ${line}`)
  }

  async #payFirst({ scid, invoice }: Bought, timeline: Timeline): Promise<Paid> {
    const { payer, clock } = this.#world
    let startedAt = clock.now()
    const watch = await watchSale({
      world: this.#world,
      timeline,
      record: () => this.#record(scid),
      tell: (moment) => this.#tell(moment, startedAt),
    })
    try {
      startedAt = clock.now()
      timeline.add({ at: startedAt, who: 'payer', what: `sends ${formatMsat(`${PAYMENT}`)}` })
      await payer.pay(invoice, this.#signal)
      const ms = clock.now() - startedAt
      timeline.add({ at: startedAt + ms, who: 'payer', what: 'has the receipt' })
      await this.#waitFor(async () => (await this.#record(scid)).state === 'paid', 'sluiced to book the sale')
      return { startedAt, ms }
    } finally {
      await watch.stop()
    }
  }

  async #paySecond(): Promise<Paid & { readonly invoice: DemoInvoice }> {
    const { wallet, payer, clock } = this.#world
    await this.#screen.wait(
      'mining blocks',
      () => this.#world.confirmFunding(this.#signal),
      () => 'mined 3 blocks: the funding transaction is confirmed',
    )
    const invoice = wallet.createInvoice({ amount: SECOND_PAYMENT })
    const asked = formatMsat(`${SECOND_PAYMENT}`)
    this.#tell({ at: 0, who: 'wallet', what: `hands out an invoice for ${asked}`, details: [describeInvoice(invoice)] })
    const startedAt = clock.now()
    this.#tell({ at: startedAt, who: 'payer', what: `sends ${asked}` }, startedAt)
    await payer.pay(invoice, this.#signal)
    const ms = clock.now() - startedAt
    this.#tell({ at: startedAt + ms, who: 'payer', what: 'has the receipt; no opening fee' }, startedAt)
    await this.#waitFor(() => wallet.received(invoice), 'the wallet to have taken the second payment')
    return { startedAt, ms, invoice }
  }

  #compare(agreed: Book, books: readonly Book[]): readonly string[] {
    this.#screen.line()
    for (const line of renderBooks(agreed, books, this.#screen.paint).split('\n')) this.#screen.line(`  ${line}`)
    return compareBooks(agreed, books)
  }

  #conclude(differences: readonly string[], saleMs: number): void {
    const { paint } = this.#screen
    this.#screen.line()
    if (differences.length === 0) {
      this.#screen.line(paint('green', 'All three books agree to the millisatoshi.'))
      const took = formatMilliseconds(saleMs)
      this.#screen.line(`The first payment took ${took} and opened a channel on its way.`)
    } else {
      this.#screen.line(paint('red', 'The books differ:'))
      for (const difference of differences) this.#screen.line(`  ${difference}`)
    }
    if (this.#world.simulated) {
      this.#screen.line(paint('yellow', 'This was a simulation: no lnd, no chain and no coins were involved.'))
    }
  }

  #tell(moment: Moment, start?: number): void {
    for (const line of renderMoment(moment, start, this.#screen.paint)) this.#screen.line(line)
  }

  /** What the wallet owns, given time to become what it should; whatever it is then. */
  async #balance(expected: bigint): Promise<bigint> {
    const { wallet } = this.#world
    const reached = waitFor(() => wallet.owned() === expected, {
      deadline: BALANCE_DEADLINE_MS,
      what: 'the balance',
      signal: this.#signal,
    })
    await reached.catch(() => this.#signal.throwIfAborted())
    return wallet.owned()
  }

  #waitFor(condition: () => unknown, what: string): Promise<unknown> {
    return waitFor(condition, { deadline: STEP_DEADLINE_MS, what, signal: this.#signal })
  }

  #status(): Promise<Status> {
    return askDaemon(this.#adminSocket, '/v1/status', Status)
  }

  #record(scid: Scid): Promise<FlightRecord> {
    return askDaemon(this.#adminSocket, `/v1/jit/${scid}`, FlightRecord)
  }
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n)
}
