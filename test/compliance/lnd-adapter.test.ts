import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { msat, sat } from '../../lsps/base/amount.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { scidFromNumber } from '../../lsps/base/scid.ts'
import { createLndAdapter, type LndAdapter } from '../../src/lnd/adapter.ts'
import { checkNode } from '../../src/lnd/gate.ts'
import { permissionsFor, probePermissions } from '../../src/lnd/permissions.ts'
import type { ChannelEvent, CustomMessage, HtlcEvent, OpenRequest, PeerEvent } from '../../src/lnd/port.ts'
import type { Wallet } from '../stack/ldk/wallet.ts'
import { addInvoice, payInvoice } from '../stack/payments.ts'
import { waitFor } from '../stack/wait.ts'
import { type Held, RealNode, Seen } from './real-node.ts'

const AMOUNT = 50_000_000n
const FEE = 546_000n
const CLTV_DELTA = 144
const LOCK_SECONDS = 600
const LSPS0 = 37_913
const FEATURES = ['node', 'lsps2'] as const
const { signal } = new AbortController()

let node: RealNode
let lnd: LndAdapter
let scids = 0n
const stop = new AbortController()
const held = new Seen<Held>()
const htlcs = new Seen<HtlcEvent>()
const channels = new Seen<ChannelEvent>()
const peers = new Seen<PeerEvent>()
const messages = new Seen<CustomMessage>()
const blocks = new Seen<number>()
/** Requested scids that a test answers itself; all others are foreign and resumed in the same tick. */
const ours = new Set<string>()
let streams: Promise<unknown>

function subscribe(): void {
  streams = Promise.allSettled([
    lnd.interceptHtlcs((offer, stream) => {
      if (ours.has(offer.requestedScid)) held.push({ offer, stream })
      else stream.answer(offer.circuit, { type: 'resume' })
    }, stop.signal),
    lnd.subscribeHtlcEvents(htlcs.push, stop.signal),
    lnd.subscribeChannelEvents(channels.push, stop.signal),
    lnd.subscribePeerEvents(peers.push, stop.signal),
    lnd.subscribeCustomMessages(messages.push, stop.signal),
    lnd.subscribeBlocks(blocks.push, stop.signal),
  ])
}

beforeAll(async () => {
  node = await RealNode.start({ foreign: 1 })
  // Everything below runs with the macaroon that `sluice macaroon` bakes: it is enough, or these tests fail.
  lnd = node.attach(await node.bake(permissionsFor(FEATURES)))
  subscribe()
  await blocks.wait(() => true, 'the first block')
})

afterAll(async () => {
  stop.abort()
  await streams
  await node?.stop()
})

function openRequest(wallet: Pick<Wallet, 'nodeId'>, more: Partial<OpenRequest> = {}): OpenRequest {
  const pendingChannelId = randomBytes(32).toString('hex')
  return {
    peer: wallet.nodeId as NodeId,
    capacity: sat(200_000n),
    pendingChannelId,
    memo: `sluice1:jit:${pendingChannelId}`,
    private: true,
    zeroConf: true,
    scidAlias: true,
    maxLocalCsv: 2016,
    ...more,
  }
}

/** funding.md steps 1 to 6. */
async function open(request: OpenRequest) {
  const attempt = lnd.openChannel(request, signal)
  const { template } = await attempt.template
  const { pendingChannelId } = request
  const fund = { template, satPerVbyte: 2, lockId: pendingChannelId, lockSeconds: LOCK_SECONDS, minConfs: 1 }
  const psbt = await lnd.fundPsbt(fund, signal)
  await lnd.verifyFunding({ psbt, pendingChannelId }, signal)
  const outpoint = await attempt.pending
  attempt.detach()
  return { psbt, outpoint, txid: outpoint.split(':')[0] ?? '' }
}

function activeChannel(wallet: Wallet) {
  return waitFor(async () => (await lnd.listChannels(signal, wallet.nodeId as NodeId)).find(({ active }) => active), {
    deadline: 15_000,
    what: 'the channel to be active',
    pollMs: 10,
  })
}

