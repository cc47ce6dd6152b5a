import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { createLndAdapter, type LndAdapter } from '../../src/lnd/adapter.ts'
import { checkNode } from '../../src/lnd/gate.ts'
import { permissionsFor, probePermissions } from '../../src/lnd/permissions.ts'
import type { HtlcOffer, Interceptor } from '../../src/lnd/port.ts'
import { payInvoice } from '../stack/payments.ts'
import { waitFor } from '../stack/wait.ts'
import { activeChannel, newScid, openRequest, openTo } from './node-under-test.ts'
import { RealNode, realLnd, walletUnderTest } from './real-node.ts'

const FEATURES = ['node', 'lsps2', 'orders', 'webhooks'] as const
const WAIT_MS = 60_000
const { signal } = new AbortController()

let node: RealNode
let lnd: LndAdapter

beforeAll(async () => {
  node = await RealNode.start({ foreign: 1 })
  lnd = node.attach(await node.bake(permissionsFor(FEATURES)))
})
afterAll(() => node?.stop())

const lspId = () => node.network.lsp.nodeId as NodeId
const unavailable = { failure: { code: 'LND_UNAVAILABLE' } }

describe('the checks at start', () => {
  it('find a node of the stack fit for sales', async () => {
    const info = await lnd.getInfo(signal)

    expect(info).toMatchObject({ nodeId: lspId(), alias: 'lsp' })
    expect(
      checkNode(info, {
        network: 'regtest',
        lsps2: true,
        acceptFundingDeadlock: false,
        withoutRequireInterceptor: false,
      }),
    ).toEqual([])
  })

  it('find nothing missing in the macaroon of `sluice macaroon`, nor in the one of the administrator', async () => {
    expect(await probePermissions(lnd.connection, FEATURES, signal)).toEqual([])
    const orders = ['node', 'orders'] as const
    const less = node.attach(await node.bake(permissionsFor(orders)))
    expect(await probePermissions(less.connection, orders, signal)).toEqual([])
    const admin = node.attach(node.network.lsp.macaroonPath)
    expect(await probePermissions(admin.connection, FEATURES, signal)).toEqual([])
  })

  it('name exactly what a macaroon lacks', async () => {
    const left = /FundPsbt|HtlcInterceptor|SubscribePeerEvents|DisconnectPeer/
    const less = node.attach(await node.bake(permissionsFor(FEATURES).filter((permission) => !left.test(permission))))
    const [finding] = await probePermissions(less.connection, FEATURES, signal)

    expect(finding?.what.match(/\w+\/\w+/g)?.map((method) => method.split('/')[1])).toEqual([
      'DisconnectPeer',
      'FundPsbt',
      'SubscribePeerEvents',
      'HtlcInterceptor',
    ])
    await expect(less.disconnectPeer(lspId(), signal)).rejects.toMatchObject({
      failure: { code: 'LND_REFUSED', detail: 'permission denied' },
    })
  })

  it('change nothing', async () => {
    const look = () =>
      Promise.all([
        // Without what passes by itself.
        lnd.listChannels(signal).then((all) => all.map(({ lifetimeSeconds, uptimeSeconds, ...channel }) => channel)),
        lnd.pendingChannels(signal),
        // lnd lists these, and the aliases, in the order of a Go map.
        lnd.listPeers(signal).then((peers) => new Map(peers.map((peer) => [peer.nodeId, peer]))),
        lnd.listLeases(signal),
        lnd.listAliases(signal).then((aliases) => new Map(aliases.map(({ base, aliases: of }) => [base, of]))),
        lnd.walletBalance(signal),
      ])
    const before = await look()
    await probePermissions(lnd.connection, FEATURES, signal)

    expect(await look()).toEqual(before)
  })

  it('say which file is wrong when somebody else answers', async () => {
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

  it('reach lnd by name and by address', async () => {
    const { socket, certPath, macaroonPath } = node.network.lsp
    const byName = createLndAdapter({ socket: socket.replace('127.0.0.1', 'localhost'), certPath, macaroonPath })
    try {
      expect((await byName.getInfo(signal)).nodeId).toBe(lspId())
      expect((await lnd.getInfo(signal)).nodeId).toBe(lspId())
    } finally {
      byName.close()
    }
  })
})

describe('an ordered channel to another lnd', () => {
  it('is pending with its memo until its funding is published and confirmed', async () => {
    const world = realLnd(node, lnd)
    const request = openRequest(node.network.foreign.nodeId as NodeId, { zeroConf: false, scidAlias: false })
    const opened = await openTo(world, request, signal)
    expect(await lnd.pendingChannels(signal)).toEqual([
      { peer: request.peer, outpoint: opened.outpoint, memo: request.memo, stage: 'opening' },
    ])

    const raw = await lnd.finalizePsbt(opened.psbt, signal)
    await lnd.publishTransaction({ raw, label: 'compliance' }, signal)
    await node.network.mine(6)
    expect(await activeChannel(world, opened, signal)).toMatchObject({ memo: request.memo, capacity: request.capacity })
    expect(await lnd.pendingChannels(signal)).toEqual([])
  })
})

describe('when lnd dies', () => {
  type Held = { readonly offer: HtlcOffer; readonly stream: Interceptor }

  it('streams end, calls fail as unknown, and what was held is offered again to the next stream', async () => {
    const stop = new AbortController()
    const held: Held[] = []
    const intercept = () => lnd.interceptHtlcs((offer, stream) => held.push({ offer, stream }), stop.signal)
    const heldNumber = (count: number) =>
      waitFor(() => held[count - 1], { deadline: WAIT_MS, what: `offer number ${count}` })
    const ends = Promise.allSettled([
      intercept(),
      lnd.subscribeBlocks(() => undefined, signal),
      lnd.subscribePeerEvents(() => undefined, signal),
    ])
    const wallet = walletUnderTest(node, await node.addWallet())
    const { invoice } = await wallet.invoice({ amount: 20_000_000n, scid: newScid() })
    const payment = payInvoice(node.network.payer, { invoice })
    const first = await heldNumber(1)

    await node.network.lsp.kill()
    for (const end of await ends) expect(end).toMatchObject({ status: 'rejected', reason: unavailable })
    await expect(lnd.getInfo(signal)).rejects.toMatchObject(unavailable)
    const startAt = performance.now()
    await node.network.lsp.start()
    await waitFor(() => lnd.getInfo(signal), { deadline: WAIT_MS, what: 'the same connection to work again' })
    // So it tells for how long it has been running at least.
    const longest = async () => {
      const seconds = Math.max(...(await lnd.listChannels(signal)).map((one) => one.lifetimeSeconds))
      return seconds >= 1 ? seconds : undefined
    }
    const watched = await waitFor(longest, { deadline: WAIT_MS, what: 'a channel to be watched for a second' })
    expect(watched * 1000).toBeLessThanOrEqual(performance.now() - startAt)
    const again = intercept()
    const second = await heldNumber(2)
    expect(second.offer).toEqual(first.offer)
    // Of a stream that is gone: it must not reach the new one, which lnd would end.
    first.stream.answer(first.offer.circuit, { type: 'resume' })
    second.stream.answer(second.offer.circuit, { type: 'fail' })

    const { succeeded, attempts } = await payment
    expect(succeeded).toBe(false)
    expect(attempts.at(-1)?.failure?.code).toBe('TEMPORARY_CHANNEL_FAILURE')
    stop.abort()
    await expect(again).resolves.toBeUndefined()
  })
})
