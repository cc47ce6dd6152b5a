import { deferred, within } from '../stack/wait.ts'

/** Time for the answers that are out when the last request was sent. */
const DRAIN_MS = 30_000
/** How often a schedule is looked at; what became due meanwhile is late by up to this, and counts as late. */
const TICK_MS = 1
const LONGEST_ENDLESS_SECONDS = 60

type MenuAnswer = { readonly result?: { readonly opening_fee_params_menu: readonly object[] } }
type BuyAnswer = { readonly result?: { readonly jit_channel_scid: string } }

/** Milliseconds from when a pair was due (or started) to the answer of its `buy`, and how many pairs that were. */
export type Purchases = { readonly perSecond: number; readonly latencies: Float64Array }

/** Many wallets that ask for the menu and buy its first entry, each message by a peer of its own turn. */
export class Buyers {
  /** Every short channel id that was answered, in order. */
  readonly scids: string[] = []
  readonly #send: (peer: number, payload: Uint8Array) => void
  readonly #peers: number
  #started: Float64Array = new Float64Array(0)
  #latencies: Float64Array = new Float64Array(0)
  #next = 0
  #answered = 0
  #run = 0
  #timer: NodeJS.Timeout | undefined
  #onBought: () => void = () => undefined

  constructor(peers: number, send: (peer: number, payload: Uint8Array) => void) {
    this.#peers = peers
    this.#send = send
  }

  /** Open loop: pair `n` is due at `n / perSecond`, however long the answers take. */
  async scheduled({ perSecond, ms }: { readonly perSecond: number; readonly ms: number }): Promise<Purchases> {
    const count = Math.round((perSecond * ms) / 1000)
    const begin = this.#reset(count)
    const done = this.#allAnswered(count)
    this.#schedule(begin, perSecond)
    try {
      await within(done, { deadline: ms + DRAIN_MS, what: `the answers to ${count} purchases` })
    } finally {
      clearInterval(this.#timer)
    }
    return this.#purchases(begin, count)
  }

  /** Closed loop: `inFlight` pairs are always under way. What can be had at most. */
  async saturating({ inFlight, count }: { readonly inFlight: number; readonly count: number }): Promise<Purchases> {
    const begin = this.#reset(count)
    const done = this.#allAnswered(count, () => {
      if (this.#next < count) this.#start(performance.now())
    })
    for (let pair = 0; pair < inFlight; pair += 1) this.#start(begin)
    await within(done, { deadline: DRAIN_MS * 4, what: `the answers to ${count} purchases` })
    return this.#purchases(begin, count)
  }

  /** Open loop without an end: see `stop`. */
  keepBuying({ perSecond }: { readonly perSecond: number }): void {
    const begin = this.#reset(perSecond * LONGEST_ENDLESS_SECONDS)
    this.#onBought = () => undefined
    this.#schedule(begin, perSecond)
  }

  /** Ends whatever runs. */
  stop(): void {
    clearInterval(this.#timer)
    this.#run += 1
  }

  onMessage(_peer: number, payload: Buffer): void {
    const { id, ...answer } = JSON.parse(payload.toString('latin1')) as { id: string } & MenuAnswer & BuyAnswer
    const [run, pair, method] = id.split('.')
    if (Number(run) !== this.#run) return
    if (method === 'menu') this.#buy(Number(pair), answer)
    else this.#bought(Number(pair), answer)
  }

  #schedule(begin: number, perSecond: number): void {
    const count = this.#started.length
    this.#timer = setInterval(() => {
      const due = Math.min(count, Math.floor(((performance.now() - begin) * perSecond) / 1000))
      while (this.#next < due) this.#start(begin + (this.#next * 1000) / perSecond)
    }, TICK_MS)
  }

  #reset(count: number): number {
    this.#run += 1
    this.#started = new Float64Array(count)
    this.#latencies = new Float64Array(count)
    this.#next = 0
    this.#answered = 0
    return performance.now()
  }

  #start(due: number): void {
    const pair = this.#next
    this.#next += 1
    this.#started[pair] = due
    this.#request(pair, 'menu', 'lsps2.get_info', '{}')
  }

  #buy(pair: number, answer: MenuAnswer): void {
    const offer = answer.result?.opening_fee_params_menu[0]
    if (offer === undefined) throw new Error(`no menu: ${JSON.stringify(answer)}`)
    const params = `{"opening_fee_params":${JSON.stringify(offer)},"payment_size_msat":"100000000"}`
    this.#request(pair, 'buy', 'lsps2.buy', params)
  }

  #bought(pair: number, answer: BuyAnswer): void {
    const scid = answer.result?.jit_channel_scid
    if (scid === undefined) throw new Error(`not sold: ${JSON.stringify(answer)}`)
    this.scids.push(scid)
    this.#latencies[pair] = performance.now() - (this.#started[pair] ?? 0)
    this.#answered += 1
    this.#onBought()
  }

  /** Ids are as long as real clients' (L0-40). */
  #request(pair: number, what: string, method: string, params: string): void {
    const id = `${this.#run}.${pair}.${what}.0123456789abcdefghij`
    const text = `{"jsonrpc":"2.0","id":"${id}","method":"${method}","params":${params}}`
    this.#send(pair % this.#peers, Buffer.from(text, 'latin1'))
  }

  #allAnswered(count: number, each: () => void = () => undefined): Promise<void> {
    const { promise, resolve } = deferred<void>()
    this.#onBought = () => {
      each()
      if (this.#answered === count) resolve()
    }
    return promise
  }

  #purchases(begin: number, count: number): Purchases {
    return { perSecond: (count * 1000) / (performance.now() - begin), latencies: this.#latencies }
  }
}