/** An invoice over a scid of ours, and its payment on the way. */
function pay(wallet: Wallet, options: { readonly onPayment?: 'claim' | 'hold' | 'fail' } = {}) {
  scids += 1n
  const alias = (16_000_001n << 40n) | (scids << 16n)
  const scid = scidFromNumber(alias)
  ours.add(scid)
  const hint = { nodeId: lspId(), scid: alias, feeBaseMsat: 0, feePpm: 0, cltvDelta: CLTV_DELTA }
  const { invoice, paymentHash } = wallet.createInvoice({ amountMsat: AMOUNT, allowedSkimMsat: FEE, hint, ...options })
  const payment = payInvoice(node.network.payer, { invoice })
  const offered = held.wait(({ offer }) => offer.requestedScid === scid, `the payment to ${scid} to be held`)
  return { alias, scid, paymentHash, payment, offered }
}

const lspId = () => node.network.lsp.nodeId
const refused = (detail: RegExp) => ({ failure: { code: 'LND_REFUSED', detail: expect.stringMatching(detail) } })
const circuitOf = (circuit: string) => (event: HtlcEvent) => event.circuit === circuit

describe('the node', () => {
  it('is fit for sales', async () => {
    const info = await lnd.getInfo(signal)

    expect(info).toMatchObject({ nodeId: lspId(), alias: 'lsp', network: 'regtest', syncedToChain: true })
    expect(
      checkNode(info, {
        network: 'regtest',
        lsps2: true,
        acceptFundingDeadlock: false,
        withoutRequireInterceptor: false,
      }),
    ).toEqual([])
  })

  it('permits what the baked macaroon has, and nothing that is left out of it', async () => {
    expect(await probePermissions(lnd.connection, FEATURES, signal)).toEqual([])

    const left = /FundPsbt|HtlcInterceptor|SubscribePeerEvents|DisconnectPeer/
    const less = node.attach(await node.bake(permissionsFor(FEATURES).filter((permission) => !left.test(permission))))
    const [finding] = await probePermissions(less.connection, FEATURES, signal)
    expect(finding?.what.match(/\w+\/\w+/g)?.map((method) => method.split('/')[1])).toEqual([
      'DisconnectPeer',
      'FundPsbt',
      'SubscribePeerEvents',
      'HtlcInterceptor',
    ])
    await expect(less.disconnectPeer(lspId() as NodeId, signal)).rejects.toMatchObject(refused(/permission denied/))
  })

  it('is not changed by a look at the permissions', async () => {
    const before = await Promise.all([lnd.listChannels(signal), lnd.listLeases(signal), lnd.walletBalance(signal)])
    await probePermissions(lnd.connection, FEATURES, signal)

    expect(await Promise.all([lnd.listChannels(signal), lnd.listLeases(signal), lnd.walletBalance(signal)])).toEqual(
      before,
    )
    expect(await lnd.pendingChannels(signal)).toEqual([])
  })

  it('is told apart from an impostor, with the fix', async () => {
    const { socket, macaroonPath } = node.network.lsp
    const wrong = createLndAdapter({ socket, certPath: node.network.payer.certPath, macaroonPath })
    try {
      await expect(wrong.getInfo(signal)).rejects.toMatchObject({
        failure: { code: 'LND_UNAVAILABLE', detail: expect.stringContaining('lnd.cert_path') },
      })
    } finally {
      wrong.close()
    }
  })
})

