import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Msat, msat, type Ppm, sat } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { parseScid, type Scid, scidToNumber } from '../../lsps/base/scid.ts'
import { channelCapacity } from '../../src/jit/capacity.ts'
import { deadline, sell, step } from '../../src/jit/machine.ts'
import { mintScid } from '../../src/jit/scid.ts'
import type { Deal, JitEffect, JitEvent, Part, RefusedChannel, Sale } from '../../src/jit/states.ts'
import { type Verdict, verdict } from '../../src/jit/verdict.ts'
import { ALICE } from './lsp.ts'

const SIZE = msat(10_000_000n)
const FEE = msat(100_000n)
const MINUTE_MS = 60_000
const VALID_UNTIL = 30 * MINUTE_MS
const HOLD_MS = 90_000
const HEIGHT = 800_000
const PENDING_ID = 'ef'.repeat(32)
const CHANNEL = { outpoint: `${'ab'.repeat(32)}:0`, chanId: 17_592_186_044_416_000_123n }

const DEAL: Deal = {
  scid: '16100000x1x1' as Scid,
  client: ALICE,
  minFee: msat(2000n),
  proportional: 10_000 as Ppm,
  validUntil: VALID_UNTIL as Timestamp,
  minLifetime: 1000,
  maxClientToSelfDelay: 2016,
  paymentSize: SIZE,
  fee: FEE,
  cltvExpiryDelta: 144,
  htlcMinimum: msat(1000n),
  partHold: HOLD_MS,
  createdAt: 0 as Timestamp,
}

const PART: Part = {
  circuit: '1:1',
  paymentHash: 'cd'.repeat(32),
  amountIn: SIZE,
  amountOut: SIZE,
  expiryIn: HEIGHT + 400,
  expiryOut: HEIGHT + 200,
  autoFailHeight: HEIGHT + 390,
  heldAt: MINUTE_MS as Timestamp,
}

/** A sale that is told events, and what it asked for. */
class Told {
  sale: Sale = sell(DEAL).state
  readonly effects: JitEffect[] = []
  readonly earned: Msat[] = []

  tell(event: JitEvent): this {
    const { state, effects, money } = step(this.sale, event)
    this.sale = state
    this.effects.push(...effects)
    this.earned.push(...money.map(({ earned }) => earned))
    return this
  }

  hold(change: Partial<Part> = {}, { clientOnline = true, height = HEIGHT } = {}): this {
    const part = { ...PART, ...change }
    return this.tell({
      type: 'part-held',
      part,
      height,
      clientOnline,
      pendingChannelId: PENDING_ID,
      at: part.heldAt,
    })
  }

  activate(): this {
    return this.tell({ type: 'channel-active', pendingChannelId: PENDING_ID, ...CHANNEL, at: time(MINUTE_MS) })
  }

  refuse(reason: RefusedChannel): this {
    const at = time(MINUTE_MS)
    return this.tell({ type: 'channel-refused', pendingChannelId: PENDING_ID, reason, detail: 'its words', at })
  }

  bind(): this {
    return this.tell({ type: 'alias-added', at: time(MINUTE_MS) })
  }

  answer(circuit = PART.circuit): Verdict {
    return verdict(this.sale, circuit)
  }
}

const time = (at: number) => at as Timestamp

let told: Told

beforeEach(() => {
  told = new Told()
})

describe('the scid of a sale', () => {
  it('[L2-50] [L2-51] is drawn at random from where lnd looks for aliases, past its own first block', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (random) => {
        const scid = mintScid(() => random)
        expect(parseScid(scid)).toBe(scid)
        const block = scidToNumber(scid) >> 40n
        expect(block > 16_000_000n && block < 16_250_000n).toBe(true)
      }),
    )
  })

  it('[L2-50] depends on all of the randomness', () => {
    const random = (byte: number) => new Uint8Array(16).fill(byte)
    expect(new Set(Array.from({ length: 200 }, (_, byte) => mintScid(() => random(byte)))).size).toBe(200)
  })
})

