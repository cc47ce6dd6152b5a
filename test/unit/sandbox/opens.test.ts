import { describe, expect, it } from 'vitest'
import { idOf, negotiate, openAndBind, publish, refusal, request, stage } from './stage.ts'

describe('opens that do not go straight (crash table of funding.md)', () => {
  it('go on although the client is gone, and complete when the peer wakes', async () => {
    const at = stage()
    at.wallet.setOpenPolicy('hang-sign')
    const order = request(at.wallet.nodeId)
    const { psbt } = await negotiate(at, order)
    await at.port.verifyFunding({ psbt, pendingChannelId: order.pendingChannelId }, at.signal)
    at.world.killClient()
    const port = at.world.attach()
    const next = { ...at, port }
    // shim_cancel says ok and proves nothing.
    await port.cancelFunding(order.pendingChannelId, at.signal)
    expect(await refusal(port.openChannel(order, at.signal).template)).toBe(
      `LND_REFUSED pendingChannelID(${order.pendingChannelId}) already present`,
    )
    expect(await port.listChannels(at.signal)).toHaveLength(1)
    at.wallet.setOpenPolicy('accept')
    await at.clock.settle()
    expect((await port.listChannels(at.signal)).map(({ memo }) => memo)).toContain(order.memo)
    // The same id again is a second channel for whoever does not look first.
    await negotiate(next, order)
    expect(at.world.audit()).toEqual([])
  })

  it('second channel of one id: the audit sees it', async () => {
    const at = stage()
    const order = request(at.wallet.nodeId)
    for (let round = 0; round < 2; round += 1) {
      const { attempt, psbt } = await negotiate(at, order)
      await at.port.verifyFunding({ psbt, pendingChannelId: order.pendingChannelId }, at.signal)
      await attempt.pending
    }
    expect(at.world.audit().map(({ kind }) => kind)).toEqual(['opened-twice', 'opened-twice'])
  })

  it('hang before accept_channel: shim_cancel ends them', async () => {
    const at = stage()
    at.wallet.setOpenPolicy('hang')
    const order = request(at.wallet.nodeId)
    const attempt = at.port.openChannel(order, at.signal)
    const ended = refusal(attempt.pending)
    await at.clock.settle()
    await at.port.cancelFunding(order.pendingChannelId, at.signal)
    expect(await ended).toMatch('user canceled funding')
    at.wallet.setOpenPolicy('accept')
    const again = await negotiate(at, order)
    expect(again.psbt).not.toBe('')
  })

  it('of another peer under the same id take the intent over', async () => {
    const at = stage()
    const other = at.world.addWallet()
    other.connect()
    const first = await negotiate(at, request(at.wallet.nodeId))
    const second = await negotiate(at, { ...request(other.nodeId), memo: '' })
    const verify = at.port.verifyFunding({ psbt: first.psbt, pendingChannelId: idOf(1) }, at.signal)
    expect(await refusal(verify)).toMatch('funding output not found in PSBT')
    await at.port.verifyFunding({ psbt: second.psbt, pendingChannelId: idOf(1) }, at.signal)
    expect(await second.attempt.pending).toMatch(/:/)
    // The first reservation leaks until its peer disconnects.
    expect(at.world.node.opens.size).toBe(1)
    at.wallet.disconnect()
    expect(at.world.node.opens.size).toBe(0)
  })

  it('die with the node before funding_signed; the wallet keeps a ghost, the lease survives', async () => {
    const at = stage()
    at.wallet.setOpenPolicy('hang-sign')
    const order = request(at.wallet.nodeId)
    const { attempt, psbt } = await negotiate(at, order)
    await at.port.verifyFunding({ psbt, pendingChannelId: order.pendingChannelId }, at.signal)
    at.world.killNode()
    expect(await refusal(attempt.pending)).toMatch('LND_UNAVAILABLE')
    expect(await refusal(at.port.getInfo(at.signal))).toMatch('LND_UNAVAILABLE')
    at.world.restartNode()
    at.wallet.setOpenPolicy('accept')
    await at.clock.settle()
    expect(await at.port.pendingChannels(at.signal)).toEqual([])
    expect(await at.port.listChannels(at.signal, at.wallet.nodeId)).toEqual([])
    expect(at.wallet.ghosts).toHaveLength(1)
    expect(await refusal(at.port.cancelFunding(order.pendingChannelId, at.signal))).toMatch('no funding intent found')
    expect((await at.port.listLeases(at.signal)).map(({ id }) => id)).toEqual([order.pendingChannelId])
    expect(at.world.audit({ atRest: true }).map(({ kind }) => kind)).toEqual(['lease-left'])
  })

  it('are back after a restart of the node once they were signed, also unpublished, with their alias', async () => {
    const at = stage()
    const { channel, psbt } = await openAndBind(at)
    at.world.killNode()
    at.world.restartNode()
    await at.clock.settle()
    const [after] = await at.port.listChannels(at.signal, at.wallet.nodeId)
    expect(after).toEqual(channel)
    expect((await at.port.listAliases(at.signal)).find(({ base }) => base === channel.chanId)?.aliases).toHaveLength(2)
    await publish(at, psbt)
    at.world.mine()
    expect(at.world.audit({ atRest: true })).toEqual([])
  })

  it('open although psbt_verify says that the reserve is violated', async () => {
    const at = stage()
    at.world.node.opens.claimReserveViolation = true
    const order = request(at.wallet.nodeId)
    const { attempt, psbt } = await negotiate(at, order)
    const verify = at.port.verifyFunding({ psbt, pendingChannelId: order.pendingChannelId }, at.signal)
    expect(await refusal(verify)).toMatch('LND_REFUSED reserved wallet balance invalidated')
    expect(await attempt.pending).toMatch(/:/)
  })

  it('publishing for a channel that is gone loses the coins, and the audit says so', async () => {
    const at = stage()
    const order = request(at.wallet.nodeId)
    const { psbt } = await negotiate(at, order)
    await at.port.cancelFunding(order.pendingChannelId, at.signal)
    await publish(at, psbt)
    expect(at.world.audit().map(({ kind }) => kind)).toEqual(['coins-lost'])
  })

  it('add an alias although the link is down, and say that it is not found', async () => {
    const at = stage()
    const { channel } = await openAndBind(at)
    at.wallet.disconnect()
    const alias = 16_100_001n << 40n
    expect(await refusal(at.port.addAlias({ base: channel.chanId, alias }, at.signal))).toMatch(
      'channel link not found',
    )
    expect(await refusal(at.port.addAlias({ base: channel.chanId, alias }, at.signal))).toMatch('already exists')
  })
})

