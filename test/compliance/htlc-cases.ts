import { expect, it } from 'vitest'
import { scidToNumber } from '../../lsps/base/scid.ts'
import { refusedWith } from '../../src/kernel/errors.ts'
import type { HtlcEvent } from '../../src/lnd/port.ts'
import {
  activeChannel,
  channelWithAlias,
  intercept,
  msatOf,
  type NodeUnderTest,
  newScid,
  offerFor,
  openRequest,
  openTo,
  settled,
  until,
} from './node-under-test.ts'

const AMOUNT = 20_000_000n
const FEE = 1_500_000n
/** lnd writes its forwarding log every 15 s. */
const HISTORY_MS = 60_000
const SKIM = { type: 'resume-modified', amountOut: msatOf(AMOUNT - FEE), extraFee: msatOf(FEE) } as const

/** Offers, answers, forwards (lnd.md 1 to 3). */
export function htlcCases(world: () => NodeUnderTest, signal: AbortSignal): void {
  it('offers an HTLC to an unknown scid; resume fails it with unknown_next_peer', async () => {
    const node = world()
    const wallet = await node.addWallet()
    const listening = await intercept(node, signal)
    const scid = newScid()
    const { invoice, paymentHash } = await wallet.invoice({ amount: AMOUNT, scid })
    const payment = node.payer.pay(invoice)
    const offer = await offerFor(node, listening, scid)
    expect(offer).toMatchObject({ paymentHash, amountIn: AMOUNT, amountOut: AMOUNT, requestedScid: scid })
    expect(offer.expiryIn - offer.expiryOut).toBe(144)
    expect(offer.autoFailHeight).toBeLessThan(offer.expiryIn)
    const [channel, index] = offer.circuit.split(':')
    expect(BigInt(channel ?? '')).toBe(offer.incomingChannel)
    // While it is held it stands in the incoming channel, forwarded nowhere.
    const channels = await node.port.listChannels(signal)
    const held = channels.find(({ chanId }) => chanId === offer.incomingChannel)?.pendingHtlcs
    const standing = held?.find((htlc) => htlc.incoming && htlc.htlcIndex === BigInt(index ?? ''))
    expect(standing).toMatchObject({ amount: AMOUNT, paymentHash, expiryHeight: offer.expiryIn })
    expect(standing?.forwardedTo).toBeUndefined()
    listening.answer(offer.circuit, { type: 'resume' })
    expect(await settled(node, 'the payment', payment)).toEqual({ settled: false, failure: 'unknown_next_peer' })
    expect(listening.ended()).toBeUndefined()
    await listening.stop()
  })

  it('answers fail with temporary_channel_failure', async () => {
    const node = world()
    const wallet = await node.addWallet()
    const listening = await intercept(node, signal)
    const scid = newScid()
    const { invoice } = await wallet.invoice({ amount: AMOUNT, scid })
    const payment = node.payer.pay(invoice)
    const offer = await offerFor(node, listening, scid)
    listening.answer(offer.circuit, { type: 'fail' })
    expect(await settled(node, 'the payment', payment)).toEqual({
      settled: false,
      failure: 'temporary_channel_failure',
    })
    await listening.stop()
  })

  it('sells: held, opened, aliased, skimmed, settled, written down', async () => {
    const node = world()
    const wallet = await node.addWallet()
    const events: HtlcEvent[] = []
    const subscribed = new AbortController()
    const stream = node.port.subscribeHtlcEvents((event) => events.push(event), subscribed.signal)
    const listening = await intercept(node, signal)
    const scid = newScid()
    const { invoice, paymentHash } = await wallet.invoice({ amount: AMOUNT, scid, maxFee: FEE })
    const payment = node.payer.pay(invoice)
    const offer = await offerFor(node, listening, scid)
    const opened = await openTo(node, openRequest(wallet.nodeId), signal)
    const channel = await activeChannel(node, opened, signal)
    await node.port.addAlias({ base: channel.chanId, alias: scidToNumber(scid) }, signal)
    listening.answer(offer.circuit, SKIM)
    expect(await settled(node, 'the payment', payment)).toEqual({ settled: true })
    expect(await wallet.received()).toEqual([{ paymentHash, amount: AMOUNT - FEE }])
    const ours = () => events.filter(({ circuit }) => circuit === offer.circuit)
    await until(node, 'the settle event', () => ours().some(({ type }) => type === 'settled'))
    expect(ours().map(({ type }) => type)).toEqual(['forwarded', 'settled'])
    expect(ours()[0]).toMatchObject({ amountIn: AMOUNT, amountOut: AMOUNT - FEE })
    await until(node, 'the balance', async () => {
      const after = await activeChannel(node, opened, signal)
      return after.totalSent === (AMOUNT - FEE) / 1000n && after.pendingHtlcs.length === 0
    })
    const rows = await until(
      node,
      'the forwarding history',
      async () => {
        const all = await node.port.forwardingHistory({ sinceSeconds: 0 }, signal)
        const found = all.filter(({ outgoingChannel }) => outgoingChannel === channel.chanId)
        return found.length > 0 ? found : undefined
      },
      HISTORY_MS,
    )
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatchObject({ amountIn: AMOUNT, amountOut: AMOUNT - FEE, fee: FEE })
    expect(rows[0]?.incomingChannel).toBe(offer.incomingChannel)
    if (rows[0]?.circuit !== undefined) expect(rows[0].circuit).toBe(offer.circuit)
    subscribed.abort()
    await stream
    await listening.stop()
  })

  it('forwards in full over the alias when resumed unmodified', async () => {
    const node = world()
    const { wallet, scid } = await channelWithAlias(node, signal)
    const listening = await intercept(node, signal)
    const { invoice, paymentHash } = await wallet.invoice({ amount: AMOUNT, scid })
    const payment = node.payer.pay(invoice)
    const offer = await offerFor(node, listening, scid)
    listening.answer(offer.circuit, { type: 'resume' })
    expect(await settled(node, 'the payment', payment)).toEqual({ settled: true })
    expect(await wallet.received()).toEqual([{ paymentHash, amount: AMOUNT }])
    await listening.stop()
  })

  it('passes on that the wallet fails the payment', async () => {
    const node = world()
    const { wallet, scid, opened } = await channelWithAlias(node, signal)
    const events: HtlcEvent[] = []
    const subscribed = new AbortController()
    const stream = node.port.subscribeHtlcEvents((event) => events.push(event), subscribed.signal)
    const listening = await intercept(node, signal)
    wallet.onPayment('fail')
    const { invoice } = await wallet.invoice({ amount: AMOUNT, scid, maxFee: FEE })
    const payment = node.payer.pay(invoice)
    const offer = await offerFor(node, listening, scid)
    listening.answer(offer.circuit, SKIM)
    const end = await settled(node, 'the payment', payment)
    expect(end).toEqual({ settled: false, failure: 'incorrect_or_unknown_payment_details' })
    const ours = () => events.filter(({ circuit }) => circuit === offer.circuit).map(({ type }) => type)
    await until(node, 'the failed event', () => ours().includes('failed'))
    expect(ours()).toEqual(['forwarded', 'failed'])
    const channel = await activeChannel(node, opened, signal)
    expect(channel.totalSent).toBe(0n)
    subscribed.abort()
    await stream
    await listening.stop()
  })

  it('shows an HTLC on its way in both channels', async () => {
    const node = world()
    const { wallet, scid, channel } = await channelWithAlias(node, signal)
    const listening = await intercept(node, signal)
    wallet.onPayment('sit')
    const { invoice, paymentHash } = await wallet.invoice({ amount: AMOUNT, scid, maxFee: FEE })
    const payment = node.payer.pay(invoice)
    const offer = await offerFor(node, listening, scid)
    listening.answer(offer.circuit, SKIM)
    const outgoing = await until(node, 'the outgoing HTLC', async () => {
      const [found] = await node.port.listChannels(signal, wallet.nodeId)
      return found?.pendingHtlcs.find((htlc) => !htlc.incoming)
    })
    expect(outgoing).toMatchObject({ amount: AMOUNT - FEE, paymentHash, expiryHeight: offer.expiryOut })
    const standing = await until(node, 'the circuit of the incoming HTLC', async () => {
      const all = await node.port.listChannels(signal)
      const htlcs = all.find(({ chanId }) => chanId === offer.incomingChannel)?.pendingHtlcs ?? []
      return htlcs.find((htlc) => htlc.incoming && htlc.paymentHash === paymentHash && htlc.forwardedTo !== undefined)
    })
    expect(standing.forwardedTo).toEqual({ channel: channel.chanId, htlcIndex: outgoing.htlcIndex })
    wallet.onPayment('claim')
    expect(await settled(node, 'the payment', payment)).toEqual({ settled: true })
    await listening.stop()
  })

  it('offers what is held to the next interceptor, and takes its answer', async () => {
    const node = world()
    const { wallet, scid } = await channelWithAlias(node, signal)
    const first = await intercept(node, signal)
    const { invoice, paymentHash } = await wallet.invoice({ amount: AMOUNT, scid, maxFee: FEE })
    const payment = node.payer.pay(invoice)
    const offer = await offerFor(node, first, scid)
    await first.stop()
    const second = await intercept(node, signal)
    const again = await offerFor(node, second, scid)
    expect(again).toEqual(offer)
    second.answer(again.circuit, SKIM)
    expect(await settled(node, 'the payment', payment)).toEqual({ settled: true })
    expect(await wallet.received()).toEqual([{ paymentHash, amount: AMOUNT - FEE }])
    await second.stop()
  })

  it('offers what is in flight again when the link restarts, and drops a second resume', async () => {
    const node = world()
    const { wallet, scid, opened } = await channelWithAlias(node, signal)
    const listening = await intercept(node, signal)
    wallet.onPayment('sit')
    const { invoice, paymentHash } = await wallet.invoice({ amount: AMOUNT, scid, maxFee: FEE })
    const payment = node.payer.pay(invoice)
    const offer = await offerFor(node, listening, scid)
    listening.answer(offer.circuit, SKIM)
    const outgoing = async () => {
      const [found] = await node.port.listChannels(signal, wallet.nodeId)
      return found?.pendingHtlcs.filter((htlc) => !htlc.incoming) ?? []
    }
    await until(node, 'the outgoing HTLC', async () => (await outgoing()).length === 1)
    const incoming = (await node.port.listChannels(signal)).find(({ chanId }) => chanId === offer.incomingChannel)
    if (incoming === undefined) throw new Error('the incoming channel is not listed')
    await node.port.disconnectPeer(incoming.peer, signal)
    const offers = () => listening.offers.filter(({ circuit }) => circuit === offer.circuit)
    await until(node, 'the second offer', () => offers().length === 2)
    expect(offers()[1]).toEqual(offer)
    listening.answer(offer.circuit, SKIM)
    expect(await outgoing()).toHaveLength(1)
    wallet.onPayment('claim')
    expect(await settled(node, 'the payment', payment)).toEqual({ settled: true })
    expect(await wallet.received()).toEqual([{ paymentHash, amount: AMOUNT - FEE }])
    await until(node, 'the balance', async () => {
      const after = await activeChannel(node, opened, signal)
      return after.totalSent === (AMOUNT - FEE) / 1000n
    })
    expect(listening.ended()).toBeUndefined()
    await listening.stop()
  })

  it('keeps its stream when a circuit is answered twice, or one that was not offered', async () => {
    const node = world()
    const { wallet, scid } = await channelWithAlias(node, signal)
    const listening = await intercept(node, signal)
    const pay = async () => {
      const { invoice } = await wallet.invoice({ amount: AMOUNT, scid })
      const before = listening.offers.length
      const payment = node.payer.pay(invoice)
      const offer = await until(node, 'an offer', () => listening.offers[before])
      listening.answer(offer.circuit, { type: 'resume' })
      listening.answer(offer.circuit, { type: 'fail' })
      listening.answer('1:1', { type: 'fail' })
      return settled(node, 'the payment', payment)
    }
    expect(await pay()).toEqual({ settled: true })
    expect(await pay()).toEqual({ settled: true })
    expect(listening.ended()).toBeUndefined()
    await listening.stop()
  })

  it('takes one interceptor at a time', async () => {
    const node = world()
    const listening = await intercept(node, signal)
    const second = await settled(
      node,
      'the refusal',
      node.port.interceptHtlcs(() => undefined, signal).catch((error: unknown) => error),
    )
    expect(refusedWith(second, /interceptor already exists/)).toBe(true)
    expect(listening.ended()).toBeUndefined()
    await listening.stop()
  })

  it('adds an alias once, in the range of aliases, to a base that it knows', async () => {
    const node = world()
    const { channel, scid } = await channelWithAlias(node, signal)
    const refused = (base: bigint, alias: bigint) =>
      settled(
        node,
        'the refusal',
        node.port.addAlias({ base, alias }, signal).catch((error: unknown) => error),
      )
    const alias = scidToNumber(scid)
    const entry = (await node.port.listAliases(signal)).find(({ base }) => base === channel.chanId)
    expect(entry?.aliases).toContain(alias)
    expect(refusedWith(await refused(channel.chanId, alias), /already exists/)).toBe(true)
    expect(refusedWith(await refused(channel.chanId, 800_000n << 40n), /not a valid alias/)).toBe(true)
    expect(refusedWith(await refused(scidToNumber(newScid()), scidToNumber(newScid())), /not found/)).toBe(true)
  })
}
