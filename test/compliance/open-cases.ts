import { expect, it } from 'vitest'
import type { Sat } from '../../lsps/base/amount.ts'
import { refusedWith } from '../../src/kernel/errors.ts'
import type { OpenRequest } from '../../src/lnd/port.ts'
import {
  activeChannel,
  type NodeUnderTest,
  type Opened,
  openRequest,
  openTo,
  settled,
  until,
} from './node-under-test.ts'

const PUSH = 60_000n as Sat
/** More than any wallet here asks for before an ordinary channel is ready. */
const DEEP = 6
const RESERVE_PER_CHANNEL = 10_000n
const HEIGHT_SHIFT = 40n
/** A cooperative close is final after up to six blocks. */
const CLOSE_BLOCKS = 6
const ORDINARY = { zeroConf: false, scidAlias: false } as const

/** Channels that are ordered: ordinary or announced ones, with a balance for the peer. */
export function openCases(world: () => NodeUnderTest, signal: AbortSignal): void {
  const open = async (overrides: Partial<OpenRequest>) => {
    const wallet = await world().addWallet()
    if (overrides.zeroConf === false) wallet.acceptZeroConf(false)
    const opened = await openTo(world(), openRequest(wallet.nodeId, overrides), signal)
    return { wallet, opened }
  }
  const publish = async ({ psbt }: Opened) => {
    const { port } = world()
    const raw = await port.finalizePsbt(psbt, signal)
    await port.publishTransaction({ raw, label: 'compliance' }, signal)
  }
  const pendingStage = async (outpoint: string) =>
    (await world().port.pendingChannels(signal)).find((channel) => channel.outpoint === outpoint)?.stage
  const refusalOf = (request: OpenRequest) => {
    const attempt = world().port.openChannel(request, signal)
    attempt.pending.catch(() => undefined)
    return settled(
      world(),
      'the answer',
      attempt.template.then(
        () => undefined,
        (error: unknown) => error,
      ),
    )
  }

  it('is pending until its funding is as deep as the peer asks, and has its place in the chain then', async () => {
    const { opened } = await open({ ...ORDINARY, private: true })
    await world().mine(1)
    expect(await pendingStage(opened.outpoint)).toBe('opening')
    await publish(opened)
    const { blockHeight } = await world().port.getInfo(signal)
    await world().mine(1)
    expect(await pendingStage(opened.outpoint)).toBe('opening')
    await world().mine(DEEP - 1)
    const channel = await activeChannel(world(), opened, signal)
    expect(channel).toMatchObject({ private: true, initiator: true, memo: opened.request.memo })
    expect(channel.chanId >> HEIGHT_SHIFT).toBe(BigInt(blockHeight + 1))
    expect(await pendingStage(opened.outpoint)).toBeUndefined()
  })

  it('is announced when it is asked for, and makes the node keep a reserve', async () => {
    const before = await world().port.anchorReserve(signal)
    const { opened } = await open({ ...ORDINARY, private: false })
    await publish(opened)
    await world().mine(DEEP)
    expect(await activeChannel(world(), opened, signal)).toMatchObject({ private: false, initiator: true })
    expect(await world().port.anchorReserve(signal)).toBe(before + RESERVE_PER_CHANNEL)
  })

  it('may be announced and active before its funding is in a block', async () => {
    const { opened } = await open({ private: false, zeroConf: true, scidAlias: false })
    const channel = await activeChannel(world(), opened, signal)
    expect(channel).toMatchObject({ private: false })
    await publish(opened)
    await world().mine(DEEP)
    expect((await activeChannel(world(), opened, signal)).chanId).toBe(channel.chanId)
  })

  it('is not both announced and behind an alias', async () => {
    const wallet = await world().addWallet()
    const request = openRequest(wallet.nodeId, { private: false, scidAlias: true })
    expect(refusedWith(await refusalOf(request), /option-scid-alias chantype for public channel/)).toBe(true)
  })

  it('gives the peer what is pushed to it, which is not "sent"', async () => {
    const { opened } = await open({ push: PUSH })
    const channel = await activeChannel(world(), opened, signal)
    expect(channel).toMatchObject({ remoteBalance: PUSH, totalSent: 0n, totalReceived: 0n })
    expect(channel.localBalance).toBeLessThanOrEqual(channel.capacity - PUSH)
    expect(channel.localBalance).toBeGreaterThan(channel.capacity - PUSH - 10_000n)
  })

  it('tells what it would carry in one HTLC more: its balance less the reserve and the fees of its commitment', async () => {
    const { opened } = await open({ push: PUSH })
    const channel = await activeChannel(world(), opened, signal)
    const reserve = channel.capacity / 100n
    expect(channel.sendable).toBeLessThanOrEqual((channel.localBalance - reserve) * 1000n)
    expect(channel.sendable).toBeGreaterThan((channel.localBalance - reserve - 10_000n) * 1000n)
  })

  it('is not pushed as a whole', async () => {
    const wallet = await world().addWallet()
    const request = openRequest(wallet.nodeId, { push: 200_000n as Sat })
    expect(refusedWith(await refusalOf(request), /amount pushed .* must be below the local funding amount/)).toBe(true)
  })

  it('is watched: how long, and how much of that the peer was there', async () => {
    const { wallet, opened } = await open({})
    await activeChannel(world(), opened, signal)
    const { lifetimeSeconds } = await until(world(), 'two seconds of uptime', async () => {
      const channel = await activeChannel(world(), opened, signal)
      return channel.uptimeSeconds >= 2 ? channel : undefined
    })
    await wallet.disconnect()
    await until(world(), 'two seconds without the peer', async () => {
      const [channel] = await world().port.listChannels(signal, wallet.nodeId)
      return channel !== undefined && channel.lifetimeSeconds >= lifetimeSeconds + 2
    })
    const [channel] = await world().port.listChannels(signal, wallet.nodeId)
    expect(channel?.lifetimeSeconds).toBeGreaterThan(channel?.uptimeSeconds ?? Number.POSITIVE_INFINITY)
  })

  it('can carry most of what is ours, and not the reserve and the fees of the commitment', async () => {
    const { opened } = await open({})
    const { sendable, localBalance, capacity } = await activeChannel(world(), opened, signal)
    expect(sendable).toBeGreaterThan(localBalance * 900n)
    expect(sendable).toBeLessThan((localBalance - capacity / 100n) * 1000n)
  })

  it('tells of its peer whether it takes large channels', async () => {
    const wallet = await world().addWallet()
    const peer = (await world().port.listPeers(signal)).find(({ nodeId }) => nodeId === wallet.nodeId)
    expect(peer?.features.some((bit) => bit === 18 || bit === 19)).toBe(true)
    expect(peer?.features.some((bit) => bit === 728 || bit === 729)).toBe(false)
  })

  it('says who closed it when the peer did', async () => {
    const { wallet, opened } = await open({ push: PUSH })
    await activeChannel(world(), opened, signal)
    await publish(opened)
    await world().mine(1)
    wallet.closeChannels()
    await until(world(), 'the channel to be closing', async () => (await pendingStage(opened.outpoint)) === 'closing')
    await world().mine(CLOSE_BLOCKS)
    const closed = await until(world(), 'the channel to be closed', async () =>
      (await world().port.closedChannels(signal)).find(({ outpoint }) => outpoint === opened.outpoint),
    )
    expect(closed).toEqual({
      peer: wallet.nodeId,
      outpoint: opened.outpoint,
      closeType: 'cooperative',
      initiator: 'remote',
    })
  })
}
