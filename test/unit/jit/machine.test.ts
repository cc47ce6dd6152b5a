import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import { ASK_BACK_MS, deadline, isTerminal, sell, step } from '../../../src/jit/machine.ts'
import { MAX_PARTS, MAX_REFUSALS } from '../../../src/jit/parts.ts'
import type { Deal } from '../../../src/jit/states.ts'
import { forwardedAmount } from '../../../src/jit/verdict.ts'
import {
  ANY_AMOUNT,
  abandoned,
  aliasAdded,
  awaiting,
  CHANNEL,
  channelActive,
  channelClosed,
  channelRefused,
  clientOnline,
  DEAL,
  due,
  FEE,
  failed,
  forwarding,
  HALVES,
  HELD_AT,
  HOLD_MS,
  NOW,
  OTHER,
  OTHER_HASH,
  ofEarlierOrder,
  opening,
  openingWithoutPart,
  owed,
  PART,
  PENDING_ID,
  paid,
  partExpiring,
  partGone,
  partHeld,
  RECLAIM_AT,
  reclaiming,
  reclaimOrdered,
  SIZE,
  SMALL_PART,
  sent,
  settled,
  time,
  unearned,
  unwanted,
  VALID_UNTIL,
} from './samples.ts'

const OPEN = { type: 'open-channel', pendingChannelId: PENDING_ID, amount: SIZE, parts: 1 }
const RECLAIM = { type: 'reclaim-channel', pendingChannelId: PENDING_ID }
const HOLD_OVER = due(HELD_AT + HOLD_MS)

describe('news of an order that ended before', () => {
  it.each([opening(), forwarding(false), owed(true), unwanted(), reclaiming()])('change nothing in $tag', (sale) => {
    for (const event of [channelActive(), channelRefused('client-gone'), channelClosed()])
      expect(step(sale, ofEarlierOrder(event))).toMatchObject({ state: sale, effects: [], ignored: expect.any(String) })
  })
})

describe('a new sale', () => {
  it('waits for its payment and asks for nothing', () => {
    expect(sell(DEAL)).toMatchObject({
      state: { tag: 'awaiting', deal: DEAL, parts: [], refused: [] },
      effects: [],
      money: [],
    })
  })
})