describe('a payment to the scid', () => {
  it('[L2-66] opens a channel when it is whole, in time and the client is connected', () => {
    told.hold()
    expect(told.effects).toEqual([{ type: 'open-channel', pendingChannelId: PENDING_ID, amount: SIZE, parts: 1 }])
    expect(told.answer()).toEqual({ type: 'hold' })
  })

  it('[L2-66] is held while the client is away, and opens when it connects', () => {
    told.hold({}, { clientOnline: false })
    expect([told.effects, told.answer()]).toEqual([[], { type: 'hold' }])
    told.tell({ type: 'client-online', height: HEIGHT, pendingChannelId: PENDING_ID, at: time(2 * MINUTE_MS) })
    expect(told.effects).toHaveLength(1)
  })

  it('[L2-66] opens nothing at valid_until, only before', () => {
    told.hold({ heldAt: time(VALID_UNTIL - 1) }, { clientOnline: false })
    told.tell({ type: 'client-online', height: HEIGHT, pendingChannelId: PENDING_ID, at: time(VALID_UNTIL) })
    expect(told.effects).toEqual([])
  })

  it('[L2-60] that is too small is held and opens nothing', () => {
    told.hold({ amountIn: msat(SIZE - 1n), amountOut: msat(SIZE - 1n) })
    expect([told.effects, told.answer()]).toEqual([[], { type: 'hold' }])
  })

  it('[L2-61] [L2-62] [L2-63] is held for 90 s, then fails with temporary_channel_failure', () => {
    told.hold({}, { clientOnline: false })
    expect(deadline(told.sale)).toBe(PART.heldAt + HOLD_MS)
    told.tell({ type: 'deadline', at: time(PART.heldAt + HOLD_MS - 1) })
    expect(told.answer()).toEqual({ type: 'hold' })
    told.tell({ type: 'deadline', at: time(PART.heldAt + HOLD_MS) })
    expect(told.answer()).toEqual({ type: 'fail' })
  })

  it('[L2-62] after the deadline starts afresh', () => {
    told.hold({}, { clientOnline: false }).tell({ type: 'deadline', at: time(PART.heldAt + HOLD_MS) })
    told.hold({ circuit: '1:2', heldAt: time(10 * MINUTE_MS) }, { clientOnline: false })
    expect(deadline(told.sale)).toBe(10 * MINUTE_MS + HOLD_MS)
    expect([told.answer('1:1'), told.answer('1:2')]).toEqual([{ type: 'fail' }, { type: 'hold' }])
  })

  it('[L2-64] [L2-70] [L2-110] is answered unknown_next_peer after valid_until: resumed while the scid leads nowhere', () => {
    told.hold({ heldAt: time(VALID_UNTIL) })
    expect(told.answer()).toEqual({ type: 'resume' })
    expect(told.effects).toEqual([])
  })

  it('[L2-64] that is too small when the offer ends is answered unknown_next_peer', () => {
    told.hold({ amountIn: msat(1n), amountOut: msat(1n), heldAt: time(VALID_UNTIL - 1000) })
    expect(deadline(told.sale)).toBe(VALID_UNTIL)
    told.tell({ type: 'deadline', at: time(VALID_UNTIL) })
    expect(told.answer()).toEqual({ type: 'resume' })
  })

  it('[L2-72] counts by what the onion asks to forward, not by what came in', () => {
    told.hold({ amountIn: msat(SIZE + 5n), amountOut: msat(SIZE - 1n) })
    expect(told.effects).toEqual([])
    told = new Told().hold({ amountIn: msat(SIZE + 5n) })
    expect(told.effects).toMatchObject([{ type: 'open-channel', amount: SIZE }])
  })

  it('opens nothing when the onion asks to forward more than came in', () => {
    told.hold({ amountIn: msat(SIZE - 1n) })
    expect([told.effects, told.answer()]).toEqual([[], { type: 'resume' }])
  })

  it.each([
    ['too small a delta', { expiryIn: PART.expiryOut + 143 }, { type: 'resume' }],
    ['too few blocks before lnd fails it', { autoFailHeight: HEIGHT + 5 }, { type: 'fail' }],
    ['too few blocks for the client', { expiryOut: HEIGHT + 11, expiryIn: HEIGHT + 200 }, { type: 'fail' }],
  ])('[L2-73] with %s opens nothing', (_name, change, answer) => {
    told.hold(change)
    expect([told.effects, told.answer()]).toEqual([[], answer])
  })

  it('[L2-73] is failed before lnd does it by itself', () => {
    told
      .hold({}, { clientOnline: false })
      .tell({ type: 'part-expiring', circuit: PART.circuit, at: time(2 * MINUTE_MS) })
    expect(told.answer()).toEqual({ type: 'fail' })
  })

  it('[L2-74] that is offered again is the same payment with the same answer', () => {
    told.hold()
    const before = told.sale
    told.hold({ heldAt: time(2 * MINUTE_MS) })
    expect(told.sale).toBe(before)
    expect(told.effects).toHaveLength(1)
    told.activate().bind()
    expect([told.answer(), told.answer()]).toEqual([told.answer(), told.hold().answer()])
  })
})

