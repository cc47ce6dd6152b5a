import { describe, expect, it } from 'vitest'
import { AMOUNT, FEE, openAndBind, publish, SCID, SKIM, type Stage, stage, tap } from './stage.ts'

function pay(at: Stage, overrides: { amountIn?: bigint; amountOut?: bigint; hintDelta?: number } = {}) {
  const invoice = at.wallet.invoice({ amount: AMOUNT, maxFee: FEE })
  return at.world.payer.pay({ hash: invoice.paymentHash, scid: SCID, amount: AMOUNT, ...overrides })
}

const kinds = (at: Stage, atRest = false) => at.world.audit({ atRest }).map(({ kind }) => kind)

describe('without an interceptor', () => {
  it('requireinterceptor fails what is new', async () => {
    const at = stage()
    await openAndBind(at)
    expect(await pay(at).result).toMatchObject({ status: 'failed', reason: 'temporary_channel_failure' })
  })

  it('otherwise forwards in full, and a stream that ends gives the fee away', async () => {
    const at = stage({ requireInterceptor: false })
    await openAndBind(at)
    expect(await pay(at).result).toMatchObject({ status: 'settled' })
    const { stop, offers } = tap(at.port)
    const payment = pay(at)
    await at.clock.settle()
    expect(offers).toHaveLength(1)
    stop()
    expect(await payment.result).toMatchObject({ status: 'settled' })
    const sales = [{ paymentHash: payment.hash, feeMsat: FEE }]
    expect(at.world.audit({ sales }).map(({ kind }) => kind)).toEqual(['fee-missing'])
  })
})

describe('the switch', () => {
  it('forwards only what pays for itself, in time', async () => {
    const at = stage()
    await openAndBind(at)
    const { offers, stream } = await attach(at)
    const reasons: unknown[] = []
    for (const lie of [
      { amountIn: AMOUNT - 1n, amountOut: AMOUNT },
      { hintDelta: 79 },
      { amountOut: 0n, amountIn: 1n },
    ]) {
      const payment = pay(at, lie)
      await at.clock.settle()
      stream()?.answer(offers.at(-1)?.circuit ?? '', { type: 'resume' })
      reasons.push(await payment.result)
    }
    expect(reasons).toMatchObject([
      { reason: 'fee_insufficient' },
      { reason: 'incorrect_cltv_expiry' },
      { reason: 'amount_below_minimum' },
    ])
    expect(kinds(at)).toEqual([])
  })

  it('does not offer what expires too soon', async () => {
    const at = stage()
    const { offers } = await attach(at)
    const invoice = at.wallet.invoice()
    const payment = at.world.payer.pay({
      hash: invoice.paymentHash,
      scid: SCID,
      amount: AMOUNT,
      finalDelta: 10,
      hintDelta: 11,
    })
    expect(await payment.result).toMatchObject({ reason: 'expiry_too_soon' })
    expect(offers).toEqual([])
  })

  it('a wallet fails a part that is short, or a fee that was not agreed', async () => {
    const at = stage()
    await openAndBind(at)
    const { offers, stream } = await attach(at)
    const payment = pay(at)
    await at.clock.settle()
    const greedy = { type: 'resume-modified', amountOut: SKIM.amountOut, extraFee: 0n as never } as const
    stream()?.answer(offers[0]?.circuit ?? '', greedy)
    expect(await payment.result).toMatchObject({ reason: 'final_incorrect_htlc_amount', by: 'peer' })
  })

  it('fails what is held too long; a late answer ends the stream', async () => {
    const at = stage()
    const seen = await attach(at)
    const payment = pay(at)
    await at.clock.settle()
    const offer = seen.offers[0]
    at.world.mine((offer?.autoFailHeight ?? 0) - at.world.node.chain.height - 1)
    expect(payment.outcome).toBeUndefined()
    at.world.mine()
    expect(await payment.result).toMatchObject({ reason: 'temporary_channel_failure', by: 'lsp' })
    seen.stream()?.answer(offer?.circuit ?? '', { type: 'fail' })
    await at.clock.settle()
    expect(String(seen.ended())).toMatch('not found')
    expect(kinds(at)).toEqual(['late-answer'])
  })
})

describe('an offer that is long under way', () => {
  it('may be of an HTLC that has ended: its answer ends the stream, which is nobody’s fault', async () => {
    const at = stage()
    const seen = await attach(at)
    const underWayMs = 60_000
    at.world.onStage = ({ call }) => (call === 'interceptHtlcs.offer' ? { type: 'delay', ms: underWayMs } : undefined)
    const payment = pay(at)
    await at.clock.settle()
    expect(seen.offers).toEqual([])
    at.world.mine(1000)
    expect(await payment.result).toMatchObject({ reason: 'temporary_channel_failure', by: 'lsp' })
    await at.clock.advance(underWayMs)
    expect(seen.offers).toHaveLength(1)
    seen.stream()?.answer(payment.circuit, { type: 'resume' })
    await at.clock.settle()
    expect(String(seen.ended())).toMatch('not found')
    expect(kinds(at)).toEqual([])
  })
})