describe('a sale awaiting its payment', () => {
  it('opens the channel when the whole payment is held and the client is online', () => {
    const { state, effects } = step(awaiting(), partHeld())
    expect(state).toMatchObject({ tag: 'opening', parts: [PART], pendingChannelId: PENDING_ID })
    expect(effects).toEqual([OPEN])
  })

  it('sizes the channel by what came, when that is more than was bought', () => {
    const more = msat(SIZE + 5n)
    const { effects } = step(awaiting(), partHeld({ amountIn: more, amountOut: more }))
    expect(effects).toEqual([{ ...OPEN, amount: more }])
  })

  it('only holds the payment while the client is away', () => {
    const { state, effects } = step(awaiting(), partHeld({}, { clientOnline: false }))
    expect(state).toEqual(awaiting(PART))
    expect(effects).toEqual([])
  })

  it('only holds a payment that is too small, also when the client comes', () => {
    const held = step(awaiting(), partHeld(SMALL_PART))
    expect(held.state).toEqual(awaiting(SMALL_PART))
    expect(step(held.state, clientOnline())).toMatchObject({ state: held.state, effects: [] })
  })

  it('opens the channel when the client comes back', () => {
    const { state, effects } = step(awaiting(PART), clientOnline())
    expect(state.tag).toBe('opening')
    expect(effects).toEqual([OPEN])
  })

  it('does not open for a client that comes when the offer has just ended', () => {
    expect(step(awaiting(PART), clientOnline(VALID_UNTIL))).toMatchObject({ state: awaiting(PART), effects: [] })
  })

  it('takes a payment that is offered again for the same one', () => {
    expect(step(awaiting(PART), partHeld())).toMatchObject({ state: awaiting(PART), ignored: 'part is known' })
  })

  it('opens for a whole payment beside one that is too small, which goes on waiting', () => {
    const { state, effects } = step(awaiting(SMALL_PART), partHeld({ circuit: OTHER, paymentHash: OTHER_HASH }))
    expect(state).toMatchObject({ tag: 'opening', parts: [SMALL_PART, { circuit: OTHER }], refused: [] })
    expect(effects).toEqual([OPEN])
  })

  it('holds a second payment beside the first', () => {
    const { state } = step(
      awaiting(PART),
      partHeld({ circuit: OTHER, paymentHash: OTHER_HASH }, { clientOnline: false }),
    )
    expect(state).toMatchObject({ tag: 'awaiting', parts: [PART, { circuit: OTHER }] })
  })

  it('remembers a bounded number of refusals, the newest ones', () => {
    const lie = { amountIn: msat(1n) }
    let sale = step(awaiting(PART), partHeld({ ...lie, circuit: 'first' })).state
    for (let n = 0; n < MAX_REFUSALS; n += 1) sale = step(sale, partHeld({ ...lie, circuit: `2:${n}` })).state
    const circuits = 'refused' in sale ? sale.refused.map(({ circuit }) => circuit) : []
    expect(circuits).toHaveLength(MAX_REFUSALS)
    expect(circuits).not.toContain('first')
  })

  it('gives the payment back when it was held long enough, and goes on selling', () => {
    const { state } = step(awaiting(PART), HOLD_OVER)
    expect(state).toMatchObject({ tag: 'awaiting', parts: [], refused: [{ circuit: PART.circuit }] })
  })

  it('does nothing at a deadline that came too early', () => {
    expect(step(awaiting(PART), due(HELD_AT + HOLD_MS - 1)).ignored).toBe('not due')
  })

  it('is abandoned when the offer ends', () => {
    expect(step(awaiting(), due(VALID_UNTIL)).state).toMatchObject({ tag: 'abandoned', why: 'expired' })
  })

  it('lets go of a payment that lnd does not hold any more', () => {
    expect(step(awaiting(PART), partGone()).state).toMatchObject({ tag: 'awaiting', parts: [] })
  })

  it('gives the payment back before lnd does', () => {
    expect(step(awaiting(PART), partExpiring()).state).toMatchObject({ parts: [] })
  })

  it.each([partExpiring(OTHER), partGone(OTHER), failed(OTHER)])(
    'keeps its payment when another one ends: $type',
    (event) => {
      expect(step(awaiting(PART), event).ignored).toBe('not a held part')
    },
  )
})

