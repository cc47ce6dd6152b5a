import { Psbt, Transaction } from 'bitcoinjs-lib'
import { expect, it } from 'vitest'
import type { Sat } from '../../lsps/base/amount.ts'
import { paysOnlyUs } from '../../src/funding/closing.ts'
import { refusedWith } from '../../src/kernel/errors.ts'
import type { Channel, PendingChannel } from '../../src/lnd/port.ts'
import {
  activeChannel,
  type NodeUnderTest,
  type Opened,
  openRequest,
  openTo,
  settled,
  until,
} from './node-under-test.ts'

const RATE = 5
const BUDGET = 5_000n as Sat
/** lnd takes a cooperative close for final after up to six blocks, by the channel's size. */
const CLOSE_BLOCKS = 6

type Open = { readonly opened: Opened; readonly channel: Channel }

/** Ends of channels: before their funding is published, and after. */
export function closingCases(world: () => NodeUnderTest, signal: AbortSignal): void {
  const newChannel = async () => {
    const wallet = await world().addWallet()
    const opened = await openTo(world(), openRequest(wallet.nodeId), signal)
    return { wallet, opened, channel: await activeChannel(world(), opened, signal) }
  }
  const publish = async ({ opened }: Open) => {
    const { port } = world()
    const raw = await port.finalizePsbt(opened.psbt, signal)
    await port.publishTransaction({ raw, label: 'compliance' }, signal)
    return raw
  }
  /** Undefined when it was not refused. */
  const refusalOf = (what: string, promise: Promise<unknown>) =>
    settled(
      world(),
      what,
      promise.then(
        () => undefined,
        (error: unknown) => error,
      ),
    )
  const close = (outpoint: string, how: 'cooperative' | 'force') => {
    const request = how === 'force' ? { outpoint, how } : { outpoint, how, satPerVbyte: RATE }
    return refusalOf('closeChannel', world().port.closeChannel(request, signal))
  }
  const closing = (outpoint: string): Promise<PendingChannel> =>
    until(world(), 'the channel to be closing', async () =>
      (await world().port.pendingChannels(signal)).find(
        (channel) => channel.outpoint === outpoint && channel.stage === 'closing',
      ),
    )
  const closedAs = async (outpoint: string) =>
    (await world().port.closedChannels(signal)).find((channel) => channel.outpoint === outpoint)
  const isClosed = async (outpoint: string) => (await closedAs(outpoint)) !== undefined

  it('keeps a withheld channel active over blocks, and publishes it later', async () => {
    const open = await newChannel()
    const [txid = ''] = open.opened.outpoint.split(':')
    await world().mine(3)
    expect(await activeChannel(world(), open.opened, signal)).toMatchObject({ chanId: open.channel.chanId })
    expect(await world().port.confirmations(txid, signal)).toBeUndefined()
    await publish(open)
    await world().mine(1)
    await until(world(), 'a confirmation', async () => (await world().port.confirmations(txid, signal)) === 1)
    expect((await activeChannel(world(), open.opened, signal)).chanId).toBe(open.channel.chanId)
  })

  it('closes a withheld channel although it says no, and forgets it when it is abandoned', async () => {
    const { port } = world()
    const { wallet, opened } = await newChannel()
    const { outpoint } = opened
    expect(refusedWith(await close(outpoint, 'cooperative'), /output already spent|orphan/)).toBe(true)
    const { closingTx } = await closing(outpoint)
    expect(paysOnlyUs(closingTx ?? '', 'possible')).toBe(true)
    expect((await port.listChannels(signal)).map((channel) => channel.outpoint)).not.toContain(outpoint)
    await port.abandonChannel(outpoint, signal)
    await port.abandonChannel(outpoint, signal)
    expect((await port.pendingChannels(signal)).map((channel) => channel.outpoint)).not.toContain(outpoint)
    expect(await closedAs(outpoint)).toMatchObject({ closeType: 'abandoned', initiator: 'local' })
    for (const lease of await port.listLeases(signal)) {
      if (lease.id === opened.request.pendingChannelId) await port.releaseOutput(lease, signal)
    }
    // lnd drops the peer after such a close; the next sale to the same wallet has to wait for it.
    await wallet.disconnect()
    await wallet.connect()
    const next = await openTo(world(), openRequest(wallet.nodeId), signal)
    await activeChannel(world(), next, signal)
  })

  it('closes a withheld channel without its peer: an empty commitment shows that nothing is in it', async () => {
    const { port } = world()
    const { wallet, opened } = await newChannel()
    await wallet.disconnect()
    await close(opened.outpoint, 'force')
    const { closingTx } = await closing(opened.outpoint)
    expect(paysOnlyUs(closingTx ?? '', 'ruled-out')).toBe(true)
    expect(paysOnlyUs(closingTx ?? '', 'possible')).toBe(false)
    await port.abandonChannel(opened.outpoint, signal)
    expect(await isClosed(opened.outpoint)).toBe(true)
  })

  it('closes a published channel with its peer', async () => {
    const open = await newChannel()
    await publish(open)
    expect(await close(open.opened.outpoint, 'cooperative')).toBeUndefined()
    await closing(open.opened.outpoint)
    await world().mine(CLOSE_BLOCKS)
    await until(world(), 'the channel to be closed', () => isClosed(open.opened.outpoint))
    expect(await closedAs(open.opened.outpoint)).toMatchObject({ closeType: 'cooperative', initiator: 'local' })
  })

  it('publishes the closing transaction that waited for its funding', async () => {
    const open = await newChannel()
    const { outpoint } = open.opened
    await close(outpoint, 'cooperative')
    const { closingTx = '' } = await closing(outpoint)
    await publish(open)
    await world().port.publishTransaction({ raw: closingTx, label: 'compliance' }, signal)
    await world().mine(CLOSE_BLOCKS)
    await until(world(), 'the channel to be closed', () => isClosed(outpoint))
  })

  it('does not close with a peer that is away', async () => {
    const open = await newChannel()
    await publish(open)
    await open.wallet.disconnect()
    expect(refusedWith(await close(open.opened.outpoint, 'cooperative'), /peer is offline/)).toBe(true)
    const channels = await world().port.listChannels(signal)
    expect(channels.map(({ outpoint }) => outpoint)).toContain(open.opened.outpoint)
  })

  it('pays for a stuck funding with its change, again at a higher rate, and for nothing else', async () => {
    const { port } = world()
    const open = await newChannel()
    const [txid = '', index = ''] = open.opened.outpoint.split(':')
    const change = `${txid}:${1 - Number(index)}`
    const bump = (outpoint: string, satPerVbyte: number) =>
      refusalOf('bumpFee', port.bumpFee({ outpoint, satPerVbyte, budget: BUDGET }, signal))
    expect(refusedWith(await bump(change, RATE), /does not belong to the wallet/)).toBe(true)
    await publish(open)
    await until(world(), 'the wallet to know it', async () => (await port.confirmations(txid, signal)) === 0)
    expect(refusedWith(await bump(open.opened.outpoint, RATE), /does not belong to the wallet/)).toBe(true)
    expect(await bump(change, RATE)).toBeUndefined()
    const child = await until(world(), 'the child', async () => (await port.spends([change], signal))[0])
    expect(child).toMatchObject({ outpoint: change, confirmations: 0 })
    expect(await bump(change, 3 * RATE)).toBeUndefined()
    const second = await until(world(), 'the next child', async () => {
      const found = await port.spends([change], signal)
      return found.find((spend) => spend.txid !== child.txid)
    })
    expect(second.fee).toBeLessThanOrEqual(BUDGET)
    await world().mine(1)
    await until(world(), 'the child to be confirmed', async () => {
      const found = await port.spends([change], signal)
      return found.some((spend) => spend.txid === second.txid && spend.confirmations === 1 && spend.fee > child.fee)
    })
  })

  it('tells which transaction spent the coins of one that can never confirm', async () => {
    const { port } = world()
    const first = await newChannel()
    const inputs = Psbt.fromBase64(first.opened.psbt).txInputs.map(
      ({ hash, index }) => `${Buffer.from(hash).reverse().toString('hex')}:${index}`,
    )
    expect(await port.spends(inputs, signal)).toEqual([])
    for (const lease of await port.listLeases(signal)) {
      if (lease.id === first.opened.request.pendingChannelId) await port.releaseOutput(lease, signal)
    }
    const second = await newChannel()
    const raw = await publish(second)
    expect(Transaction.fromHex(raw).ins.length).toBeGreaterThan(0)
    const { txid } = (await until(world(), 'the spend', async () => (await port.spends(inputs, signal))[0])) ?? {}
    expect(txid).toBe(second.opened.outpoint.split(':')[0])
    expect(refusedWith(await refusalOf('publish', publish(first)), /insufficient fee|conflict|already spent/)).toBe(
      true,
    )
    await world().mine(1)
    await until(world(), 'the spend to be confirmed', async () =>
      (await port.spends(inputs, signal)).some(({ confirmations }) => confirmations === 1),
    )
    expect(refusedWith(await refusalOf('publish', publish(first)), /already spent|missing/)).toBe(true)
    expect(await port.confirmations(first.opened.outpoint.split(':')[0] ?? '', signal)).toBeUndefined()
  })
}