describe('a sale, call by call', () => {
  it('holds, opens, aliases, skims, forwards, settles and publishes', async () => {
    const wallet = await node.addWallet()
    const { alias, scid, paymentHash, payment, offered } = pay(wallet, { onPayment: 'hold' })
    const { offer, stream } = await offered
    const height = (await lnd.getInfo(signal)).blockHeight
    expect(offer).toMatchObject({ requestedScid: scid, amountIn: AMOUNT, amountOut: AMOUNT, paymentHash })
    expect(offer.expiryIn - offer.expiryOut).toBe(CLTV_DELTA)
    expect(offer.autoFailHeight).toBe(offer.expiryIn - 19)
    expect(offer.expiryOut).toBeGreaterThan(height)
    expect(await incoming(offer.circuit)).toMatchObject({ incoming: true, amount: AMOUNT, paymentHash })
    expect((await incoming(offer.circuit))?.forwardedTo).toBeUndefined()

    const before = await lnd.walletBalance(signal)
    const request = openRequest(wallet)
    const { psbt, outpoint, txid } = await open(request)
    const channel = await activeChannel(wallet)
    expect(channel).toMatchObject({
      outpoint,
      memo: request.memo,
      capacity: 200_000n,
      remoteBalance: 0n,
      totalSent: 0n,
    })
    expect(channel.chanId >> 40n).toBe(16_000_000n)
    const leases = (await lnd.listLeases(signal)).filter(({ id }) => id === request.pendingChannelId)
    expect(leases).toHaveLength(1)
    expect(await lnd.walletBalance(signal)).toBeLessThan(before)
    await channels.wait(
      (event) => event.type === 'active' && event.outpoint === outpoint,
      'the event that it is active',
    )

    await lnd.addAlias({ base: channel.chanId, alias }, signal)
    await expect(lnd.addAlias({ base: channel.chanId, alias }, signal)).rejects.toMatchObject(refused(/already exists/))
    const listed = (await lnd.listAliases(signal)).find(({ base }) => base === channel.chanId)
    expect(listed?.aliases).toContain(alias)

    stream.answer(offer.circuit, { type: 'resume-modified', amountOut: msat(AMOUNT - FEE), extraFee: msat(FEE) })
    const received = await wallet.waitForPayment(paymentHash, 'claimable')
    expect(received).toMatchObject({ amount: AMOUNT - FEE, skimmed: FEE })
    expect(await htlcs.wait(circuitOf(offer.circuit), 'the forward')).toEqual({
      type: 'forwarded',
      circuit: offer.circuit,
      amountIn: AMOUNT,
      amountOut: AMOUNT - FEE,
    })
    expect((await incoming(offer.circuit))?.forwardedTo).toEqual({ channel: channel.chanId, htlcIndex: 0n })

    wallet.claim(paymentHash)
    expect(await payment).toMatchObject({ succeeded: true })
    await htlcs.wait((event) => event.type === 'settled' && event.circuit === offer.circuit, 'the settle')
    await waitFor(async () => (await activeChannel(wallet)).totalSent === 49_454n, {
      deadline: 5_000,
      what: 'totalSent',
    })

    expect(await lnd.confirmations(txid, signal)).toBeUndefined()
    const raw = await lnd.finalizePsbt(psbt, signal)
    expect(await lnd.finalizePsbt(psbt, signal)).toBe(raw)
    await lnd.publishTransaction({ raw, label: 'sluice' }, signal)
    await lnd.publishTransaction({ raw, label: 'sluice' }, signal)
    expect(await lnd.confirmations(txid, signal)).toBe(0)
    await node.network.mine(2)
    expect(await lnd.confirmations(txid, signal)).toBe(2)
    await lnd.publishTransaction({ raw, label: 'sluice' }, signal)
    for (const lease of leases) await lnd.releaseOutput(lease, signal)

    const row = await waitFor(
      async () =>
        (await lnd.forwardingHistory({ sinceSeconds: 0 }, signal)).find(({ circuit }) => circuit === offer.circuit),
      { deadline: 40_000, what: 'the forward in the history', pollMs: 250 },
    )
    expect(row).toMatchObject({ amountIn: AMOUNT, amountOut: AMOUNT - FEE, fee: FEE, outgoingChannel: channel.chanId })
    expect(Math.abs(row.at - Date.now())).toBeLessThan(120_000)
    expect((await activeChannel(wallet)).chanId).toBe(channel.chanId)
  })

  async function incoming(circuit: string) {
    const [channel = '', index = ''] = circuit.split(':')
    const found = (await lnd.listChannels(signal)).find(({ chanId }) => chanId === BigInt(channel))
    return found?.pendingHtlcs.find((htlc) => htlc.incoming && htlc.htlcIndex === BigInt(index))
  }

  it('fails a held payment so that its payer may try again', async () => {
    const { payment, offered } = pay(await node.addWallet())
    const { offer, stream } = await offered
    stream.answer(offer.circuit, { type: 'fail' })

    expect((await payment).attempts.at(-1)?.failure?.code).toBe('TEMPORARY_CHANNEL_FAILURE')
  })

  it('gives unknown_next_peer for a scid that was resumed without being bound', async () => {
    const { payment, offered } = pay(await node.addWallet())
    const { offer, stream } = await offered
    stream.answer(offer.circuit, { type: 'resume' })

    expect((await payment).attempts.at(-1)?.failure?.code).toBe('UNKNOWN_NEXT_PEER')
    expect(await htlcs.wait(circuitOf(offer.circuit), 'the failure')).toMatchObject({ type: 'failed' })
  })

  it('tells when the wallet fails what was forwarded', async () => {
    const wallet = await node.addWallet()
    const { alias, payment, offered } = pay(wallet, { onPayment: 'fail' })
    const { offer, stream } = await offered
    await open(openRequest(wallet))
    const { chanId } = await activeChannel(wallet)
    await lnd.addAlias({ base: chanId, alias }, signal)
    stream.answer(offer.circuit, { type: 'resume-modified', amountOut: msat(AMOUNT - FEE), extraFee: msat(FEE) })

    expect(await payment).toMatchObject({ succeeded: false })
    await htlcs.wait((event) => event.type === 'failed' && event.circuit === offer.circuit, 'the failure')
    expect((await activeChannel(wallet)).totalSent).toBe(0n)
  })
})

