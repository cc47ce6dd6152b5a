import { randomBytes } from 'node:crypto'
import { type Msat, msat } from '../../lsps/base/amount.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import { computeOpeningFee } from '../../lsps/lsps2/fee.ts'
import { lsps2 } from '../../lsps/lsps2/methods.ts'
import type { OpeningFeeParams } from '../../lsps/lsps2/schema.ts'
import { createRpcClient } from '../../lsps/rpc/client.ts'
import { FlightRecord, Status } from '../../src/admin/schema.ts'
import { askDaemon } from '../../src/cli/admin-client.ts'
import { formatMilliseconds, formatMsat, pairs, thousands } from '../../src/cli/format.ts'
import { loadConfig } from '../../src/config/load.ts'
import { dataPaths } from '../../src/config/paths.ts'
import { waitFor } from '../stack/wait.ts'
import { type Book, compareBooks, renderBooks } from './books.ts'
import type { Facts } from './facts.ts'
import { runSluice } from './operator-cli.ts'
import { operatorMoment } from './sale-steps.ts'
import type { Screen } from './screen.ts'
import { type Moment, renderMoment, Timeline } from './timeline.ts'
import type { DemoInvoice, DemoWorld } from './world.ts'

/** An amount that exercises the last digit: the fee is rounded up to a whole millisatoshi. */
const PAYMENT = msat(1_234_567_890n)
const SECOND_PAYMENT = msat(5_000_000n)
const PPM_PER_PERCENT = 10_000

const WATCH_MS = 2
/** How often the flight record is read while the sale runs. */
const RECORD_MS = 20
/** Moments are told when they are this old: until then an earlier one may still come in from another source. */
const LATE_MS = 60
const STEP_DEADLINE_MS = 30_000
/** An amount that is not right by then is a finding. */
const BALANCE_DEADLINE_MS = 10_000
const PAYMENTS = 2

type Bought = { readonly scid: Scid; readonly fee: Msat; readonly invoice: DemoInvoice }
type Paid = { readonly startedAt: number; readonly ms: number }

/** The demo from the wallet's first question to the books, told on the screen; the facts of what happened. */
export class Story {
  readonly #world: DemoWorld
  readonly #screen: Screen
  readonly #signal: AbortSignal
  readonly #adminSocket: string

  constructor(world: DemoWorld, screen: Screen, signal: AbortSignal) {
    this.#world = world
    this.#screen = screen
    this.#signal = signal
    this.#adminSocket = dataPaths(loadConfig(world.operator.configFile)).socket
  }

