import { expect, it } from 'vitest'
import { recoverSigner } from '../../lsps/base/ln-signature.ts'
import { refusedWith } from '../../src/kernel/errors.ts'
import type { ChannelEvent, CustomMessage, PeerEvent } from '../../src/lnd/port.ts'
import {
  activeChannel,
  MESSAGE_TYPE,
  type NodeUnderTest,
  openRequest,
  openTo,
  settled,
  until,
} from './node-under-test.ts'

/** Peers, messages, blocks and events. */
export function streamCases(world: () => NodeUnderTest, signal: AbortSignal): void {
  it('tells what it is', async () => {
    const node = world()
    const info = await node.port.getInfo(signal)
    expect(info.nodeId).toMatch(/^0[23][0-9a-f]{64}$/)
    expect(info.version).toMatch(/^\d+\.\d+\.\d+/)
    expect(info).toMatchObject({ network: 'regtest', syncedToChain: true, requireInterceptor: node.requireInterceptor })
    // A node on a test machine announces no address; what there is names the node itself.
    for (const uri of info.uris) expect(uri.startsWith(`${info.nodeId}@`)).toBe(true)
    expect(info.features.some((bit) => bit === 50 || bit === 51)).toBe(true)
    expect(info.features.some((bit) => bit === 46 || bit === 47)).toBe(true)
  })

  it('signs with the key that is its id, as wallets verify it [L0-77]', async () => {
    const node = world()
    const { nodeId } = await node.port.getInfo(signal)
    const text = 'LSPS5: café {"jsonrpc":"2.0"}'
    const signature = await settled(node, 'SignMessage', node.port.signMessage(text, signal))
    expect(signature).toMatch(/^[a-z0-9]{104}$/)
    expect(recoverSigner(new TextEncoder().encode(text), signature)).toBe(nodeId)
    expect(recoverSigner(new TextEncoder().encode(`${text} `), signature)).not.toBe(nodeId)
    const empty = node.port.signMessage('', signal).catch((error: unknown) => error)
    expect(refusedWith(await settled(node, 'the refusal', empty), /need a message/)).toBe(true)
  })

  it('carries messages of type 37913 both ways', async () => {
    const node = world()
    const wallet = await node.addWallet()
    const messages: CustomMessage[] = []
    const subscribed = new AbortController()
    const stream = node.port.subscribeCustomMessages((message) => messages.push(message), subscribed.signal)
    await settled(node, 'getInfo', node.port.getInfo(signal))
    const bytes = new TextEncoder().encode('{"to":"node"}')
    // Again and again: lnd keeps nothing for a stream that has only just begun.
    const got = await until(node, 'the message', async () => {
      await wallet.send(bytes)
      return messages.find(({ peer }) => peer === wallet.nodeId)
    })
    expect(got.type).toBe(MESSAGE_TYPE)
    expect(Buffer.from(got.data).toString()).toBe('{"to":"node"}')
    const data = new TextEncoder().encode('{"to":"wallet"}')
    await node.port.sendCustomMessage({ peer: wallet.nodeId, type: MESSAGE_TYPE, data }, signal)
    const back = await until(node, 'the answer', () => wallet.messages()[0])
    expect(Buffer.from(back).toString()).toBe('{"to":"wallet"}')
    subscribed.abort()
    await stream
  })

  it('refuses a message to a peer that is not connected', async () => {
    const node = world()
    const wallet = await node.addWallet()
    await wallet.disconnect()
    const message = { peer: wallet.nodeId, type: MESSAGE_TYPE, data: new Uint8Array([1]) }
    const sent = node.port.sendCustomMessage(message, signal).catch((error: unknown) => error)
    expect(refusedWith(await settled(node, 'the refusal', sent), /not connected/)).toBe(true)
  })

  it('tells who comes and goes', async () => {
    const node = world()
    const events: PeerEvent[] = []
    const subscribed = new AbortController()
    const stream = node.port.subscribePeerEvents((event) => events.push(event), subscribed.signal)
    await settled(node, 'getInfo', node.port.getInfo(signal))
    const wallet = await node.addWallet()
    const ours = () => events.filter(({ nodeId }) => nodeId === wallet.nodeId).map(({ online }) => online)
    await until(node, 'online', () => ours().length === 1)
    const listed = async () => (await node.port.listPeers(signal)).some(({ nodeId }) => nodeId === wallet.nodeId)
    expect(await listed()).toBe(true)
    await wallet.disconnect()
    await until(node, 'offline', () => ours().length === 2)
    expect(await listed()).toBe(false)
    await wallet.connect()
    await until(node, 'online again', () => ours().length === 3)
    expect(ours()).toEqual([true, false, true])
    subscribed.abort()
    await stream
  })

  it('takes a channel down and up with its peer', async () => {
    const node = world()
    const wallet = await node.addWallet()
    const opened = await openTo(node, openRequest(wallet.nodeId), signal)
    const channel = await activeChannel(node, opened, signal)
    await wallet.disconnect()
    await until(node, 'the channel to be inactive', async () => {
      const [found] = await node.port.listChannels(signal, wallet.nodeId)
      return found?.active === false
    })
    await wallet.connect()
    const again = await activeChannel(node, opened, signal)
    expect(again.chanId).toBe(channel.chanId)
  })

  it('tells the life of a channel in order', async () => {
    const node = world()
    const events: ChannelEvent[] = []
    const subscribed = new AbortController()
    const stream = node.port.subscribeChannelEvents((event) => events.push(event), subscribed.signal)
    await settled(node, 'getInfo', node.port.getInfo(signal))
    const wallet = await node.addWallet()
    const opened = await openTo(node, openRequest(wallet.nodeId), signal)
    const ours = () => events.filter(({ outpoint }) => outpoint === opened.outpoint).map(({ type }) => type)
    await until(node, 'the active event', () => ours().includes('active'))
    expect(ours().filter((type) => type !== 'inactive')).toEqual(['pending', 'open', 'active'])
    subscribed.abort()
    await stream
  })

  it('tells the best height first, then each new one', async () => {
    const node = world()
    const heights: number[] = []
    const subscribed = new AbortController()
    const stream = node.port.subscribeBlocks((height) => heights.push(height), subscribed.signal)
    const first = await until(node, 'the best height', () => heights[0])
    expect(first).toBe((await node.port.getInfo(signal)).blockHeight)
    await node.mine(2)
    await until(node, 'two blocks', () => heights.at(-1) === first + 2)
    expect(heights).toEqual([first, first + 1, first + 2])
    subscribed.abort()
    await stream
  })

  it('gives up a call whose signal aborts', async () => {
    const node = world()
    const aborted = AbortSignal.abort(new Error('enough'))
    const call = node.port.getInfo(aborted).then(
      () => 'answered',
      () => 'gave up',
    )
    expect(await settled(node, 'the call', call)).toBe('gave up')
  })
}
