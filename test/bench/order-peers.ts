import { within } from '../stack/wait.ts'

/** Time for the answers that are out when the last request was sent. */
const DRAIN_MS = 30_000
/** How often a schedule is looked at; what became due meanwhile is late by up to this, and counts as late. */
const TICK_MS = 1
const WANTED =
  '{"lsp_balance_sat":"1000000","client_balance_sat":"0","required_channel_confirmations":0,' +
  '"funding_confirms_within_blocks":6,"channel_expiry_blocks":4320,"announce_channel":false}'

type Order = {
  readonly order_id: string
  readonly order_state: string
  readonly payment: { readonly bolt11: { readonly state: string; readonly invoice: string } }
}
type Answer = { readonly id: string; readonly result?: Order; readonly error?: object }

/** An order that was answered: as it stands in the answer, and milliseconds from when it was due to that. */
export type Created = { readonly id: string; readonly invoice: string; readonly text: string; readonly ms: number }

/** Milliseconds from when a question was due to its answer, and how many were answered a second. */
export type Polled = { readonly perSecond: number; readonly latencies: Float64Array }

/** Many wallets with an order each, which is asked for again and again; every answer is read and checked. */
export class OrderPeers {
  readonly created: Created[] = []
  readonly #send: (peer: number, payload: Uint8Array) => void
  readonly #peers: number
  /** What was asked under the number of a request, until it is answered. */
  readonly #due = new Map<number, { readonly at: number; readonly answer: (order: Order, ms: number) => void }>()
  #next = 0

  constructor(peers: number, send: (peer: number, payload: Uint8Array) => void) {
    this.#send = send
    this.#peers = peers
  }

  /** Open loop: each of the peers orders one channel; order `n` is due at `n / perSecond`, whatever came before. */
  async order({ perSecond }: { readonly perSecond: number }): Promise<void> {
    const count = this.#peers
    await this.#scheduled({ count, perSecond }, (peer, at) => {
      this.#ask(peer, at, `"lsps1.create_order","params":${WANTED}`, (order, ms) => {
        const { order_id: id, payment } = order
        this.created[peer] = { id, invoice: payment.bolt11.invoice, text: JSON.stringify(order), ms }
      })
    })
  }

  /** Open loop: each peer asks for its order once in `everyMs`, one after the other, for so long. */
  async poll({ everyMs, ms }: { readonly everyMs: number; readonly ms: number }): Promise<Polled> {
    const perSecond = (this.#peers * 1000) / everyMs
    const count = Math.round((perSecond * ms) / 1000)
    const latencies = new Float64Array(count)
    let answered = 0
    const took = await this.#scheduled({ count, perSecond }, (n, at) => {
      const peer = n % this.#peers
      const id = this.created[peer]?.id ?? ''
      this.#ask(peer, at, `"lsps1.get_order","params":{"order_id":"${id}"}`, (order, late) => {
        const { state } = order.payment.bolt11
        if (order.order_id !== id || order.order_state !== 'CREATED' || state !== 'EXPECT_PAYMENT')
          throw new Error(`asked for order ${id}, answered: ${JSON.stringify(order)}`)
        latencies[answered] = late
        answered += 1
      })
    })
    return { perSecond: (answered * 1000) / took, latencies }
  }

  onMessage(payload: Buffer): void {
    const { id, result, error } = JSON.parse(payload.toString('latin1')) as Answer
    if (result === undefined) throw new Error(`refused: ${JSON.stringify(error)}`)
    const number = Number.parseInt(id, 10)
    const asked = this.#due.get(number)
    if (asked === undefined) throw new Error(`answered twice, or never asked: ${id}`)
    this.#due.delete(number)
    asked.answer(result, performance.now() - asked.at)
  }

  /** Resolves with the milliseconds that it took until everything was answered. */
  async #scheduled(
    { count, perSecond }: { readonly count: number; readonly perSecond: number },
    start: (n: number, at: number) => void,
  ): Promise<number> {
    const begin = performance.now()
    let started = 0
    const done = new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const due = Math.min(count, Math.floor(((performance.now() - begin) * perSecond) / 1000) + 1)
        for (; started < due; started += 1) start(started, begin + (started * 1000) / perSecond)
        if (started < count || this.#due.size > 0) return
        clearInterval(timer)
        resolve()
      }, TICK_MS)
    })
    const deadline = (count * 1000) / perSecond + DRAIN_MS
    await within(done, { deadline, what: `the answers to ${count} requests` })
    return performance.now() - begin
  }

  /** Ids are as long as real clients' (L0-40). */
  #ask(peer: number, at: number, rest: string, answer: (order: Order, ms: number) => void): void {
    const number = this.#next
    this.#next += 1
    this.#due.set(number, { at, answer })
    this.#send(peer, Buffer.from(`{"jsonrpc":"2.0","id":"${number}.0123456789abcdefghij","method":${rest}}`, 'latin1'))
  }
}