  async tell(): Promise<Facts> {
    const { wallet, operator } = this.#world
    const status = await this.#status()
    this.#introduce(status)
    if (wallet.channelCount() !== 0 || wallet.owned() !== 0n) throw new Error('the wallet is not new')

    this.#screen.heading('1. The wallet buys a channel, and hands out an invoice that goes through it')
    const bought = await this.#buy()

    this.#screen.heading('2. Somebody pays the invoice')
    const timeline = new Timeline()
    const sale = await this.#payFirst(bought, timeline)
    const received = await this.#balance(PAYMENT - bought.fee)
    const first = wallet.received(bought.invoice)

    this.#screen.heading('3. A second payment, to an ordinary invoice over the new channel')
    const second = await this.#paySecond()
    const owned = await this.#balance(received + SECOND_PAYMENT)
    const secondReceived = wallet.received(second.invoice)
    this.#moment({
      at: 0,
      who: 'wallet',
      what: `has ${formatMsat(`${secondReceived?.amount ?? 0n}`)} more, ${formatMsat(`${owned}`)} in all: no opening fee`,
    })

    this.#screen.heading("4. The sale in the operator's flight record")
    const record = await this.#record(bought.scid)
    await runSluice(['jit', 'show', bought.scid, '--config', operator.configFile], this.#screen, this.#signal)

    this.#screen.heading('5. Three books about both payments')
    const forwards = await this.#screen.wait(
      `waiting for lnd's forwarding history (${operator.historyDelay})`,
      () => operator.writtenForwards(PAYMENTS, this.#signal),
      (rows) => `lnd's forwarding history has ${rows.length} rows`,
    )
    const earnedByLnd = sum(forwards.map(({ fee }) => fee))
    const earnedByJournal = BigInt((await this.#status()).earned_msat)
    const agreed: Book = {
      name: 'agreed when the channel was bought',
      toWallet: PAYMENT - bought.fee + SECOND_PAYMENT,
      earned: bought.fee,
    }
    const books: readonly Book[] = [
      {
        name: "the wallet's balance, and what it saw withheld",
        toWallet: owned,
        earned: (first?.withheld ?? 0n) + (secondReceived?.withheld ?? 0n),
      },
      {
        name: "lnd's own forwarding history",
        toWallet: sum(forwards.map(({ amountOut }) => amountOut)),
        earned: earnedByLnd,
      },
      { name: "sluiced's journal", earned: earnedByJournal },
    ]
    this.#screen.line()
    for (const line of renderBooks(agreed, books, this.#screen.paint).split('\n')) this.#screen.line(`  ${line}`)
    const differences = compareBooks(agreed, books)
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

  #introduce({ node, version }: Status): void {
    const { wallet, operator, payer } = this.#world
    this.#screen.heading('Who is who')
    const lnd = `lnd ${(node?.lnd_version ?? '').split(' ')[0]}`
    const flags = node?.require_interceptor ? ' with requireinterceptor' : ''
    const rows = [
      ['operator', `${lnd}${flags}, not modified; sluiced ${version} beside it`],
      ['', operator.nodeId],
      ['wallet', `${wallet.software}: no channel, owns ${formatMsat(`${wallet.owned()}`)}`],
      ['', wallet.nodeId],
      ['payer', `${payer.software} with an old channel to the operator, knows nothing of all this`],
      ['', payer.nodeId],
    ] as const
    for (const line of pairs(rows, this.#screen.paint).split('\n')) this.#screen.line(`  ${line}`)
  }

  async #buy(): Promise<Bought> {
    const { wallet, clock } = this.#world
    const client = createRpcClient({
      transport: wallet.transport(),
      clock,
      newId: () => randomBytes(16).toString('hex'),
    })
    const timed = async <T>(work: Promise<T>): Promise<readonly [T, string]> => {
      const start = clock.now()
      const result = await work
      return [result, formatMilliseconds(clock.now() - start)]
    }
    try {
      this.#moment({ at: 0, who: 'wallet', what: 'asks for the price of a channel (lsps2.get_info)' })
      const [{ opening_fee_params_menu: menu }, asked] = await timed(
        client.call(lsps2, 'lsps2.get_info', {}, this.#signal),
      )
      const offer = menu[0]
      if (offer === undefined) throw new Error('the menu is empty')
      this.#moment({ at: 0, who: 'operator', what: `answers after ${asked}:`, details: describeOffer(offer) })

      this.#moment({
        at: 0,
        who: 'wallet',
        what: `takes it for a payment of ${formatMsat(`${PAYMENT}`)} (lsps2.buy)`,
      })
      const request = { opening_fee_params: offer, payment_size_msat: PAYMENT }
      const [answer, waited] = await timed(client.call(lsps2, 'lsps2.buy', request, this.#signal))
      const { jit_channel_scid: scid, lsp_cltv_expiry_delta: cltvDelta } = answer
      this.#moment({ at: 0, who: 'operator', what: `answers after ${waited}: channel ${scid}, which does not exist` })

      const fee = computeOpeningFee(offer, PAYMENT)
      const bought = { hint: { scid, cltvDelta }, allowedFee: fee }
      const invoice = wallet.createInvoice({ amount: PAYMENT, bought })
      this.#moment({
        at: 0,
        who: 'wallet',
        what: `allows an opening fee of ${formatMsat(`${fee}`)} and hands out an invoice`,
        details: [describeInvoice(invoice)],
      })
      return { scid, fee, invoice }
    } finally {
      client.close()
    }
  }

  async #payFirst({ scid, invoice }: Bought, timeline: Timeline): Promise<Paid> {
    const { wallet, payer, clock } = this.#world
    const known = (await this.#record(scid)).steps.length
    const milestones = wallet.milestones().length
    const startedAt = clock.now()
    timeline.add({ at: startedAt, who: 'payer', what: `sends ${formatMsat(`${PAYMENT}`)}` })
    const watched = new AbortController()
    const watching = this.#watch({ scid, timeline, known, milestones, startedAt, until: watched.signal })
    try {
      await payer.pay(invoice, this.#signal)
      const ms = clock.now() - startedAt
      timeline.add({ at: startedAt + ms, who: 'payer', what: 'has the receipt' })
      await this.#waitFor(async () => (await this.#record(scid)).state === 'paid', 'sluiced to book the sale')
      return { startedAt, ms }
    } finally {
      watched.abort()
      await watching
    }
  }

  /** Tells what wallet and operator do, as it happens; ends with all of it told. */
  async #watch(options: {
    readonly scid: Scid
    readonly timeline: Timeline
    readonly startedAt: number
    readonly until: AbortSignal
    known: number
    milestones: number
  }): Promise<void> {
    const { scid, timeline, startedAt, until } = options
    const { wallet, clock } = this.#world
    const tell = (moments: readonly Moment[]) => {
      for (const moment of moments) this.#moment(moment, startedAt)
    }
    const lookAtWallet = () => {
      const all = wallet.milestones()
      for (const what of all.slice(options.milestones)) timeline.add({ at: clock.now(), who: 'wallet', what })
      options.milestones = all.length
    }
    const lookAtRecord = async () => {
      const record = await this.#record(scid)
      for (const step of record.steps.slice(options.known)) timeline.add(operatorMoment(record, step))
      options.known = record.steps.length
    }
    let readAt = 0
    while (!until.aborted) {
      lookAtWallet()
      if (performance.now() - readAt >= RECORD_MS) {
        readAt = performance.now()
        await lookAtRecord()
      }
      tell(timeline.take(clock.now() - LATE_MS))
      await pause(WATCH_MS)
    }
    lookAtWallet()
    await lookAtRecord()
    tell(timeline.take())
  }

  async #paySecond(): Promise<Paid & { readonly invoice: DemoInvoice }> {
    const { wallet, payer, clock } = this.#world
    await this.#screen.wait(
      'mining blocks',
      () => this.#world.confirmFunding(this.#signal),
      () => 'mined 3 blocks: the funding transaction is confirmed',
    )
    const invoice = wallet.createInvoice({ amount: SECOND_PAYMENT })
    this.#moment({
      at: 0,
      who: 'wallet',
      what: `hands out an ordinary invoice for ${formatMsat(`${SECOND_PAYMENT}`)}`,
      details: [describeInvoice(invoice)],
    })
    const startedAt = clock.now()
    await payer.pay(invoice, this.#signal)
    const ms = clock.now() - startedAt
    this.#moment({ at: startedAt + ms, who: 'payer', what: 'has the receipt' }, startedAt)
    await this.#waitFor(() => wallet.received(invoice), 'the wallet to have taken the second payment')
    return { startedAt, ms, invoice }
  }

  #conclude(differences: readonly string[], saleMs: number): void {
    const { paint } = this.#screen
    this.#screen.line()
    if (differences.length === 0) {
      this.#screen.line(paint('green', 'All books agree to the millisatoshi.'))
      const took = formatMilliseconds(saleMs)
      this.#screen.line(`From the payment's sending to its receipt, a channel opened on the way: ${took}.`)
    } else {
      this.#screen.line(paint('red', 'The books differ:'))
      for (const difference of differences) this.#screen.line(`  ${difference}`)
    }
    if (this.#world.simulated) this.#screen.line('This was a simulation: no lnd, no chain and no coins were involved.')
  }

  #moment(moment: Moment, start?: number): void {
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

function describeOffer(offer: OpeningFeeParams): readonly string[] {
  const { proportional, min_fee_msat, min_payment_size_msat, max_payment_size_msat, min_lifetime } = offer
  const amount = (value: Msat) => formatMsat(`${value}`)
  return [
    `${proportional / PPM_PER_PERCENT} % of the payment, at least ${amount(min_fee_msat)}`,
    `payments of ${amount(min_payment_size_msat)} to ${amount(max_payment_size_msat)}`,
    `the channel stays open for at least ${thousands(min_lifetime)} blocks`,
  ]
}

function describeInvoice({ text, paymentHash }: DemoInvoice): string {
  return text ?? `payment hash ${paymentHash}`
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