describe('a sale whose channel is being opened', () => {
  it('fixes the forward and asks for the alias when the channel is active', () => {
    const { state, effects } = step(opening(), channelActive())
    expect(state).toEqual(forwarding(false))
    expect(effects).toEqual([{ type: 'add-alias', chanId: CHANNEL.chanId }])
  })

  it('is owed its fee when the channel comes after its payment went', () => {
    expect(step(openingWithoutPart(), channelActive()).state).toMatchObject({ tag: 'owed', bound: false })
  })

  it('gives the payment back when the channel takes too long, and keeps waiting for the channel', () => {
    const { state, effects } = step(opening(), HOLD_OVER)
    expect(state).toMatchObject({ tag: 'opening', parts: [], refused: [{ circuit: PART.circuit }] })
    expect(effects).toEqual([])
  })

  it('lets the next whole payment take the channel over, without another open', () => {
    const { state, effects } = step(openingWithoutPart(), partHeld({ circuit: OTHER }))
    expect(state).toMatchObject({ tag: 'opening', parts: [{ circuit: OTHER }] })
    expect(effects).toEqual([])
  })

  it('holds a part that is too small to take the channel over: others may follow it', () => {
    const { state } = step(openingWithoutPart(), partHeld({ ...SMALL_PART, circuit: OTHER }))
    expect(state).toMatchObject({ tag: 'opening', parts: [{ circuit: OTHER }] })
    expect(step(state, channelActive()).state).toMatchObject({ tag: 'owed', parts: [{ circuit: OTHER }] })
  })

  it('ends when the client itself refuses the channel', () => {
    const { state } = step(opening(), channelRefused('client-refused'))
    expect(state).toMatchObject({ tag: 'abandoned', why: 'the client refused the channel: its words' })
  })

  it.each(['client-gone', 'no-coins', 'failed'] as const)(
    'goes back to waiting after a failure that may pass: %s',
    (reason) => {
      const { state } = step(opening(), channelRefused(reason))
      expect(state).toMatchObject({
        tag: 'awaiting',
        parts: [],
        refused: [{ code: 'temporary_channel_failure' }],
      })
    },
  )

  it('is not wanted any more when the offer ends with nothing held: it is asked back until it is gone', () => {
    const { state, effects } = step(openingWithoutPart(), due(VALID_UNTIL))
    expect(state).toMatchObject({ tag: 'unwanted', due: VALID_UNTIL + ASK_BACK_MS })
    expect(effects).toEqual([RECLAIM])
    expect(step(unwanted(), due(VALID_UNTIL + ASK_BACK_MS))).toMatchObject({
      state: { tag: 'unwanted' },
      effects: [RECLAIM],
    })
    expect(step(unwanted(), channelActive())).toMatchObject({ state: { tag: 'reclaiming' }, effects: [RECLAIM] })
    expect(step(unwanted(), channelClosed()).state).toMatchObject({ tag: 'unearned' })
    expect(step(unwanted(), channelRefused('failed')).state).toMatchObject({ tag: 'abandoned' })
    expect(step(unwanted(), reclaimOrdered()).ignored).toBeDefined()
  })

  it('is unearned when the channel closes before it was used', () => {
    expect(step(opening(), channelClosed()).state).toMatchObject({ tag: 'unearned', outpoint: CHANNEL.outpoint })
  })

  it.each([partExpiring(), partGone(), failed()])(
    'lets go of a payment that ends before the channel is there: $type',
    (event) => {
      expect(step(opening(), event).state).toMatchObject({ tag: 'opening', parts: [] })
    },
  )
})