describe('coins', () => {
  it('come back when their lease runs out', async () => {
    const at = stage({ coins: [200_000n] })
    await negotiate(at, request(at.wallet.nodeId))
    const fresh = at.port.openChannel(request(at.wallet.nodeId, idOf(2)), at.signal)
    const { template } = await fresh.template
    const fund = { template, satPerVbyte: 2, lockId: idOf(2), lockSeconds: 600, minConfs: 1 }
    expect(await refusal(at.port.fundPsbt(fund, at.signal))).toMatch('insufficient funds available')
    await at.clock.advance(600_000)
    expect(await at.port.listLeases(at.signal)).toEqual([])
    expect(await at.port.fundPsbt(fund, at.signal)).not.toBe('')
  })

  it('spent twice are refused with the words of lnd over btcd', async () => {
    const at = stage({ coins: [200_000n] })
    const first = await openAndBind(at)
    await at.clock.advance(600_000)
    const second = await negotiate(at, request(at.wallet.nodeId, idOf(2)))
    await publish(at, first.psbt)
    expect(await refusal(publish(at, second.psbt))).toMatch('insufficient fee')
    at.world.mine()
    expect(await refusal(publish(at, second.psbt))).toMatch('transaction rejected: output already spent')
  })

  it('give change that can be spent after it confirmed', async () => {
    const at = stage({ coins: [1_000_000n] })
    const { psbt } = await openAndBind(at)
    await publish(at, psbt)
    expect(await at.port.walletBalance(at.signal)).toBe(0n)
    at.world.mine()
    expect(await at.port.walletBalance(at.signal)).toBeGreaterThan(840_000n)
  })
})