describe('the channel of a sale', () => {
  it.each([1_000_000n, 10_000_000_000n])('[L2-80] for %d msat can carry the payment and its reserve', (amount) => {
    const rule = { headroom: sat(20_000n), headroomPpm: 10_000, least: sat(50_000n), most: sat(100_000_000n) }
    const capacity = channelCapacity(msat(amount), rule)
    expect(capacity * 1000n).toBeGreaterThanOrEqual(amount + amount / 100n + 20_000_000n)
    expect(capacity).toBeGreaterThanOrEqual(50_000n)
  })

  it('[L2-82] [L2-110] that the client refuses makes the payment fail with unknown_next_peer', () => {
    told.hold().refuse('client-refused')
    expect([told.sale.tag, told.answer()]).toEqual(['abandoned', { type: 'resume' }])
  })

  it.each(['client-gone', 'failed', 'no-coins'] as const)(
    '[L2-83] [L2-84] that could not be opened (%s) makes the payment fail with temporary_channel_failure, and the next one try again',
    (reason) => {
      told.hold().refuse(reason)
      expect(told.answer()).toEqual({ type: 'fail' })
      told.hold({ circuit: '1:2' })
      expect(told.effects.map(({ type }) => type)).toEqual(['open-channel', 'open-channel'])
    },
  )

  it('[L2-89] [L2-112] must be active and the scid bound to it before anything is forwarded', () => {
    told.hold()
    expect(told.answer()).toEqual({ type: 'hold' })
    told.activate()
    expect(told.effects.at(-1)).toEqual({ type: 'add-alias', chanId: CHANNEL.chanId })
    expect(told.answer()).toEqual({ type: 'hold' })
    told.bind()
    expect(told.answer()).toEqual({ type: 'resume-modified', amountOut: msat(SIZE - FEE), extraFee: FEE })
  })

  it('[L2-92] [L2-94] carries the payment less the fee on its size, also when more came', () => {
    told
      .hold({ amountIn: msat(SIZE + 7n), amountOut: msat(SIZE + 7n) })
      .activate()
      .bind()
    expect(told.answer()).toEqual({ type: 'resume-modified', amountOut: msat(SIZE + 7n - FEE), extraFee: FEE })
  })

  it('[L2-90] that came too late for its payment is paid for by the next one, and not opened twice', () => {
    told.hold().tell({ type: 'deadline', at: time(PART.heldAt + HOLD_MS) })
    expect(told.answer()).toEqual({ type: 'fail' })
    told
      .activate()
      .hold({ circuit: '1:2', heldAt: time(5 * MINUTE_MS) })
      .bind()
    expect(told.effects.map(({ type }) => type)).toEqual(['open-channel', 'add-alias'])
    expect(told.answer('1:2')).toMatchObject({ type: 'resume-modified', extraFee: FEE })
  })

  it('[L2-100] whose payment the wallet fails stays, and the fee stays owed', () => {
    told
      .hold()
      .activate()
      .bind()
      .tell({ type: 'failed', circuit: '1:1', reason: 'wallet', at: time(2 * MINUTE_MS) })
    expect([told.sale.tag, told.earned]).toEqual(['owed', []])
    told.hold({ circuit: '1:2' })
    expect(told.answer('1:2')).toMatchObject({ type: 'resume-modified', extraFee: FEE })
  })
})

describe('a payment that the wallet claims', () => {
  beforeEach(() => {
    const at = time(2 * MINUTE_MS)
    told
      .hold()
      .activate()
      .bind()
      .tell({ type: 'settled', circuit: '1:1', amountOut: msat(SIZE - FEE), at })
  })

  it('[L2-99] ends the sale with its fee earned once', () => {
    expect([told.sale.tag, told.earned]).toEqual(['paid', [FEE]])
    told.tell({ type: 'settled', circuit: '1:1', amountOut: msat(SIZE - FEE), at: time(3 * MINUTE_MS) })
    expect(told.earned).toEqual([FEE])
  })

  it('[L2-71] leaves the scid an alias: the next payment is forwarded whole', () => {
    told.hold({ circuit: '1:2', heldAt: time(3 * MINUTE_MS) })
    expect(told.answer('1:2')).toEqual({ type: 'resume' })
    expect(told.effects).toHaveLength(2)
  })
})
