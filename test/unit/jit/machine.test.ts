import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import { deadline, forwardedAmount, isTerminal, MAX_REFUSALS, sell, step } from '../../../src/jit/machine.ts'
import {
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
  HELD_AT,
  HOLD_MS,
  NOW,
  OTHER,
  opening,
  openingWithoutPart,
  owed,
  PART,
  PENDING_ID,
  paid,
  partExpiring,
  partGone,
  partHeld,
  SIZE,
  SMALL_PART,
  settled,
  time,
  unearned,
  VALID_UNTIL,
} from './samples.ts'

const OPEN = { type: 'open-channel', pendingChannelId: PENDING_ID, amount: SIZE }
const HOLD_OVER = due(HELD_AT + HOLD_MS)

describe('a new sale', () => {
  it('waits for its payment and asks for nothing', () => {
    expect(sell(DEAL)).toMatchObject({ state: { tag: 'awaiting', deal: DEAL, refused: [] }, effects: [], money: [] })
  })
})

describe('a sale awaiting its payment', () => {
  it('opens the channel when the whole payment is held and the client is online', () => {
    const { state, effects } = step(awaiting(), partHeld())
    expect(state).toMatchObject({ tag: 'opening', part: PART, pendingChannelId: PENDING_ID })
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

  it('lets a payment that is too small give way to a whole one', () => {
    const { state, effects } = step(awaiting(SMALL_PART), partHeld({ circuit: OTHER }))
    expect(state).toMatchObject({ tag: 'opening', part: { circuit: OTHER }, refused: [{ circuit: PART.circuit }] })
    expect(effects).toHaveLength(1)
    const small = step(awaiting(SMALL_PART), partHeld({ ...SMALL_PART, circuit: OTHER })).state
    expect(small).toMatchObject({ tag: 'awaiting', part: SMALL_PART, refused: [{ circuit: OTHER }] })
  })

  it('refuses a second payment beside the first', () => {
    const { state } = step(awaiting(PART), partHeld({ circuit: OTHER }))
    expect(state).toMatchObject({ part: PART, refused: [{ circuit: OTHER, code: 'temporary_channel_failure' }] })
  })

  it('remembers a bounded number of refusals, the newest ones', () => {
    let sale = step(awaiting(PART), partHeld({ circuit: 'first' })).state
    for (let n = 0; n < MAX_REFUSALS; n += 1) sale = step(sale, partHeld({ circuit: `2:${n}` })).state
    const circuits = 'refused' in sale ? sale.refused.map(({ circuit }) => circuit) : []
    expect(circuits).toHaveLength(MAX_REFUSALS)
    expect(circuits).not.toContain('first')
  })

  it('gives the payment back when it was held long enough, and goes on selling', () => {
    const { state } = step(awaiting(PART), HOLD_OVER)
    expect(state).toMatchObject({ tag: 'awaiting', part: undefined, refused: [{ circuit: PART.circuit }] })
  })

  it('does nothing at a deadline that came too early', () => {
    expect(step(awaiting(PART), due(HELD_AT + HOLD_MS - 1)).ignored).toBe('not due')
  })

  it('is abandoned when the offer ends', () => {
    expect(step(awaiting(), due(VALID_UNTIL)).state).toMatchObject({ tag: 'abandoned', why: 'expired' })
  })

  it('lets go of a payment that lnd does not hold any more', () => {
    expect(step(awaiting(PART), partGone()).state).toMatchObject({ tag: 'awaiting', part: undefined })
  })

  it('gives the payment back before lnd does', () => {
    expect(step(awaiting(PART), partExpiring()).state).toMatchObject({ part: undefined })
  })

  it.each([partExpiring(OTHER), partGone(OTHER), failed(OTHER)])(
    'keeps its payment when another one ends: $type',
    (event) => {
      expect(step(awaiting(PART), event).ignored).toBe('not the held part')
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
    expect(state).toMatchObject({ tag: 'opening', part: undefined, refused: [{ circuit: PART.circuit }] })
    expect(effects).toEqual([])
  })

  it('lets the next whole payment take the channel over, without another open', () => {
    const { state, effects } = step(openingWithoutPart(), partHeld({ circuit: OTHER }))
    expect(state).toMatchObject({ tag: 'opening', part: { circuit: OTHER } })
    expect(effects).toEqual([])
  })

  it('refuses a payment that is too small to take the channel over', () => {
    const { state } = step(openingWithoutPart(), partHeld({ ...SMALL_PART, circuit: OTHER }))
    expect(state).toMatchObject({ part: undefined, refused: [{}, { circuit: OTHER }] })
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
        part: undefined,
        refused: [{ code: 'temporary_channel_failure' }],
      })
    },
  )

  it('is unearned when the channel closes before it was used', () => {
    expect(step(opening(), channelClosed()).state).toMatchObject({ tag: 'unearned', outpoint: CHANNEL.outpoint })
  })

  it.each([partExpiring(), partGone(), failed()])(
    'lets go of a payment that ends before the channel is there: $type',
    (event) => {
      expect(step(opening(), event).state).toMatchObject({ tag: 'opening', part: undefined })
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
    const { money } = step({ ...forwarding(true), part: more }, settled())
    expect(money).toMatchObject([{ earned: FEE + 7n, openingFee: FEE }])
  })

  it('keeps the channel and stays owed its fee when the wallet fails the payment', () => {
    const { state, money } = step(forwarding(true), failed())
    expect(state).toEqual(owed(true))
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
    expect(step(forwarding(true), event).ignored).toBe('not our part')
  })

  it('refuses a second payment', () => {
    const { state } = step(forwarding(true), partHeld({ circuit: OTHER }))
    expect(state).toMatchObject({ part: PART, refused: [{ circuit: OTHER }] })
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

  it('refuses a payment that does not carry the fee', () => {
    expect(step(owed(true), partHeld(SMALL_PART)).state).toMatchObject({ tag: 'owed', refused: [{}] })
  })

  it('is unearned when the channel closes', () => {
    expect(step(owed(true), channelClosed()).state).toMatchObject({ tag: 'unearned' })
  })

  it('is unearned when the offer ends', () => {
    const due = (at: number) => step(owed(true), { type: 'deadline', at: time(at) }).state
    expect(due(VALID_UNTIL - 1)).toEqual(owed(true))
    expect(due(VALID_UNTIL)).toMatchObject({ tag: 'unearned', outpoint: CHANNEL.outpoint })
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
    ['none while a channel is opened for nothing held', openingWithoutPart(), undefined],
    ['none while the payment is forwarded', forwarding(true), undefined],
    ['the end of the offer while only the fee is owed', owed(true), VALID_UNTIL],
    ['none at the end', paid(), undefined],
  ])('is %s', (_, sale, at) => {
    expect(deadline(sale)).toBe(at)
  })
})

describe('what is forwarded', () => {
  it('is what the onion asks for less the opening fee', () => {
    expect(forwardedAmount(DEAL, { ...PART, amountIn: msat(SIZE + 9n) })).toBe(SIZE - FEE)
  })
})