describe('the interceptor', () => {
  it('survives answers to circuits that are answered already or were never offered', async () => {
    const { payment, offered } = pay(await node.addWallet())
    const { offer, stream } = await offered
    stream.answer('1:1', { type: 'fail' })
    stream.answer(offer.circuit, { type: 'fail' })
    stream.answer(offer.circuit, { type: 'resume' })
    expect(await payment).toMatchObject({ succeeded: false })

    const { invoice } = await addInvoice(node.network.foreign, { amountMsat: 1_000_000n })
    expect(await payInvoice(node.network.payer, { invoice })).toMatchObject({ succeeded: true })
  })

  it('is the only one', async () => {
    await expect(lnd.interceptHtlcs(() => {}, signal)).rejects.toMatchObject(refused(/interceptor already exists/))
  })
})

describe('opening', () => {
  it('is refused for a peer that is not there', async () => {
    const nobody = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'
    const attempt = lnd.openChannel(openRequest({ nodeId: nobody }), signal)

    await expect(attempt.template).rejects.toMatchObject(refused(/is not online/))
    await expect(attempt.pending).rejects.toMatchObject(refused(/is not online/))
  })

  it('fails with a temporary peer reply once the wallet does not trust zero-conf', async () => {
    const wallet = await node.addWallet({ trustsZeroConf: false })

    await expect(lnd.openChannel(openRequest(wallet), signal).template).rejects.toMatchObject(
      refused(/remote canceled|received funding error/),
    )
  })

  it('holds its id until it is cancelled, and then takes it again', async () => {
    const wallet = await node.addWallet()
    const request = openRequest(wallet)
    const first = lnd.openChannel(request, signal)
    await first.template
    await expect(lnd.openChannel(request, signal).template).rejects.toMatchObject(refused(/already present/))

    await lnd.cancelFunding(request.pendingChannelId, signal)
    await expect(first.pending).rejects.toMatchObject(refused(/user canceled funding/))
    await expect(lnd.cancelFunding(request.pendingChannelId, signal)).rejects.toMatchObject(
      refused(/no funding intent found/),
    )
    const { outpoint } = await open(request)
    expect((await activeChannel(wallet)).outpoint).toBe(outpoint)
  })

  it('of an ordered channel is pending with its memo until its funding is published', async () => {
    const request = openRequest(node.network.foreign, { zeroConf: false, scidAlias: false })
    const { psbt, outpoint, txid } = await open(request)
    expect(await lnd.pendingChannels(signal)).toEqual([
      { peer: node.network.foreign.nodeId, outpoint, memo: request.memo, stage: 'opening' },
    ])
    await channels.wait((event) => event.type === 'pending' && event.outpoint === outpoint, 'the pending event')

    await lnd.publishTransaction({ raw: await lnd.finalizePsbt(psbt, signal), label: 'sluice' }, signal)
    await node.network.waitInMempool(txid)
    await node.network.mine(6)
    await channels.wait((event) => event.type === 'active' && event.outpoint === outpoint, 'the active event')
    expect(await lnd.pendingChannels(signal)).toEqual([])
  })

  it('locks coins for one id only', async () => {
    const wallet = await node.addWallet()
    const request = openRequest(wallet)
    const attempt = lnd.openChannel(request, signal)
    const { template, amount } = await attempt.template
    expect(amount).toBe(request.capacity)
    const lockId = request.pendingChannelId
    const fund = { template, satPerVbyte: 2, lockId, lockSeconds: LOCK_SECONDS, minConfs: 1 }
    await lnd.fundPsbt(fund, signal)
    const lease = (await lnd.listLeases(signal)).find(({ id }) => id === lockId)
    if (lease === undefined) throw new Error('no lease')
    const other = { ...lease, id: 'aa'.repeat(32) }

    await lnd.leaseOutput({ ...lease, seconds: 2 * LOCK_SECONDS }, signal)
    await expect(lnd.leaseOutput({ ...other, seconds: LOCK_SECONDS }, signal)).rejects.toMatchObject(
      refused(/already locked/),
    )
    await expect(lnd.releaseOutput(other, signal)).rejects.toMatchObject(refused(/unlock not al/))
    await lnd.releaseOutput(lease, signal)
    await lnd.releaseOutput(lease, signal)
    expect(await lnd.listLeases(signal)).not.toContainEqual(lease)
    await expect(lnd.fundPsbt({ ...fund, minConfs: 100_000 }, signal)).rejects.toMatchObject(
      refused(/insufficient funds/),
    )
    await lnd.cancelFunding(lockId, signal)
  })
})

