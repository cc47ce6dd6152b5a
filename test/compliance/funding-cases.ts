import { Psbt, Transaction } from 'bitcoinjs-lib'
import { expect, it } from 'vitest'
import type { Sat } from '../../lsps/base/amount.ts'
import { refusedWith, SidecarError } from '../../src/kernel/errors.ts'
import {
  activeChannel,
  fundRequest,
  type NodeUnderTest,
  negotiate,
  newId,
  openRequest,
  openTo,
  settled,
  until,
} from './node-under-test.ts'

const UNKNOWN_TXID = '11'.repeat(32)

function detailOf(error: unknown): string {
  if (!(error instanceof SidecarError)) throw new Error(`expected a SidecarError, got ${error}`, { cause: error })
  return `${error.failure.code} ${'detail' in error.failure ? error.failure.detail : ''}`
}

/** What a refused promise says: code and the node's words. */
async function refusal(node: NodeUnderTest, what: string, promise: Promise<unknown>): Promise<string> {
  return settled(
    node,
    what,
    promise.then(
      () => 'no refusal',
      (error: unknown) => detailOf(error),
    ),
  )
}

/** The recipe of funding.md, and what goes wrong on the way. */
export function fundingCases(world: () => NodeUnderTest, signal: AbortSignal): void {
  it('opens by the recipe: the outpoint is known before verify, and equals chan_pending', async () => {
    const node = world()
    const wallet = await node.addWallet()
    const request = openRequest(wallet.nodeId)
    const { attempt, template, psbt } = await negotiate(node, request, signal)
    expect(template.amount).toBe(request.capacity)
    const funded = Psbt.fromBase64(psbt)
    const vout = funded.txOutputs.findIndex(
      (output) => output.address === template.address || output.value === 200_000n,
    )
    const txid = Transaction.fromBuffer(funded.data.globalMap.unsignedTx.toBuffer()).getId()
    await settled(node, 'verify', node.port.verifyFunding({ psbt, pendingChannelId: request.pendingChannelId }, signal))
    const outpoint = await settled(node, 'chan_pending', attempt.pending)
    expect(outpoint).toBe(`${txid}:${vout}`)
    // The order of funding.md's look: a channel moves from pending to open, never back.
    const pending = await node.port.pendingChannels(signal)
    const open = await node.port.listChannels(signal)
    const seen = [...pending, ...open].filter((channel) => channel.outpoint === outpoint)
    expect(seen.map(({ memo }) => memo)).toContain(request.memo)
    const channel = await activeChannel(node, { request, outpoint }, signal)
    expect(channel).toMatchObject({ peer: wallet.nodeId, memo: request.memo, capacity: 200_000n, totalSent: 0n })
    expect(channel.pendingHtlcs).toEqual([])
    expect(channel.localBalance + channel.remoteBalance).toBeLessThanOrEqual(200_000n)
    expect(await node.port.confirmations(txid, signal)).toBeUndefined()
  })

  it('locks coins under our id, extends and releases them by it', async () => {
    const node = world()
    const wallet = await node.addWallet()
    const request = openRequest(wallet.nodeId)
    const before = await node.port.walletBalance(signal)
    await negotiate(node, request, signal)
    expect(await node.port.walletBalance(signal)).toBeLessThan(before)
    const leases = (await node.port.listLeases(signal)).filter(({ id }) => id === request.pendingChannelId)
    expect(leases.length).toBeGreaterThan(0)
    for (const lease of leases) {
      await node.port.leaseOutput({ ...lease, seconds: 1200 }, signal)
      const other = { id: newId(), outpoint: lease.outpoint }
      expect(await refusal(node, 'lease', node.port.leaseOutput({ ...other, seconds: 60 }, signal))).toMatch(
        /already locked/,
      )
      expect(await refusal(node, 'release', node.port.releaseOutput(other, signal))).toMatch(/output unlock not/)
      await node.port.releaseOutput(lease, signal)
      await node.port.releaseOutput(lease, signal)
    }
    expect((await node.port.listLeases(signal)).map(({ id }) => id)).not.toContain(request.pendingChannelId)
    expect(await node.port.walletBalance(signal)).toBe(before)
    await node.port.cancelFunding(request.pendingChannelId, signal)
  })

  it('refuses a pending channel id that is already being opened', async () => {
    const node = world()
    const wallet = await node.addWallet()
    const request = openRequest(wallet.nodeId)
    const first = node.port.openChannel(request, signal)
    first.pending.catch(() => undefined)
    await settled(node, 'psbt_fund', first.template)
    const second = node.port.openChannel(request, signal)
    second.pending.catch(() => undefined)
    expect(await refusal(node, 'second open', second.template)).toMatch(/LND_REFUSED .*already present/)
    await node.port.cancelFunding(request.pendingChannelId, signal)
  })

  it('cancels an open before verify, and opens again under the same id', async () => {
    const node = world()
    const wallet = await node.addWallet()
    const request = openRequest(wallet.nodeId)
    const first = node.port.openChannel(request, signal)
    const ended = refusal(node, 'canceled open', first.pending)
    await settled(node, 'psbt_fund', first.template)
    await node.port.cancelFunding(request.pendingChannelId, signal)
    expect(await ended).toMatch(/cancel/)
    const opened = await openTo(node, request, signal)
    await activeChannel(node, opened, signal)
  })

  it('says that there is nothing to cancel', async () => {
    const node = world()
    expect(await refusal(node, 'cancel', node.port.cancelFunding(newId(), signal))).toMatch(
      /LND_REFUSED .*no funding intent found/,
    )
  })

  it('refuses a verify that is late, early or of another transaction', async () => {
    const node = world()
    const wallet = await node.addWallet()
    const opened = await openTo(node, openRequest(wallet.nodeId), signal)
    const { psbt, request } = opened
    const { pendingChannelId } = request
    const again = node.port.verifyFunding({ psbt, pendingChannelId }, signal)
    expect(await refusal(node, 'verify again', again)).toMatch(/LND_REFUSED .*no channel reservation found/)
    const unknown = node.port.verifyFunding({ psbt, pendingChannelId: newId() }, signal)
    expect(await refusal(node, 'verify of an unknown id', unknown)).toMatch(/no channel reservation found/)

    const next = openRequest(wallet.nodeId)
    const other = await negotiate(node, next, signal)
    const wrong = node.port.verifyFunding({ psbt, pendingChannelId: next.pendingChannelId }, signal)
    expect(await refusal(node, 'verify of another transaction', wrong)).toMatch(/funding output not found/)
    // Another PSBT may be tried after that.
    const right = node.port.verifyFunding({ psbt: other.psbt, pendingChannelId: next.pendingChannelId }, signal)
    await settled(node, 'verify', right)
    await settled(node, 'chan_pending', other.attempt.pending)
  })

  it('takes the id of a channel that is there for another open: only a look prevents a second one', async () => {
    const node = world()
    const wallet = await node.addWallet()
    const opened = await openTo(node, openRequest(wallet.nodeId), signal)
    const { pendingChannelId } = opened.request
    await activeChannel(node, opened, signal)
    const cancel = node.port.cancelFunding(pendingChannelId, signal)
    expect(await refusal(node, 'cancel', cancel)).toMatch(/no funding intent found/)
    const again = node.port.openChannel(opened.request, signal)
    again.pending.catch(() => undefined)
    await settled(node, 'psbt_fund', again.template)
    await node.port.cancelFunding(pendingChannelId, signal)
    const channels = await node.port.listChannels(signal, wallet.nodeId)
    expect(channels.map(({ outpoint }) => outpoint)).toEqual([opened.outpoint])
  })

  it('refuses an open to a peer that is not connected', async () => {
    const node = world()
    const wallet = await node.addWallet()
    await wallet.disconnect()
    const attempt = node.port.openChannel(openRequest(wallet.nodeId), signal)
    attempt.pending.catch(() => undefined)
    expect(await refusal(node, 'open', attempt.template)).toMatch(/LND_REFUSED .*not online/)
  })

  it('passes on that the peer refuses', async () => {
    const node = world()
    const wallet = await node.addWallet()
    wallet.acceptZeroConf(false)
    const request = openRequest(wallet.nodeId)
    const attempt = node.port.openChannel(request, signal)
    attempt.pending.catch(() => undefined)
    const words = await refusal(node, 'open', attempt.template)
    expect(words).toMatch(/LND_REFUSED .*remote canceled funding.*received funding error/)
    const all = [...(await node.port.pendingChannels(signal)), ...(await node.port.listChannels(signal))]
    expect(all.map(({ memo }) => memo)).not.toContain(request.memo)
  })

  it('ends an open when the peer disconnects before verify', async () => {
    const node = world()
    const wallet = await node.addWallet()
    const request = openRequest(wallet.nodeId)
    const attempt = node.port.openChannel(request, signal)
    const ended = refusal(node, 'open', attempt.pending)
    await settled(node, 'psbt_fund', attempt.template)
    await node.port.disconnectPeer(wallet.nodeId, signal)
    expect(await ended).toMatch(/LND_REFUSED .*disconnected/)
  })

  it('goes on with an open that nobody listens to', async () => {
    const node = world()
    const wallet = await node.addWallet()
    const request = openRequest(wallet.nodeId)
    const { attempt, psbt } = await negotiate(node, request, signal)
    attempt.detach()
    await node.port.verifyFunding({ psbt, pendingChannelId: request.pendingChannelId }, signal)
    await until(node, 'the channel', async () =>
      (await node.port.listChannels(signal)).some(({ memo, active }) => memo === request.memo && active),
    )
  })

  it('signs twice to the same transaction, publishes twice, confirms', async () => {
    const node = world()
    const wallet = await node.addWallet()
    const opened = await openTo(node, openRequest(wallet.nodeId), signal)
    const channel = await activeChannel(node, opened, signal)
    const [txid = ''] = opened.outpoint.split(':')
    const raw = await node.port.finalizePsbt(opened.psbt, signal)
    const twice = await node.port.finalizePsbt(opened.psbt, signal)
    expect([raw, twice].map((hex) => Transaction.fromHex(hex).getId())).toEqual([txid, txid])
    await node.port.publishTransaction({ raw, label: 'compliance' }, signal)
    await node.port.publishTransaction({ raw, label: 'compliance' }, signal)
    await until(node, 'the transaction in the wallet', async () => (await node.port.confirmations(txid, signal)) === 0)
    expect(await node.port.rawTransaction(txid, signal)).toBe(raw)
    expect(await node.port.labelled('compliance', signal)).toContainEqual({ txid, raw, confirmations: 0 })
    expect(await node.port.labelled('complianc', signal)).toEqual([])
    expect(await node.port.rawTransaction(UNKNOWN_TXID, signal)).toBeUndefined()
    await node.mine(3)
    await until(node, '3 confirmations', async () => (await node.port.confirmations(txid, signal)) === 3)
    expect(await node.port.labelled('compliance', signal)).toContainEqual({ txid, raw, confirmations: 3 })
    await node.port.publishTransaction({ raw, label: 'compliance' }, signal)
    const after = await activeChannel(node, opened, signal)
    expect(after.chanId).toBe(channel.chanId)
    expect(await node.port.confirmations(UNKNOWN_TXID, signal)).toBeUndefined()
    await until(node, 'the lease to go with its coin', async () => {
      const leases = await node.port.listLeases(signal)
      return leases.every(({ id }) => id !== opened.request.pendingChannelId)
    })
  })

  it('says that there are not enough coins', async () => {
    const node = world()
    const wallet = await node.addWallet()
    const request = openRequest(wallet.nodeId)
    const attempt = node.port.openChannel(request, signal)
    attempt.pending.catch(() => undefined)
    const template = await settled(node, 'psbt_fund', attempt.template)
    const fund = { ...fundRequest(template, request.pendingChannelId), minConfs: 1_000_000 }
    const error = await settled(
      node,
      'FundPsbt',
      node.port.fundPsbt(fund, signal).catch((reason: unknown) => reason),
    )
    expect(refusedWith(error, /insufficient|not enough/i)).toBe(true)
    await node.port.cancelFunding(request.pendingChannelId, signal)
  })

  it('spends just the coins that are named, once, and shows what nobody has locked', async () => {
    const { port } = world()
    const coins = await port.listUnspent(1, signal)
    const [coin] = coins
    if (coin === undefined) throw new Error('the wallet has no confirmed coin')
    expect(coins.reduce((sum, { amount }) => sum + amount, 0n)).toBe(await port.walletBalance(signal))
    expect(await port.anchorReserve(signal)).toBeLessThanOrEqual(100_000n)
    const addresses = [await port.newAddress(signal), await port.newAddress(signal)]
    expect(new Set(addresses).size).toBe(2)
    const amount = (coin.amount / 4n) as Sat
    const outputs = addresses.map((address) => ({ address, amount }))
    const lockId = newId()
    const lock = { satPerVbyte: 2, lockSeconds: 600, minConfs: 1 }
    const psbt = await port.fundPsbt({ ...lock, lockId, outputs, inputs: [coin.outpoint] }, signal)
    const unsigned = Transaction.fromBuffer(Psbt.fromBase64(psbt).data.globalMap.unsignedTx.toBuffer())
    expect(unsigned.ins.map(({ hash, index }) => `${Buffer.from(hash).reverse().toString('hex')}:${index}`)).toEqual([
      coin.outpoint,
    ])
    expect(unsigned.outs.filter(({ value }) => value === amount)).toHaveLength(2)
    expect((await port.listLeases(signal)).filter(({ id }) => id === lockId)).toEqual([
      { id: lockId, outpoint: coin.outpoint },
    ])
    expect((await port.listUnspent(1, signal)).map(({ outpoint }) => outpoint)).not.toContain(coin.outpoint)
    const again = { ...lock, lockId: newId(), outputs, inputs: [coin.outpoint] }
    expect(await refusal(world(), 'FundPsbt', port.fundPsbt(again, signal))).toMatch(
      /LND_REFUSED .*not found in list of non-locked/,
    )
    await port.releaseOutput({ id: lockId, outpoint: coin.outpoint }, signal)
    expect(await port.listUnspent(1, signal)).toHaveLength(coins.length)
  })

  it('spends unconfirmed coins only when told to', async () => {
    const node = world()
    const { port } = node
    const [coin] = await port.listUnspent(1, signal)
    if (coin === undefined) throw new Error('the wallet has no confirmed coin')
    const amount = (coin.amount / 4n) as Sat
    const pay = async () => [{ address: await port.newAddress(signal), amount }]
    const lock = { satPerVbyte: 2, lockSeconds: 600 }
    const request = { ...lock, lockId: newId(), minConfs: 1, outputs: await pay(), inputs: [coin.outpoint] }
    const raw = await port.finalizePsbt(await port.fundPsbt(request, signal), signal)
    await port.publishTransaction({ raw, label: 'compliance' }, signal)
    const txid = Transaction.fromHex(raw).getId()
    const change = await until(node, 'the unconfirmed coin', async () =>
      (await port.listUnspent(0, signal)).find(({ outpoint, confirmations }) => {
        return outpoint.startsWith(txid) && confirmations === 0
      }),
    )
    expect((await port.listUnspent(1, signal)).map(({ outpoint }) => outpoint)).not.toContain(change.outpoint)
    const half = [{ address: await port.newAddress(signal), amount: (change.amount / 2n) as Sat }]
    const lockId = newId()
    const spend = { ...lock, lockId, outputs: half, inputs: [change.outpoint] }
    expect(await refusal(node, 'FundPsbt', port.fundPsbt({ ...spend, minConfs: 1 }, signal))).toMatch(/LND_REFUSED/)
    expect(Psbt.fromBase64(await port.fundPsbt({ ...spend, minConfs: 0 }, signal)).inputCount).toBe(1)
    await port.releaseOutput({ id: lockId, outpoint: change.outpoint }, signal)
    await node.mine(1)
  })

  it('estimates a feerate of at least 1 sat/vB', async () => {
    const feerate = await world().port.estimateFeerate(6, signal)
    expect(Number.isInteger(feerate)).toBe(true)
    expect(feerate).toBeGreaterThanOrEqual(1)
  })
}