describe('replays', () => {
  it('offers again what is in flight when the payer comes back: resume is dropped, fail loses the money', async () => {
    const at = stage()
    await openAndBind(at)
    const seen = await attach(at)
    at.wallet.setPaymentPolicy('sit')
    const payment = pay(at)
    await at.clock.settle()
    seen.stream()?.answer(payment.circuit, SKIM)
    await at.clock.settle()
    const again = async () => {
      at.world.payer.disconnect()
      at.world.payer.connect()
      await at.clock.settle()
      return seen.offers.at(-1)?.circuit
    }
    expect(await again()).toBe(payment.circuit)
    seen.stream()?.answer(payment.circuit, SKIM)
    await at.clock.settle()
    expect(kinds(at)).toEqual([])
    await again()
    seen.stream()?.answer(payment.circuit, { type: 'fail' })
    expect(await payment.result).toMatchObject({ status: 'failed' })
    at.wallet.setPaymentPolicy('claim')
    await at.clock.settle()
    expect(kinds(at)).toContain('fail-in-flight')
    expect(kinds(at)).toContain('money-lost')
  })

  it('keeps what is held over a restart of the node and of the client', async () => {
    const at = stage()
    await openAndBind(at)
    const seen = await attach(at)
    const payment = pay(at)
    await at.clock.settle()
    at.world.killNode()
    at.world.restartNode()
    await at.clock.settle()
    expect(String(seen.ended())).toMatch('lnd did not answer')
    const next = await attach(at)
    expect(next.offers.map(({ circuit }) => circuit)).toEqual([payment.circuit])
    next.stream()?.answer(payment.circuit, SKIM)
    expect(await payment.result).toMatchObject({ status: 'settled' })
  })

  it('fails a circuit that the node lost between its two writes', async () => {
    const at = stage()
    await openAndBind(at)
    at.world.record()
    const seen = await attach(at)
    const payment = pay(at)
    await at.clock.settle()
    at.world.node.killAt = at.world.node.points.length
    seen.stream()?.answer(payment.circuit, SKIM)
    await at.clock.settle()
    expect([at.world.node.up, at.world.node.points.at(-1)]).toEqual([false, 'circuit-committed'])
    at.world.restartNode()
    const next = await attach(at)
    next.stream()?.answer(payment.circuit, SKIM)
    expect(await payment.result).toMatchObject({ reason: 'temporary_channel_failure' })
    expect(kinds(at, true)).toEqual([])
  })

  it('sends after a restart what the node had written but not sent', async () => {
    const at = stage()
    await openAndBind(at)
    at.world.record()
    const seen = await attach(at)
    const payment = pay(at)
    await at.clock.settle()
    at.world.node.killAt = at.world.node.points.length + 1
    seen.stream()?.answer(payment.circuit, SKIM)
    await at.clock.settle()
    expect(at.world.node.points.at(-1)).toBe('forwarded')
    at.world.restartNode()
    expect(await payment.result).toMatchObject({ status: 'settled' })
    expect(kinds(at)).toEqual([])
  })
})

describe('the forwarding history', () => {
  it('is written every 15 s, and loses what was not written when the node is killed', async () => {
    const at = stage()
    await openAndBind(at)
    const seen = await attach(at)
    const sell = async () => {
      const payment = pay(at)
      await at.clock.settle()
      seen.stream()?.answer(payment.circuit, SKIM)
      await payment.result
    }
    await sell()
    await at.clock.advance(15_000)
    await sell()
    expect(await at.port.forwardingHistory({ sinceSeconds: 0 }, at.signal)).toHaveLength(1)
    at.world.killNode()
    at.world.restartNode()
    await at.clock.advance(60_000)
    expect(await at.port.forwardingHistory({ sinceSeconds: 0 }, at.signal)).toHaveLength(1)
    expect(kinds(at)).toEqual([])
  })
})

describe('a wallet that sits on the payment (D27)', () => {
  async function sitting(published: boolean) {
    const at = stage()
    const opened = await openAndBind(at)
    const seen = await attach(at)
    at.wallet.setPaymentPolicy('sit')
    const payment = pay(at)
    await at.clock.settle()
    seen.stream()?.answer(payment.circuit, SKIM)
    await at.clock.settle()
    if (published) await publish(at, opened.psbt)
    at.world.mine(payment.expiryOut - at.world.node.chain.height)
    return { at, payment, opened }
  }

  it('with the funding published: lnd goes on chain and the payer is failed four blocks later', async () => {
    const { at, payment } = await sitting(true)
    expect(at.world.node.chain.mempool).toHaveLength(1)
    at.world.mine(3)
    expect(payment.outcome).toBeUndefined()
    at.world.mine(1)
    expect(await payment.result).toMatchObject({ status: 'failed', by: 'peer' })
    expect(await at.port.closedChannels(at.signal)).toHaveLength(1)
    expect(kinds(at, true)).toEqual([])
  })

  it('without: nothing gets into the mempool until funding and closing transaction are published', async () => {
    const { at, payment, opened } = await sitting(false)
    at.world.mine(6)
    expect(payment.outcome).toBeUndefined()
    const [closing] = await at.port.pendingChannels(at.signal)
    expect(closing).toMatchObject({ stage: 'closing', outpoint: opened.outpoint })
    await publish(at, opened.psbt)
    await at.port.publishTransaction({ raw: closing?.closingTx ?? '', label: 'close' }, at.signal)
    at.world.mine(4)
    expect(await payment.result).toMatchObject({ status: 'failed' })
    expect(kinds(at, true)).toEqual([])
  })

  it('never: the payer takes its money back and the audit says so', async () => {
    const { at, payment } = await sitting(false)
    at.world.mine(payment.expiryIn - at.world.node.chain.height)
    expect(await payment.result).toMatchObject({ status: 'failed', by: 'chain' })
    expect(kinds(at)).toEqual(['fail-in-flight'])
  })
})

async function attach(at: Stage) {
  const state = tap(at.port)
  await at.clock.settle()
  return { offers: state.offers, stream: () => state.stream, ended: () => state.ended }
}