describe('peers', () => {
  it('come, talk and go', async () => {
    const wallet = await node.addWallet()
    const peer = wallet.nodeId as NodeId
    await peers.wait((event) => event.nodeId === peer && event.online, 'the wallet to be online')
    expect(await lnd.listPeers(signal)).toContainEqual({ nodeId: peer, inbound: true })

    const heard: string[] = []
    const transport = wallet.transport(lspId())
    transport.onMessage((payload) => heard.push(Buffer.from(payload).toString()))
    await transport.send(Buffer.from('{"jsonrpc":"2.0"}'))
    const message = await messages.wait((found) => found.peer === peer, 'the message of the wallet')
    expect([message.type, Buffer.from(message.data).toString()]).toEqual([LSPS0, '{"jsonrpc":"2.0"}'])
    await lnd.sendCustomMessage({ peer, type: LSPS0, data: Buffer.from('answer') }, signal)
    await waitFor(() => heard.includes('answer'), { deadline: 5_000, what: 'the answer to arrive' })

    await lnd.disconnectPeer(peer, signal)
    await peers.wait((event) => event.nodeId === peer && !event.online, 'the wallet to be gone')
    await expect(lnd.sendCustomMessage({ peer, type: LSPS0, data: Buffer.from('x') }, signal)).rejects.toMatchObject(
      refused(/not connected|not online/),
    )
    await expect(lnd.disconnectPeer(peer, signal)).rejects.toMatchObject(refused(/not connected/))
  })
})

describe('when lnd dies', () => {
  it('streams end, calls fail as unknown, and what was held is offered again', async () => {
    const { payment, offered, scid } = pay(await node.addWallet())
    const { offer, stream } = await offered
    const ends = [lnd.subscribeBlocks(() => {}, signal), lnd.subscribePeerEvents(() => {}, signal)]
    const ended = Promise.allSettled(ends)
    await node.network.lsp.kill()
    for (const end of await ended) {
      expect(end).toMatchObject({ status: 'rejected', reason: { failure: { code: 'LND_UNAVAILABLE' } } })
    }
    await streams
    await expect(lnd.getInfo(signal)).rejects.toMatchObject({ failure: { code: 'LND_UNAVAILABLE' } })

    await node.network.lsp.start()
    await waitFor(() => lnd.getInfo(signal), { deadline: 10_000, what: 'the same connection to work again' })
    subscribe()
    const again = await held.wait(
      (next) => next.offer.requestedScid === scid && next.stream !== stream,
      'the offer again',
    )
    expect(again.offer).toEqual(offer)
    // Of a stream that is gone: it must not reach the new one, which would end it.
    stream.answer(offer.circuit, { type: 'fail' })
    again.stream.answer(offer.circuit, { type: 'fail' })

    expect(await payment).toMatchObject({ succeeded: false })
  })
})