describe('a sale that forwards its payment', () => {
  it('is bound once the alias is added', () => {
    expect(step(forwarding(false), aliasAdded()).state).toEqual(forwarding(true))
  })

  it('is paid when the client claims, and books what stayed with us', () => {
    const { state, money } = step(forwarding(true), settled())
    expect(state).toEqual(paid())
    expect(money).toEqual([
      {
        type: 'jit-fee',
        sale: DEAL.scid,
        client: DEAL.client,
        paymentHash: PART.paymentHash,
        circuit: PART.circuit,
        earned: FEE,
        openingFee: FEE,
        at: NOW,
      },
    ])
  })

  it('books only what lnd really kept, when it forwarded in full', () => {
    const { state, money } = step(forwarding(true), settled(PART.circuit, SIZE))
    expect(state).toMatchObject({ tag: 'paid', earned: 0n, amountOut: SIZE })
    expect(money).toMatchObject([{ earned: 0n, openingFee: 0n }])
  })

  it('books a routing fee beside the opening fee', () => {
    const more = { ...PART, amountIn: msat(SIZE + 7n) }
    const { money } = step({ ...forwarding(true), sent: [sent(more)] }, settled())
    expect(money).toMatchObject([{ earned: FEE + 7n, openingFee: FEE }])
  })

  it('keeps the channel and stays owed its fee when the wallet fails the payment', () => {
    const { state, money } = step(forwarding(true), failed())
    expect(state).toEqual({ ...owed(true), forwarded: [PART.circuit] })
    expect(money).toEqual([])
  })

  it.each([partExpiring(), partGone()])('never gives up a payment that may have been forwarded: $type', (event) => {
    expect(step(forwarding(true), event)).toMatchObject({ state: forwarding(true), effects: [] })
  })

  it('gives the payment back before lnd does while the alias is not bound', () => {
    const { state } = step(forwarding(false), partExpiring())
    expect(state).toMatchObject({ tag: 'owed', refused: [{ circuit: PART.circuit }] })
  })

  it('is owed its fee when the payment went before the alias was bound', () => {
    const { state } = step(forwarding(false), partGone())
    expect(state).toMatchObject({ tag: 'owed', bound: false, refused: [{ circuit: PART.circuit }] })
  })

  it.each([settled(OTHER), failed(OTHER)])('keeps out of what happens to other payments: $type', (event) => {
    expect(step(forwarding(true), event).ignored).toMatch(/^not a (held )?part/)
  })

  it('holds another payment until it is known what becomes of this one [L2-69]', () => {
    const other = { circuit: OTHER, paymentHash: OTHER_HASH }
    const held = step(forwarding(true), partHeld(other)).state
    expect(held).toMatchObject({ tag: 'forwarding', parts: [other] })
    expect(step(held, failed()).state).toMatchObject({ tag: 'forwarding', sent: [{ ...other, fee: FEE }], parts: [] })
    expect(step(held, settled()).state).toMatchObject({ tag: 'paid' })
  })

  it('gives another payment back that waited long enough, and one that comes when the offer is over', () => {
    const held = step(forwarding(true), partHeld({ circuit: OTHER, paymentHash: OTHER_HASH })).state
    expect(step(held, HOLD_OVER).state).toMatchObject({ tag: 'forwarding', parts: [], refused: [{ circuit: OTHER }] })
    const late = { ...failed(), at: VALID_UNTIL }
    expect(step(held, late).state).toMatchObject({ tag: 'owed', parts: [{ circuit: OTHER }] })
  })

  it('goes on when the channel closes: what became of the payment tells lnd', () => {
    expect(step(forwarding(true), channelClosed()).state).toEqual(forwarding(true))
  })
})

describe('a sale whose channel stands and is not paid for', () => {
  it('takes the fee from the next whole payment, over the same channel', () => {
    expect(step(owed(true), partHeld())).toMatchObject({ state: forwarding(true), effects: [] })
  })

  it('asks for the alias first when that was never bound', () => {
    const { state, effects } = step(owed(false), partHeld())
    expect(state).toEqual(forwarding(false))
    expect(effects).toEqual([{ type: 'add-alias', chanId: CHANNEL.chanId }])
  })

  it('holds a part that is not the whole payment', () => {
    expect(step(owed(true), partHeld(SMALL_PART)).state).toMatchObject({ tag: 'owed', parts: [SMALL_PART] })
  })

  it('is unearned when the channel closes', () => {
    expect(step(owed(true), channelClosed()).state).toMatchObject({ tag: 'unearned' })
  })

  it('waits with the channel after the offer, then asks for it back, then is unearned', () => {
    const ended = step(owed(true), due(VALID_UNTIL))
    expect(step(owed(true), due(VALID_UNTIL - 1)).state).toEqual(owed(true))
    expect(ended).toMatchObject({ state: reclaiming(), effects: [] })
    expect(step(ended.state, due(RECLAIM_AT - 1)).state).toEqual(ended.state)
    const asked = step(ended.state, due(RECLAIM_AT))
    expect(asked).toMatchObject({ state: { tag: 'reclaiming', due: undefined }, effects: [RECLAIM] })
    expect(step(asked.state, reclaimOrdered()).state).toMatchObject({ tag: 'unearned', outpoint: CHANNEL.outpoint })
  })

  it('gives up a channel at once that was never published', () => {
    const trusting: Deal = { ...DEAL, trust: 'client-trusts-lsp' }
    const { state, effects } = step({ ...owed(true), deal: trusting }, due(VALID_UNTIL))
    expect(state).toMatchObject({ tag: 'reclaiming', due: undefined })
    expect(effects).toEqual([RECLAIM])
  })

  it('is unearned at the end of the offer when channels are never taken back', () => {
    const { reclaimAfter: _, ...kept } = DEAL
    const { state, effects } = step({ ...owed(true), deal: kept }, due(VALID_UNTIL))
    expect(state).toMatchObject({ tag: 'unearned', outpoint: CHANNEL.outpoint })
    expect(effects).toEqual([])
  })

  it('gives back what is held when the offer ends: it would be forwarded without the fee', () => {
    const { state } = step({ ...owed(true), parts: [SMALL_PART] }, due(VALID_UNTIL))
    expect(state).toMatchObject({ tag: 'reclaiming', refused: [{ circuit: SMALL_PART.circuit }] })
  })
})

