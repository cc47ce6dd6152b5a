import { describe, expect, it } from 'vitest'
import { plain } from '../../../src/cli/format.ts'
import { renderDrain } from '../../../src/cli/render-drain.ts'
import { renderFindings } from '../../../src/cli/render-findings.ts'
import { renderQuote } from '../../../src/cli/render-price.ts'
import { renderReconcile } from '../../../src/cli/render-reconcile.ts'
import { renderRecord, renderSales } from '../../../src/cli/render-sales.ts'
import { renderStatus } from '../../../src/cli/render-status.ts'
import { paintFor } from '../../../src/cli/terminal.ts'
import { AGREES, CLIENT, HASH, OPEN, QUOTE, RECORD, SALE, SALE_PRICE, STATUS, TXID } from '../admin/samples.ts'

const NOW = Date.parse('2026-01-03T05:07:09.000Z')
const lines = (text: string) => text.split('\n')

describe('sluice status', () => {
  it('shows the warnings first, then the facts, then the limits', () => {
    expect(lines(renderStatus(STATUS, NOW, plain))).toEqual([
      'warning  lnd runs without requireinterceptor',
      '',
      'sluiced      0.1.0 on regtest, up 1 d 2 h',
      'started      2026-01-02T03:04:05Z (1 d ago)',
      'lnd          0.21.3-beta, with requireinterceptor, block 451, synced',
      `node         alice ${CLIENT}`,
      'wallet       12,500,000 sat confirmed and free',
      'interceptor  up',
      'streams      down: messages, reopened 3 times',
      'sales        2 awaiting, 1,234 paid',
      'held         1 HTLC, 100,000 sat',
      'openings     1 published',
      'outbox       0 waiting',
      'earned       9,007,199,254,740.993 sat',
      'promises     1,200 kept, 34 over',
      'webhooks     2 of 1 client, 0 notifications under way',
      'woken        10 of 12 clients that were called, half within 2.134 s; 13 answered, 1 not',
      'waiting      1 HTLC, 12,345.678 sat, for 1 client that is away',
      '',
      'limit               used      of',
      'live sales             2  10,000',
      'held HTLCs             1     200',
      "lnd's access slots    12     100",
      '',
      'sells      lsp-trusts-client',
      'coins      21 coins, 20,500,000 sat free, 20,475,000 sat to spend',
      'kept back  25,000 sat reserve, 0 sat for anchor channels',
      'reserved   2 openings, 402,000 sat',
      'ready      18 of 20 coins of 1,000,000 sat, 0 coming',
      'sold       7 channels, 3,400,000 sat',
      'largest    channel of 20,470,000 sat, 90,000,000 sat can come in',
      'budget     next freed in 30 min',
      'cooldown   1 peer',
      '',
      'bound in sat                             used       of',
      'inventory.unearned_budget_sat_per_hour  1,460  250,000',
    ])
  })

  it('shows what orders earned beside it, once there were some', () => {
    const shown = lines(renderStatus({ ...STATUS, orders_earned_msat: '36374000' }, NOW, plain))
    expect(shown.filter((line) => /^(earned|by orders) /.test(line))).toEqual([
      'earned       9,007,199,254,740.993 sat',
      'by orders    36,374 sat',
    ])
  })

  it('says when lnd was never reached and nothing happened yet', () => {
    const { node: _, access_slots: __, ...rest } = STATUS
    const text = renderStatus({ ...rest, sales: {}, funding: {}, warnings: [] }, NOW, plain)

    expect(text).toMatch(/^sluiced /)
    expect(text).toMatch(/\nlnd +not reached yet\n/)
    expect(text).toMatch(/\nsales +none\n/)
  })

  it('says that nothing is sold', () => {
    const text = renderStatus({ ...STATUS, draining_since: '2026-01-03T05:07:00.000Z' }, NOW, plain)

    expect(text).toContain('\nselling      no, draining since 2026-01-03T05:07:00Z (9 s ago)\nsales ')
    expect(renderStatus(STATUS, NOW, plain)).not.toContain('selling')
  })

  it('colours a limit that is nearly used up', () => {
    const status = {
      ...STATUS,
      limits: [
        { name: 'a', used: 8, max: 10 },
        { name: 'b', used: 10, max: 10 },
        { name: 'c', used: 7, max: 10 },
      ],
    }
    const text = renderStatus(status, NOW, (style, part) => `${style}(${part})`)

    expect(text).toContain('yellow(8)')
    expect(text).toContain('red(10)')
    expect(text).not.toMatch(/(yellow|red)\(7\)/)
  })
})

