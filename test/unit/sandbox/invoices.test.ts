import { describe, expect, it } from 'vitest'
import type { Msat, Sat } from '../../../lsps/base/amount.ts'
import type { HoldInvoiceRequest, Invoice } from '../../../src/lnd/port.ts'
import { MPP_HOLD_MS } from '../../../src/sandbox/invoices.ts'
import { sha256Hex } from '../../../src/sandbox/switch.ts'
import { openAndBind, publish, refusal, request, type Stage, stage } from './stage.ts'

const TOTAL = 3_000_000n
const PREIMAGE = '5a'.repeat(32)
const HASH = sha256Hex(PREIMAGE)
const REQUEST: HoldInvoiceRequest = {
  paymentHash: HASH,
  amount: TOTAL as Msat,
  memo: 'order',
  expirySeconds: 3_600,
  cltvExpiry: 40,
}
const SETTLED = { status: 'settled', preimage: PREIMAGE }
const GIVEN_BACK = { status: 'failed', reason: 'incorrect_or_unknown_payment_details', by: 'lsp' }

async function invoiced(options: Parameters<typeof stage>[0] = {}) {
  const at = stage(options)
  const invoice = await at.port.addHoldInvoice(REQUEST, at.signal)
  const pay = (parts: readonly bigint[] = [TOTAL], finalDelta = 43) =>
    at.world.payer.payInvoice({ invoice, parts, finalDelta })
  return { ...at, invoice, pay }
}

const stateOf = async ({ port, signal }: Stage) => (await port.lookupInvoice(HASH, signal))?.state
const kinds = (at: Stage) => at.world.audit({ atRest: true }).map(({ kind }) => kind)

describe('parts of a payment to a hold invoice', () => {
  it('go back after two minutes without the others; the invoice can still be paid', async () => {
    const at = await invoiced()
    const [early] = at.pay([1_000_000n])
    await at.clock.advance(MPP_HOLD_MS / 2)
    const [late] = at.pay([1_000_000n])
    await at.clock.advance(MPP_HOLD_MS / 2)
    expect(early?.outcome).toMatchObject({ status: 'failed', reason: 'mpp_timeout' })
    expect(late?.outcome).toBeUndefined()
    await at.clock.advance(MPP_HOLD_MS / 2)
    expect(late?.outcome).toMatchObject({ reason: 'mpp_timeout' })
    expect(await at.port.lookupInvoice(HASH, at.signal)).toMatchObject({ state: 'open', paid: 0n })

    const parts = at.pay([1_000_000n, 2_000_000n])
    await at.clock.advance(MPP_HOLD_MS)
    expect(await stateOf(at)).toBe('accepted')
    await at.port.settleInvoice(PREIMAGE, at.signal)
    expect(parts.map(({ outcome }) => outcome)).toEqual([SETTLED, SETTLED])
    expect(kinds(at)).toEqual([])
  })

  it('are refused when they speak of another total', async () => {
    const at = await invoiced()
    at.pay([1_000_000n])
    const [other] = at.world.payer.payInvoice({ invoice: at.invoice, parts: [2_000_000n], total: TOTAL + 1n })
    expect(other?.outcome).toEqual(GIVEN_BACK)
  })

  it('count their two minutes over a restart of the node', async () => {
    const at = await invoiced()
    const [part] = at.pay([1_000_000n])
    await at.clock.advance(MPP_HOLD_MS - 1_000)
    at.world.killNode()
    at.world.restartNode()
    await at.clock.advance(500)
    expect(part?.outcome).toBeUndefined()
    await at.clock.advance(500)
    expect(part?.outcome).toMatchObject({ reason: 'mpp_timeout' })
  })
})

describe('a wallet that pays', () => {
  const PUSHED = 5_000n
  const KEPT = 1_500_000n

  async function withChannel() {
    const at = await invoiced()
    const opened = await openAndBind(at, { ...request(at.wallet.nodeId), push: PUSHED as Sat })
    await publish(at, opened.psbt)
    return at
  }

  it('gives from what it has in its channel, and has the preimage once the node took it', async () => {
    const at = await withChannel()
    expect(at.wallet.owned()).toBe(PUSHED * 1000n)
    const payment = at.wallet.payInvoice(at.invoice)
    await at.clock.advance(1)
    expect(await stateOf(at)).toBe('accepted')
    expect(at.wallet.owned()).toBe(PUSHED * 1000n - TOTAL)
    await at.port.settleInvoice(PREIMAGE, at.signal)
    expect(payment.outcome).toEqual(SETTLED)
    expect(at.wallet.owned()).toBe(PUSHED * 1000n - TOTAL)
    expect(kinds(at)).toEqual([])
  })

  it('gets back what the node cancels', async () => {
    const at = await withChannel()
    const payment = at.wallet.payInvoice(at.invoice)
    await at.port.cancelInvoice(HASH, at.signal)
    expect(payment.outcome).toEqual(GIVEN_BACK)
    expect(at.wallet.owned()).toBe(PUSHED * 1000n)
    expect(kinds(at)).toEqual([])
  })

  it('keeps its reserve: what would cut into it has no way', async () => {
    const at = await withChannel()
    const most = PUSHED * 1000n - KEPT
    for (const [amount, outcome] of [
      [most + 1n, { status: 'failed', reason: 'no_route', by: 'peer' }],
      [most, undefined],
    ] as const) {
      const paymentHash = sha256Hex(amount.toString(16).padStart(64, '0'))
      const invoice = await at.port.addHoldInvoice({ ...REQUEST, paymentHash, amount: amount as Msat }, at.signal)
      expect(at.wallet.payInvoice(invoice).outcome).toEqual(outcome)
    }
  })
})