describe('a payment in several parts', () => {
  const [first, second] = HALVES
  const both = { ...awaiting(), parts: [...HALVES] }

  it('opens the channel with its last part, sized for the whole [L2-60]', () => {
    const one = step(awaiting(), partHeld(first))
    expect(one).toMatchObject({ state: { tag: 'awaiting', parts: [first] }, effects: [] })
    const two = step(one.state, partHeld(second))
    expect(two.state).toMatchObject({ tag: 'opening', parts: [first, second] })
    expect(two.effects).toEqual([{ ...OPEN, parts: 2 }])
  })

  it('is not made whole by parts of another hash', () => {
    const { state } = step({ ...awaiting(), parts: [first] }, partHeld({ ...second, paymentHash: OTHER_HASH }))
    expect(state).toMatchObject({ tag: 'awaiting', parts: [first, { circuit: second.circuit }] })
  })

  it('is held for 90 s from its first part, then given back whole; later parts start anew [L2-61] [L2-62]', () => {
    expect(deadline(both)).toBe(first.heldAt + HOLD_MS)
    const { state } = step(both, due(first.heldAt + HOLD_MS))
    expect(state).toMatchObject({ parts: [], refused: [{ circuit: first.circuit }, { circuit: second.circuit }] })
    const later = step(state, partHeld({ ...first, circuit: '1:12', heldAt: NOW })).state
    expect(deadline(later)).toBe(NOW + HOLD_MS)
  })

  it('pays the fee with its first part, and with others what that cannot carry [L2-96]', () => {
    const small = { ...first, amountIn: msat(FEE - 1000n), amountOut: msat(FEE - 1000n) }
    const rest = { ...second, amountIn: SIZE, amountOut: SIZE }
    const { state } = step({ ...opening(), parts: [small, rest] }, channelActive())
    const fees = state.tag === 'forwarding' ? state.sent.map(({ fee }) => fee) : []
    expect(fees).toEqual([FEE - 2000n, 2000n])
  })

  it('goes back whole when so many parts cannot carry the fee [L2-65]', () => {
    const tiny = { ...DEAL, paymentSize: msat(FEE + 1500n) }
    const half = msat(FEE / 2n + 750n)
    const parts = HALVES.map((part) => ({ ...part, amountIn: half, amountOut: half }))
    const { state } = step({ ...awaiting(), deal: tiny, parts: parts.slice(0, 1) }, partHeld(parts[1]))
    expect(state).toMatchObject({
      tag: 'awaiting',
      parts: [],
      refused: [{ code: 'unknown_next_peer' }, { code: 'unknown_next_peer' }],
    })
  })

  it('is paid when its last part settles, and each part is booked [L2-92]', () => {
    const going = { ...forwarding(true), sent: [sent(first), sent(second, msat(0n))] }
    const one = step(going, settled(first.circuit, msat(first.amountOut - FEE)))
    expect(one).toMatchObject({ state: { tag: 'forwarding' }, money: [{ circuit: first.circuit, earned: FEE }] })
    const two = step(one.state, settled(second.circuit, second.amountOut))
    expect(two.state).toMatchObject({ tag: 'paid', amountIn: SIZE, amountOut: SIZE - FEE, earned: FEE })
    expect(two.money).toMatchObject([{ circuit: second.circuit, earned: 0n, openingFee: 0n }])
  })

  it('stays owed what was not collected when the client claims only the parts without the fee', () => {
    const going = { ...forwarding(true), sent: [sent(first), sent(second, msat(0n))] }
    const claimed = step(going, settled(second.circuit, second.amountOut)).state
    const { state } = step(claimed, failed(first.circuit))
    expect(state).toMatchObject({ tag: 'owed', collected: 0n })
    const next = step(state, partHeld({ circuit: OTHER, paymentHash: OTHER_HASH })).state
    expect(next).toMatchObject({ tag: 'forwarding', sent: [{ circuit: OTHER, fee: FEE }] })
  })

  it('takes of the next payment only what earlier parts did not pay', () => {
    const paidHalf = { ...owed(true), collected: msat(400_000n) }
    const { state } = step(paidHalf, partHeld({ circuit: OTHER }))
    expect(state).toMatchObject({ tag: 'forwarding', sent: [{ circuit: OTHER, fee: FEE - 400_000n }] })
  })

  it('lets a late part follow the others, without a deduction', () => {
    const { state } = step(forwarding(true), partHeld({ ...second, circuit: OTHER }))
    expect(state).toMatchObject({ sent: [{ fee: FEE }, { circuit: OTHER, fee: 0n }] })
  })

  it('takes of a late part what a failed one should have paid', () => {
    const going = { ...forwarding(true), sent: [sent(first, FEE, { type: 'failed' }), sent(second, msat(0n))] }
    const { state } = step(going, partHeld({ ...first, circuit: OTHER }))
    expect(state).toMatchObject({ sent: [{}, {}, { circuit: OTHER, fee: FEE }] })
  })

  it('waits for its missing part over a channel that stands, when one had to be given back', () => {
    const going = { ...forwarding(false), sent: [sent(first), sent(second, msat(0n))] }
    const back = step(going, partExpiring(first.circuit)).state
    expect(back).toMatchObject({ tag: 'owed', parts: [second], refused: [{ circuit: first.circuit }] })
    const again = step(back, partHeld({ ...first, circuit: OTHER })).state
    expect(again).toMatchObject({ tag: 'forwarding', sent: [{ circuit: second.circuit }, { circuit: OTHER }] })
  })

  it('takes no part up again that has ended, as lnd may let them go by itself before the alias is known [D2]', () => {
    const ended = sent(first, FEE, { type: 'settled', amountOut: first.amountOut })
    const going = { ...forwarding(false), sent: [ended, sent(second, msat(0n))] }
    for (const event of [partGone(second.circuit), partExpiring(second.circuit)])
      expect(step(going, event)).toMatchObject({ state: going, ignored: expect.any(String) })
    expect(step(going, failed(second.circuit)).state).toMatchObject({ tag: 'paid', fee: FEE })
  })

  it('is bounded: the smallest other payment gives way to a larger one, and the smallest is not taken', () => {
    const dust = (n: number) => ({
      ...PART,
      circuit: `3:${n}`,
      paymentHash: `${n}`,
      amountIn: msat(1000n),
      amountOut: msat(1000n),
    })
    const full = { ...awaiting(), parts: Array.from({ length: MAX_PARTS }, (_, n) => dust(n)) }
    const whole = step(full, partHeld())
    expect(whole.state).toMatchObject({ tag: 'opening', refused: [{ circuit: '3:0' }] })
    const more = step(full, partHeld(dust(99))).state
    expect(more).toMatchObject({ parts: full.parts, refused: [{ circuit: '3:99' }] })
  })

  it('cannot be more than twice what was sold', () => {
    const { state } = step(both, partHeld({ circuit: OTHER, amountIn: msat(SIZE + 1n), amountOut: msat(SIZE + 1n) }))
    expect(state).toMatchObject({ refused: [{ circuit: OTHER, code: 'unknown_next_peer' }] })
  })
})

