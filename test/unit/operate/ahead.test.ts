import { describe, expect, it } from 'vitest'
import { msat, sat } from '../../../lsps/base/amount.ts'
import type { Scid } from '../../../lsps/base/scid.ts'
import { catchUpSale } from '../../../src/jit/catch-up.ts'
import type { Forward } from '../../../src/lnd/port.ts'
import { aheadOf, byChannel, type Facts } from '../../../src/operate/ahead.ts'
import type { Sightings } from '../../../src/operate/sightings.ts'
import { CHANNEL, DEAL, FEE, NOW, owed, SIZE } from '../jit/samples.ts'

const CIRCUIT = '5:1'
const ROW: Forward = {
  circuit: CIRCUIT,
  incomingChannel: 5n,
  outgoingChannel: CHANNEL.chanId,
  amountIn: SIZE,
  amountOut: msat(SIZE - FEE),
  fee: FEE,
  at: NOW,
}
const SEEN = {
  ours: [],
  open: new Map([[CHANNEL.chanId, { outpoint: CHANNEL.outpoint, chanId: CHANNEL.chanId, totalSent: sat(99_000n) }]]),
  aliases: new Map(),
  inFlightOver: new Map(),
} as unknown as Sightings

function lookAt(explained: Facts['explained']) {
  const suspect = { scid: DEAL.scid, sale: owed(true), found: undefined, chanId: CHANNEL.chanId }
  const ahead = aheadOf(suspect, owed(true), { seen: SEEN, rows: byChannel([ROW]), explained }, NOW)
  return catchUpSale(owed(true), ahead)?.sale.tag
}

describe('a forward over the channel of a sale that is owed its fee', () => {
  it('pays the fee when nothing on record explains it', () => {
    expect(lookAt(new Map())).toBe('paid')
  })

  it('is none of its business when another sale of the client counts on it: lnd sends over any channel of a peer', () => {
    expect(lookAt(new Map([[CIRCUIT, '16100000x9x9' as Scid]]))).toBeUndefined()
  })

  it('is none of its business when it stands in the journal', () => {
    expect(lookAt(new Map([[CIRCUIT, '']]))).toBeUndefined()
  })
})
