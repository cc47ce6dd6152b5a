import { createHash } from 'node:crypto'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { type Msat, msat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import { lsps0 } from '../../lsps/lsps0/methods.ts'
import { lsps2 } from '../../lsps/lsps2/methods.ts'
import { LSPS_MESSAGE_TYPE } from '../../lsps/rpc/framing.ts'
import { service } from '../../lsps/rpc/server.ts'
import { jitHandlers } from '../../src/jit/handlers.ts'
import type { ListInForce } from '../../src/jit/price-book.ts'
import { EPOCH_MS, PromiseKeys } from '../../src/jit/promise-keys.ts'
import type { Deal } from '../../src/jit/states.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { Tokens } from '../../src/kernel/tokens.ts'
import type { CustomMessage } from '../../src/lnd/port.ts'
import { createPeerEndpoint, type PeerContext } from '../../src/peer/endpoint.ts'
import { ManualClock } from '../unit/lsps/manual-clock.ts'
import { ALICE, type Answer, BOB, outcome, START, TERMS, type WireOffer } from './lsp.ts'

const BURST = 20
const LIMITS = { requestsPerSecond: 1, burst: BURST, maxPendingPerCaller: 20, maxPending: 100 }
const { valid_until: _until, ...PRICE } = TERMS
const HOUR_S = 3600
const PRICE_LIST = '0le2ab3c4'
const WEEK_S = 7 * 24 * HOUR_S
const TOKEN = 'SUMMER'
const TOKEN_ENDS = (START + 60_000) as Timestamp
const sha256Of = (token: string) => createHash('sha256').update(token).digest('hex')
/** The first two letters of the ids of lightning-liquidity: 32 hex characters. */
const LDK_ID = 'ab'.repeat(16)

/** Tries again after a moment until it holds, or a second has passed. */
const eventually = (assertion: () => void) => vi.waitFor(assertion, { interval: 1 })

type Sold = Omit<Deal, 'scid'>

/** The daemon's own surface and handlers, with a node that only carries messages and a sale that is only noted. */
class World {
  readonly clock = new ManualClock(START)
  readonly sent: { readonly peer: NodeId; readonly answer: Answer; readonly type: number }[] = []
  readonly sold: Sold[] = []
  readonly signal = new AbortController().signal
  /** What the sale waits for before it is on disk. */
  written: Promise<unknown> = Promise.resolve()
  reachable = true
  canOpen = true
  receivable = msat(1n << 62n)
  rejection: string | undefined
  attempts = 0
  validForSeconds = HOUR_S

  /** A token halves the least fee. */
  prices(token?: string): ListInForce {
    const least = token === undefined ? PRICE.min_fee_msat : msat(PRICE.min_fee_msat / 2n)
    const offer = { ...PRICE, min_fee_msat: least, floor: least, valid_for_seconds: this.validForSeconds }
    return { id: PRICE_LIST, list: { offers: [offer], ...(token === undefined ? {} : { token }) } }
  }

  readonly endpoint = createPeerEndpoint(
    {
      lnd: {
        sendCustomMessage: async ({ peer, type, data }: CustomMessage) => {
          this.attempts += 1
          if (!this.reachable) throw new Error('peer is not connected')
          this.sent.push({ peer, type, answer: JSON.parse(new TextDecoder().decode(data)) })
        },
      },
      services: [
        service(lsps0, { 'lsps0.list_protocols': async (_context: PeerContext) => ({ protocols: [2] }) }),
        service(
          lsps2,
          jitHandlers(
            {
              jit: { rejection: () => undefined, sell: (terms: Sold) => this.sell(terms) } as never,
              keys: new PromiseKeys(new Uint8Array(32).fill(7), 'regtest'),
              prices: { current: (token) => this.prices(token) },
              tokens: new Tokens([
                { name: 'summer', token_sha256: sha256Of(TOKEN), valid_until: TOKEN_ENDS },
                { name: 'partner', token_sha256: sha256Of('PARTNER') },
              ]),
              clock: this.clock,
              canOpen: () => this.canOpen,
              rejection: () => this.rejection,
              receivable: () => this.receivable,
              sellsOnTrust: () => false,
            },
            {
              cltvExpiryDelta: 144,
              htlcMinimum: msat(1000n) as Msat,
              partHoldMs: 90_000,
              reclaimAfterMs: HOUR_S * 1000,
            },
          ),
        ),
      ],
      clock: this.clock,
      log: silentLog,
    },
    LIMITS,
  )

  async sell(terms: Sold): Promise<Deal> {
    await this.written
    this.sold.push(terms)
    return { ...terms, scid: `16100000x${this.sold.length}x1` as Scid }
  }

  give(message: unknown, peer = ALICE, type = LSPS_MESSAGE_TYPE): void {
    const text = typeof message === 'string' ? message : JSON.stringify(message)
    this.endpoint.onMessage({ peer, type, data: utf8ToBytes(text) }, this.signal)
  }

  /** Gives one message and waits for its answer. */
  async ask(message: unknown, peer = ALICE): Promise<Answer | undefined> {
    const before = this.sent.length
    this.give(message, peer)
    await eventually(() => expect(this.sent.length, 'answers sent').toBeGreaterThan(before))
    return this.sent.at(-1)?.answer
  }

  call(method: string, params: unknown, { peer = ALICE, id = `${method}-${this.sent.length}` } = {}) {
    return this.ask({ jsonrpc: '2.0', id, method, params }, peer)
  }

  async offer(peer = ALICE, token?: string): Promise<WireOffer> {
    const answer = await this.call('lsps2.get_info', token === undefined ? {} : { token }, { peer })
    const [offer] = (answer?.result?.opening_fee_params_menu ?? []) as WireOffer[]
    if (offer === undefined) throw new Error('the menu is empty')
    return offer
  }
}

let world: World

beforeEach(() => {
  world = new World()
})

/** Lets everything that is ready to run do so. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
const buyOf = (offer: WireOffer, size = '1000000') => ({ opening_fee_params: offer, payment_size_msat: size })

describe('the peer surface', () => {
  it('[L0-01] answers by type 37913 and ignores every other type', async () => {
    world.give({ jsonrpc: '2.0', id: 'a', method: 'lsps0.list_protocols' }, ALICE, 37_915)
    await settle()
    expect(world.sent).toEqual([])
    await world.call('lsps0.list_protocols', {})
    expect(world.sent[0]).toMatchObject({ peer: ALICE, type: 37_913 })
  })

  it('[L0-14] [L0-27] sends one message for each request to whom it came from, and nothing else', async () => {
    const ids = Array.from({ length: 10 }, (_, i) => `id ${i}`)
    for (const id of ids) world.give({ jsonrpc: '2.0', id, method: 'lsps0.list_protocols' })
    await eventually(() => expect(world.sent.length, 'answers sent').toBe(ids.length))
    await settle()
    expect(world.sent.map(({ answer }) => answer.id).toSorted()).toEqual(ids)
    expect(new Set(world.sent.map(({ peer }) => peer))).toEqual(new Set([ALICE]))
    expect(world.sent.every(({ answer }) => answer.id !== undefined)).toBe(true)
  })

  it('[L0-12] does not answer what looks like a response', async () => {
    world.give('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}')
    await settle()
    expect(world.sent).toEqual([])
  })

  it('[L0-12] answers only so many bad messages of a peer', async () => {
    for (let i = 0; i < 3 * BURST; i++) world.give('{')
    await settle()
    expect(world.sent.length).toBeLessThanOrEqual(BURST)
  })

  it('[L0-36] tells a peer that asks too much so, and serves the others', async () => {
    for (let i = 0; i < BURST; i++) await world.call('lsps0.list_protocols', {})
    expect(await world.call('lsps0.list_protocols', {})).toMatchObject({ error: { code: 1, data: expect.anything() } })
    expect(outcome(await world.call('lsps0.list_protocols', {}, { peer: BOB }))).toBe('ok')
    world.clock.advance(1000)
    expect(outcome(await world.call('lsps0.list_protocols', {}))).toBe('ok')
  })

  it('[L0-45] gives a reply up that cannot be delivered, and goes on', async () => {
    world.reachable = false
    world.give({ jsonrpc: '2.0', id: 'a', method: 'lsps0.list_protocols' })
    await eventually(() => expect(world.attempts, 'attempts to reply').toBe(1))
    world.reachable = true
    await settle()
    expect([world.attempts, world.sent]).toEqual([1, []])
    expect(outcome(await world.call('lsps0.list_protocols', {}))).toBe('ok')
  })

  it('[L0-39] leaves error.data out for a client recognised as LDK, and for nobody else', async () => {
    const unknown = { odd: 1 }
    expect(await world.call('lsps2.get_info', unknown)).toHaveProperty('error.data')
    await world.call('lsps2.get_info', { token: null }, { id: LDK_ID })
    expect(await world.call('lsps2.get_info', unknown)).not.toHaveProperty('error.data')
    expect(await world.call('lsps2.get_info', unknown, { peer: BOB })).toHaveProperty('error.data')
  })
})

describe('get_info as it is served', () => {
  it('[L2-08] never offers up to a whole second', async () => {
    for (const ms of [0, 1, 500, 999]) {
      world = new World()
      world.clock.advance(ms - (START % 1000))
      expect((await world.offer()).valid_until).not.toMatch(/\.000Z$/)
    }
  })

  it('[L2-02] takes the absence of a token in every form', async () => {
    for (const params of [{}, { token: null }, { token: '' }]) {
      expect(outcome(await world.call('lsps2.get_info', params))).toBe('ok')
    }
  })

  it('[L2-02] answers the menu of a token, and 200 to one that is unknown', async () => {
    expect(await world.offer(ALICE, TOKEN)).toMatchObject({ min_fee_msat: '273000' })
    expect(await world.offer(ALICE)).toMatchObject({ min_fee_msat: '546000' })
    for (const token of ['summer', 'SUMMER ', 'T', sha256Of(TOKEN), 'x'.repeat(10_000)]) {
      expect(outcome(await world.call('lsps2.get_info', { token }))).toBe(200)
    }
  })

  it('[L2-02] answers 200 to a token that has become stale', async () => {
    world.clock.advance(60_000)
    expect(outcome(await world.call('lsps2.get_info', { token: TOKEN }))).toBe('ok')
    world.clock.advance(1)
    expect(outcome(await world.call('lsps2.get_info', { token: TOKEN }))).toBe(200)
    expect(outcome(await world.call('lsps2.get_info', { token: 'PARTNER' }))).toBe('ok')
  })

  it('[L2-11] [L2-12] carries in its promises which price list it is from, plain and short', async () => {
    expect((await world.offer()).promise).toMatch(new RegExp(`^${PRICE_LIST}\\.[0-9a-f]{64}$`))
    expect((await world.offer(ALICE, TOKEN)).promise).toMatch(new RegExp(`^${PRICE_LIST}:summer\\.[0-9a-f]{64}$`))
  })

  it('[L2-03] has an empty menu while no channel can be opened', async () => {
    world.canOpen = false
    expect((await world.call('lsps2.get_info', {}))?.result).toEqual({ opening_fee_params_menu: [] })
  })
})

describe('buy as it is served', () => {
  it('[L2-44] refuses a size that cannot reach the client with 203', async () => {
    const offer = await world.offer()
    world.receivable = msat(BigInt(buyOf(offer).payment_size_msat) - 1n)
    expect(outcome(await world.call('lsps2.buy', buyOf(offer)))).toBe(203)
    world.receivable = msat(BigInt(buyOf(offer).payment_size_msat))
    expect(outcome(await world.call('lsps2.buy', buyOf(offer)))).toBe('ok')
  })

  it('[L2-45] tells a client that has to wait so, with error 1', async () => {
    const offer = await world.offer()
    world.rejection = 'try again in 10 s'
    expect((await world.call('lsps2.buy', buyOf(offer)))?.error).toMatchObject({
      code: 1,
      data: { message: 'try again in 10 s' },
    })
  })

  it('[L2-50] answers only when the sale is on disk', async () => {
    const offer = await world.offer()
    const before = world.sent.length
    let write: (value?: unknown) => void = () => undefined
    world.written = new Promise((resolve) => {
      write = resolve
    })
    world.give({ jsonrpc: '2.0', id: 'buy', method: 'lsps2.buy', params: buyOf(offer) })
    await settle()
    expect(world.sent).toHaveLength(before)
    write()
    await eventually(() => expect(world.sent, 'answer to buy').toHaveLength(before + 1))
  })

  it('[L2-49] [L2-61] trusts the client, and holds for 90 s', async () => {
    const answer = await world.call('lsps2.buy', buyOf(await world.offer()))
    expect(answer?.result).toMatchObject({ lsp_cltv_expiry_delta: 144, client_trusts_lsp: false })
    expect(world.sold).toMatchObject([{ client: ALICE, fee: 546_000n, cltvExpiryDelta: 144, partHold: 90_000 }])
  })

  it('[L0-44] repeated with the same bytes gets the same answer and sells once', async () => {
    const request = { jsonrpc: '2.0', id: 'again', method: 'lsps2.buy', params: buyOf(await world.offer()) }
    const first = await world.ask(request)
    const second = await world.ask(request)
    expect([second, world.sold.length]).toEqual([first, 1])
    expect(await world.ask({ ...request, id: 'other' })).not.toMatchObject({ result: first?.result })
    expect(world.sold).toHaveLength(2)
  })

  it('[L0-44] [L0-05] repeated with other bytes is not repeated, though they may read the same', async () => {
    const request = { jsonrpc: '2.0', id: 'again \ufffd', method: 'lsps2.buy', params: buyOf(await world.offer()) }
    const text = JSON.stringify(request)
    expect(outcome(await world.ask(text))).toBe('ok')
    expect(outcome(await world.ask(`\ufeff${text}`))).toBe(-32700)
    const bytes = utf8ToBytes(text)
    const broken = bytes.with(bytes.indexOf(0xef), 0xff)
    world.endpoint.onMessage({ peer: ALICE, type: LSPS_MESSAGE_TYPE, data: broken }, world.signal)
    await eventually(() => expect(outcome(world.sent.at(-1)?.answer)).toBe(-32700))
    expect(world.sold).toHaveLength(1)
  })

  it('[L0-44] is told from a request that only speaks of it: that is answered anew', async () => {
    const aside = { jsonrpc: '2.0', id: 'menu', method: 'lsps2.get_info', aside: { method: 'lsps2.buy' } }
    const first = await world.ask(aside)
    world.clock.advance(60_000)
    expect(await world.ask(aside)).not.toEqual(first)
  })

  it('[L0-44] repeated after an error is tried again', async () => {
    const offer = await world.offer()
    const request = { jsonrpc: '2.0', id: 'again', method: 'lsps2.buy', params: buyOf(offer, '1') }
    expect([outcome(await world.ask(request)), outcome(await world.ask(request))]).toEqual([202, 202])
    expect(world.sold).toEqual([])
  })

  it('[L2-53] [L2-40] without a size sells for an invoice without an amount: its limits, and no fee yet', async () => {
    const answer = await world.call('lsps2.buy', { opening_fee_params: await world.offer() })
    expect(answer?.result).toMatchObject({ jit_channel_scid: expect.any(String) })
    const { paymentSize, fee, minPayment, maxPayment } = world.sold.at(-1) ?? {}
    expect({ paymentSize, fee, minPayment, maxPayment }).toEqual({
      minPayment: TERMS.min_payment_size_msat,
      maxPayment: TERMS.max_payment_size_msat,
    })
  })

  it('[L2-12] notes from which price list and with which token the offer was', async () => {
    await world.call('lsps2.buy', buyOf(await world.offer()))
    await world.call('lsps2.buy', buyOf(await world.offer(ALICE, TOKEN)))
    expect(world.sold[0]).toMatchObject({ priceList: PRICE_LIST, fee: 546_000n })
    expect(world.sold[0]).not.toHaveProperty('token')
    expect(world.sold[1]).toMatchObject({ priceList: PRICE_LIST, token: 'summer', fee: 273_000n })
  })

  it('[L2-12] takes no offer with another note than it was promised with', async () => {
    const mine = await world.offer(ALICE, TOKEN)
    const proof = String(mine.promise).slice(-64)
    for (const promise of [
      proof,
      `${PRICE_LIST}.${proof}`,
      `${PRICE_LIST}:partner.${proof}`,
      `.${proof}`,
      `x${proof}`,
    ]) {
      expect(outcome(await world.call('lsps2.buy', buyOf({ ...mine, promise })))).toBe(201)
    }
    expect(outcome(await world.call('lsps2.buy', buyOf(mine)))).toBe('ok')
  })

  it('[L2-02] honours the price of a token that became stale since', async () => {
    const offer = await world.offer(ALICE, TOKEN)
    world.clock.advance(120_000)
    expect(outcome(await world.call('lsps2.buy', buyOf(offer)))).toBe('ok')
  })

  it('[L2-15] honours the longest offer to its last moment, whenever in the life of a key it was made', async () => {
    for (const into of [0, 1, EPOCH_MS / 2, EPOCH_MS - 1]) {
      world = new World()
      world.validForSeconds = WEEK_S
      world.clock.advance(2 * EPOCH_MS - (START % EPOCH_MS) + into)
      const offer = await world.offer()
      world.clock.advance(WEEK_S * 1000)
      expect(outcome(await world.call('lsps2.buy', buyOf(offer)))).toBe('ok')
      world.clock.advance(2)
      expect(outcome(await world.call('lsps2.buy', buyOf(offer)))).toBe(201)
    }
  })

  it('[L2-15] honours an offer after the clock was set back over the change of the key', async () => {
    world.clock.advance(EPOCH_MS - (START % EPOCH_MS))
    const offer = await world.offer()
    world.clock.advance(-HOUR_S * 1000)
    expect(outcome(await world.call('lsps2.buy', buyOf(offer)))).toBe('ok')
  })

  it('[L2-14] [L2-41] of another client’s offer is 201', async () => {
    expect(outcome(await world.call('lsps2.buy', buyOf(await world.offer(BOB))))).toBe(201)
  })

  it('[L2-15] honours an offer over the change of the key, and not a week later', async () => {
    const toNext = EPOCH_MS - (START % EPOCH_MS)
    world.clock.advance(toNext - 1000)
    const offer = await world.offer()
    world.clock.advance(2000)
    expect(outcome(await world.call('lsps2.buy', buyOf(offer)))).toBe('ok')
    const keys = new PromiseKeys(new Uint8Array(32).fill(7), 'regtest')
    const now = world.clock.now()
    const sample = utf8ToBytes('what is promised')
    const proofs = (at: Timestamp) => keys.at(at).map(({ mac }) => mac(sample))
    const [current, before] = proofs(now)
    const [next, still] = proofs((now + EPOCH_MS) as Timestamp)
    expect(still).toBe(current)
    expect(next).not.toBe(current)
    expect([next, still]).not.toContain(before)
  })
})