describe('sluice jit list', () => {
  it('has a line per sale', () => {
    const { earned_msat: _, ...open } = SALE
    expect(lines(renderSales([SALE, { ...open, id: '16000001x1x1', state: 'awaiting' }], NOW, plain))).toEqual([
      'sale          state         payment        fee     earned  client          sold',
      '16123456x7x8  paid      100,000 sat  2,000 sat  2,000 sat  02ababab..abab  2026-01-02T03:04:05Z (1 d ago)',
      '16000001x1x1  awaiting  100,000 sat  2,000 sat          -  02ababab..abab  2026-01-02T03:04:05Z (1 d ago)',
    ])
  })

  it('says when there is none', () => {
    expect(renderSales([], NOW, plain)).toBe('no sales')
  })
})

describe('sluice jit show', () => {
  it('tells one sale from offer to settlement', () => {
    expect(lines(renderRecord(RECORD, NOW, plain))).toEqual([
      'sale          16123456x7x8',
      'state         paid',
      `client        ${CLIENT}`,
      'scid          16123456x7x8',
      'sold          2026-01-02T03:04:05Z (1 d ago)',
      'valid until   2026-01-02T04:04:05Z (1 d ago)',
      'payment       100,000 sat',
      'fee agreed    2,000 sat: 4,000 ppm, at least 2,000 sat',
      'came in       100,000 sat',
      'client got    98,000 sat',
      'earned        2,000 sat',
      `payment hash  ${HASH}`,
      `funding       ${TXID}:1`,
      'capacity      111,000 sat',
      'channel       17592186044416000',
      'promised      4,320 blocks of lifetime, to_self_delay at most 2,016 blocks',
      '',
      'time                         after  step',
      '2026-01-02T03:04:05.000Z     +0 ms  sold',
      `                                      client ${CLIENT}`,
      '2026-01-02T03:04:06.100Z  +1.100 s  payment held',
      '                                      amount 100,000 sat',
      '2026-01-02T03:04:06.412Z   +312 ms  channel active',
      `                                      outpoint ${TXID}:1`,
      '2026-01-02T03:04:06.500Z    +88 ms  settled',
    ])
  })
})

describe('how the price of a sale came about', () => {
  const shown = (price: typeof RECORD.price) => lines(renderRecord({ ...RECORD, price }, NOW, plain)).slice(8, 15)

  it('is shown with its numbers', () => {
    expect(shown(SALE_PRICE)).toEqual([
      'price list    0le2ab3c4, token partner',
      'least fee        165 vB x 12 sat/vB to open   1,980 sat',
      '              +  235 vB x 12 sat/vB to close  2,820 sat',
      '              +  10 % of both                   480 sat',
      '              =  least fee by the chain       5,280 sat',
      '              the larger of that and 2,000 sat, the floor of the offer',
      'came in       100,000 sat',
    ])
  })

  it('is shown when it was fixed, or is no longer on record', () => {
    expect(shown({ list: '0le2ab3c4', floor_msat: '2000000' })[1]).toBe('least fee     2,000 sat, fixed by the config')
    expect(shown({ list: '0le2ab3c4' })[1]).toBe('least fee     how it came about is no longer on record')
  })
})

describe('sluice quote', () => {
  it('shows the menu, what a payment would cost, and the formula, within 80 columns', () => {
    const text = lines(renderQuote(QUOTE, NOW, plain))
    expect(text).toEqual([
      'at          2026-01-03T05:07:00Z (9 s ago)',
      'sold now    2 offers',
      'feerate     12 sat/vB of 20 s ago by lnd; nothing is sold above 100',
      'second      13.5 sat/vB of 45 s ago; nothing is sold when over 3 times apart',
      '            http://mempool.lan:8999/api/v1/fees/recommended',
      'price list  0le2ab3c4',
      'least fee      165 vB x 12 sat/vB to open   1,980 sat',
      '            +  235 vB x 12 sat/vB to close  2,820 sat',
      '            +  10 % of both                   480 sat',
      '            =  least fee by the chain       5,280 sat',
      '',
      'least fee    ppm  payments from              to  valid for  fee of 1,500,000 sat',
      '5,280 sat  4,000     10,000 sat   1,000,000 sat  1 h               refused (203)',
      '5,280 sat  6,000     10,000 sat  10,000,000 sat  10 min                9,000 sat',
    ])
    expect(text.filter((line) => line.length > 80)).toEqual([])
  })

  it('says why nothing is sold, and what to do', () => {
    const stops = [
      {
        code: 'feerates-differ',
        what: 'lnd says 5 sat/vB, http://mempool.lan:8999/api/v1/fees/recommended says 40 sat/vB: more than 3 times apart',
        fix: 'find out which is right',
      },
    ]
    const text = lines(renderQuote({ ...QUOTE, stops, menu: [] }, NOW, plain))
    expect(text.slice(0, 6)).toEqual([
      'stop     lnd says 5 sat/vB, http://mempool.lan:8999/api/v1/fees/recommended says',
      '         40 sat/vB: more than 3 times apart',
      '         fix: find out which is right',
      '',
      'at          2026-01-03T05:07:00Z (9 s ago)',
      'sold now    nothing, for 1 reason',
    ])
    expect(text.filter((line) => line.length > 80)).toEqual([])
  })

  it('is short while there was no feerate yet, or prices are fixed', () => {
    const { price, ...rest } = QUOTE
    const unknown = renderQuote({ ...rest, feerate: { ceiling_sat_per_vbyte: 100 }, menu: [] }, NOW, plain)
    expect(lines(unknown).at(-1)).toBe('feerate   not known by lnd; nothing is sold above 100')
    const fixed = renderQuote({ ...rest, price: { list: price?.list ?? '' } }, NOW, plain)
    expect(fixed).toContain('least fee   fixed by the config')
  })
})