describe('an invoice without an amount', () => {
  const waiting = { ...awaiting(), deal: ANY_AMOUNT }

  it('is paid by one HTLC, whose amount decides the fee [L2-67]', () => {
    const paying = msat(800_000_000n)
    const { state } = step(waiting, partHeld({ amountIn: paying, amountOut: paying }))
    const going = step(state, channelActive()).state
    expect(going).toMatchObject({ tag: 'forwarding', fee: 2_000_000n, sent: [{ fee: 2_000_000n }] })
  })

  it.each([
    ['less than the offer allows', msat(9_999_999n)],
    ['more than the offer allows', msat(1_000_000_001n)],
  ])('is not paid by %s [L2-68]', (_, amount) => {
    const { state } = step(waiting, partHeld({ amountIn: amount, amountOut: amount }))
    expect(state).toMatchObject({ tag: 'awaiting', parts: [], refused: [{ code: 'unknown_next_peer' }] })
  })

  it('holds a second HTLC, also of the same hash, and forwards it when the first failed [L2-69]', () => {
    const first = step(waiting, partHeld()).state
    const second = step(first, partHeld({ circuit: OTHER })).state
    const going = step(second, channelActive()).state
    expect(going).toMatchObject({ tag: 'forwarding', sent: [{ circuit: PART.circuit }], parts: [{ circuit: OTHER }] })
    expect(step(going, failed()).state).toMatchObject({ tag: 'forwarding', sent: [{ circuit: OTHER, fee: FEE }] })
  })
})