describe('a payer who is away', () => {
  it('gets what was decided when it is back', async () => {
    for (const decision of ['settle', 'cancel'] as const) {
      const at = await invoiced()
      const [payment] = at.pay()
      at.world.payer.disconnect()
      if (decision === 'settle') await at.port.settleInvoice(PREIMAGE, at.signal)
      else await at.port.cancelInvoice(HASH, at.signal)
      expect(payment?.outcome).toBeUndefined()
      at.world.payer.connect()
      expect(payment?.outcome).toEqual(decision === 'settle' ? SETTLED : GIVEN_BACK)
      expect(kinds(at)).toEqual([])
    }
  })

  it('pays on chain what was settled, and takes back on chain what was not', async () => {
    const paid = await invoiced()
    const [settled] = paid.pay()
    paid.world.payer.disconnect()
    await paid.port.settleInvoice(PREIMAGE, paid.signal)
    paid.world.mine(43)
    expect(settled?.outcome).toEqual(SETTLED)
    expect(kinds(paid)).toEqual([])

    const late = await invoiced()
    const [lost] = late.pay()
    late.world.payer.disconnect()
    late.world.mine(43)
    expect(await stateOf(late)).toBe('canceled')
    expect(lost?.outcome).toMatchObject({ status: 'failed', by: 'chain' })
    expect(kinds(late)).toEqual([])
  })
})

describe('a node that dies', () => {
  type Story = (at: Awaited<ReturnType<typeof invoiced>>) => Promise<unknown>
  const stories: readonly (readonly [string, Story])[] = [
    ['settles', (at) => at.port.settleInvoice(PREIMAGE, at.signal)],
    ['cancels', (at) => at.port.cancelInvoice(HASH, at.signal)],
  ]

  it.each(stories)('%s at any moment: all of the parts, or none', async (_, decide) => {
    for (let point = 0; ; point += 1) {
      const at = await invoiced()
      at.world.node.killAt = point
      const parts = at.pay([1_000_000n, 2_000_000n])
      await decide(at).catch(() => undefined)
      const died = !at.world.node.up
      at.world.node.killAt = undefined
      at.world.restartNode()
      await decide(at).catch(() => undefined)
      await at.clock.advance(MPP_HOLD_MS)
      const ends = new Set(parts.map(({ outcome }) => outcome?.status))
      // Parts that were sent to a node that is gone never arrived.
      expect(ends.size, `dead at ${point}`).toBe(1)
      expect(kinds(at), `dead at ${point}`).toEqual([])
      if (!died) return
    }
  })

  it('cancels at its start what came near its expiry meanwhile', async () => {
    const at = await invoiced()
    const [payment] = at.pay()
    at.world.killNode()
    at.world.mine(43 - 18)
    at.world.restartNode()
    expect(await stateOf(at)).toBe('canceled')
    expect(payment?.outcome).toEqual(GIVEN_BACK)
  })

  it('cancels at its start what was open for too long', async () => {
    const at = await invoiced()
    at.world.killNode()
    await at.clock.advance(4_000_000)
    at.world.restartNode()
    await at.clock.advance(1)
    expect(await stateOf(at)).toBe('canceled')
  })
})

describe('the calls about invoices', () => {
  it('may be done although their answer is lost', async () => {
    const at = stage()
    at.world.faults.push({ call: 'addHoldInvoice', stage: 'answered', n: 1, action: { type: 'lose' } })
    expect(await refusal(at.port.addHoldInvoice(REQUEST, at.signal))).toMatch(/LND_UNAVAILABLE/)
    expect(await refusal(at.port.addHoldInvoice(REQUEST, at.signal))).toMatch(/LND_REFUSED .*already exists/)
    const found = await at.port.lookupInvoice(HASH, at.signal)
    expect(found?.request).toMatch(/^lnbcrt30u1/)
  })

  it('tell a client that comes back only the state now', async () => {
    const at = await invoiced()
    at.pay()
    at.world.killClient()
    const port = at.world.attach()
    const seen: Invoice['state'][] = []
    const ended = port.subscribeInvoice(HASH, ({ state }) => seen.push(state), at.signal)
    await at.clock.settle()
    await port.settleInvoice(PREIMAGE, at.signal)
    await expect(ended).resolves.toBeUndefined()
    expect(seen).toEqual(['accepted', 'settled'])
  })
})