describe('sluice doctor', () => {
  it('shows each finding with its fix, and the sum', () => {
    const text = renderFindings(
      [
        { severity: 'ok', what: 'lnd 0.21.3-beta' },
        { severity: 'warning', what: 'few access slots', fix: 'set num-restricted-slots=500' },
        { severity: 'error', what: 'no zero-conf', fix: 'add to lnd.conf:\nprotocol.zero-conf=true' },
      ],
      plain,
    )
    expect(lines(text)).toEqual([
      'ok       lnd 0.21.3-beta',
      'warning  few access slots',
      '         fix: set num-restricted-slots=500',
      'error    no zero-conf',
      '         fix: add to lnd.conf:',
      '         protocol.zero-conf=true',
      '',
      '1 error, 1 warning: sluiced will not start',
    ])
  })

  it('is content with a node that suits', () => {
    expect(renderFindings([{ severity: 'ok', what: 'x' }], plain)).toMatch(/all is well$/)
  })
})

describe('colours', () => {
  it('are for terminals only, and for those who want them', () => {
    expect(paintFor({ isTTY: true }, {})('red', 'x')).toBe('\u001b[31mx\u001b[39m')
    expect(paintFor({ isTTY: true }, { NO_COLOR: '1' })('red', 'x')).toBe('x')
    expect(paintFor({ isTTY: true }, { TERM: 'dumb' })('red', 'x')).toBe('x')
    expect(paintFor({}, {})('red', 'x')).toBe('x')
  })
})

describe('sluice drain', () => {
  it('shows what is still open and what ends it, within 80 columns', () => {
    const text = renderDrain({ ...OPEN, more: 1_000 }, NOW, plain)

    expect(lines(text)).toEqual([
      'selling  no, draining since 2026-01-03T05:07:00Z (9 s ago)',
      'open     1 sale awaiting, 1 sale forwarding, 1 channel standing, 1 HTLC held',
      '',
      'sale 16077122x14676279x35511  awaiting',
      '  until its payment, or the end of its offer at 2026-01-03T06:07:09.001Z',
      'sale 16123456x7x8  forwarding',
      '  until the end of the payment that was forwarded',
      'channel efefefef..efef:1  standing',
      '  until the confirmation of its funding transaction',
      'and 1,000 more',
    ])
    expect(lines(text).filter((line) => line.length > 80)).toEqual([])
  })

  it('says when sluiced may be stopped, and that it sells again', () => {
    const { draining_since: _, ...selling } = {
      ...OPEN,
      done: true,
      sales: {},
      funding: {},
      held_htlcs: 0,
      waits_for: [],
    }

    expect(renderDrain(selling, NOW, plain)).toBe('selling  yes\nopen     nothing: sluiced may be stopped')
  })
})

describe('sluice reconcile', () => {
  it('shows each difference with both sides and what to do, within 80 columns', () => {
    const differences = [
      {
        kind: 'row-not-booked',
        thing: 'channel 17592186044416000002, circuit 499178279141376:0',
        ours: 'not in the journal',
        theirs: 'kept 1000000 msat',
        todo: 'nothing if you raised the fees of this channel: an ordinary forward; else restart sluiced, it looks for fees',
      },
      {
        kind: 'order-without-channel',
        thing: 'opening cdcdcdcdcdcdcdcd..',
        ours: `stands as ${TXID}:1`,
        theirs: 'no such channel, open, pending or closed',
        todo: 'look at the log',
      },
    ]
    const text = renderReconcile({ ...AGREES, differences, more: 3 }, plain)

    expect(lines(text)).toEqual([
      'channel 17592186044416000002, circuit 499178279141376:0',
      '  row-not-booked',
      '  ours  not in the journal',
      '  lnd   kept 1000000 msat',
      '  do    nothing if you raised the fees of this channel: an ordinary forward;',
      '        else restart sluiced, it looks for fees',
      '',
      'opening cdcdcdcdcdcdcdcd..',
      '  order-without-channel',
      '  ours  stands as',
      `        ${TXID}:1`,
      '  lnd   no such channel, open, pending or closed',
      '  do    look at the log',
      '',
      'and 3 more differences',
      '',
      'compared 2 open sales, 1 opening, 40 channels, 1,234 fees: 5 differences',
    ])
    expect(lines(text).filter((line) => line.length > 80)).toEqual([])
  })
})