describe('a sale to a client that trusts us', () => {
  const trusting: Deal = { ...DEAL, trust: 'client-trusts-lsp' }

  it('publishes the funding when the first part settles, once [L2-88]', () => {
    const [first, second] = HALVES
    const going = { ...forwarding(true), deal: trusting, sent: [sent(first), sent(second, msat(0n))] }
    const one = step(going, settled(first.circuit, msat(first.amountOut - FEE)))
    expect(one.effects).toEqual([{ type: 'publish-funding', pendingChannelId: PENDING_ID }])
    expect(step(one.state, settled(second.circuit, second.amountOut)).effects).toEqual([])
  })

  it('publishes nothing when the client fails the payment', () => {
    expect(step({ ...forwarding(true), deal: trusting }, failed()).effects).toEqual([])
  })
})

describe('a sale that ended', () => {
  it.each([paid(), abandoned(), unearned()])('hears of nothing any more: $tag', (sale) => {
    expect(isTerminal(sale)).toBe(true)
    expect(step(sale, partHeld({ circuit: OTHER }))).toMatchObject({ state: sale, effects: [], money: [] })
  })
})

describe('the deadline of a sale', () => {
  it.each([
    ['the end of the offer while nothing is held', awaiting(), VALID_UNTIL],
    ['the end of the hold while a part is held', awaiting(PART), HELD_AT + HOLD_MS],
    ['the end of the offer when that comes before', awaiting({ ...PART, heldAt: time(VALID_UNTIL - 1) }), VALID_UNTIL],
    ['the end of the hold while the channel is opened', opening(), HELD_AT + HOLD_MS],
    ['the end of the offer while a channel is opened for nothing held', openingWithoutPart(), VALID_UNTIL],
    ['none while the payment is forwarded', forwarding(true), undefined],
    ['the end of the offer while only the fee is owed', owed(true), VALID_UNTIL],
    ['the time to take the channel back', reclaiming(), RECLAIM_AT],
    ['none at the end', paid(), undefined],
  ])('is %s', (_, sale, at) => {
    expect(deadline(sale)).toBe(at)
  })
})

describe('what is forwarded', () => {
  it('is what the onion asks for less the opening fee', () => {
    expect(forwardedAmount(sent({ ...PART, amountIn: msat(SIZE + 9n) }))).toBe(SIZE - FEE)
  })
})
