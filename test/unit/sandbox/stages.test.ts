import { describe, expect, it } from 'vitest'
import type { Stage as CallStage, StageAction } from '../../../src/sandbox/stages.ts'
import {
  AMOUNT,
  FEE,
  idOf,
  negotiate,
  openAndBind,
  publish,
  refusal,
  request,
  SCID,
  SKIM,
  type Stage,
  stage,
  tap,
} from './stage.ts'

/** One sale by hand, from the held HTLC to the published funding. */
async function sell(at: Stage): Promise<void> {
  const seen = tap(at.port)
  await at.clock.settle()
  const invoice = at.wallet.invoice({ amount: AMOUNT, maxFee: FEE })
  const payment = at.world.payer.pay({ hash: invoice.paymentHash, scid: SCID, amount: AMOUNT })
  await at.clock.settle()
  const { psbt } = await openAndBind(at)
  seen.stream?.answer(payment.circuit, SKIM)
  await payment.result
  await publish(at, psbt)
}

async function recorded(): Promise<readonly string[]> {
  const at = stage()
  at.world.record()
  await sell(at)
  await at.clock.settle()
  return at.world.points
}

describe('points', () => {
  it('name every passage, the same in every run', async () => {
    const points = await recorded()
    expect(await recorded()).toEqual(points)
    expect(points).toEqual([
      'interceptHtlcs.offer#1:answered',
      'openChannel#1:received',
      'openChannel#1:effective',
      'openChannel.template#1:answered',
      'fundPsbt#1:received',
      'fundPsbt#1:effective',
      'fundPsbt#1:visible',
      'fundPsbt#1:answered',
      'verifyFunding#1:received',
      'verifyFunding#1:effective',
      'node.channelPending#1:effective',
      'verifyFunding#1:visible',
      'node.channelPending#1:visible',
      'verifyFunding#1:answered',
      'openChannel.pending#1:answered',
      'listChannels#1:received',
      'listChannels#1:effective',
      'listChannels#1:visible',
      'listChannels#1:answered',
      'addAlias#1:received',
      'addAlias#1:effective',
      'addAlias#1:visible',
      'addAlias#1:answered',
      'interceptHtlcs.answer#1:received',
      'finalizePsbt#1:received',
      'finalizePsbt#1:effective',
      'finalizePsbt#1:visible',
      'finalizePsbt#1:answered',
      'publishTransaction#1:received',
      'publishTransaction#1:effective',
      'publishTransaction#1:visible',
      'publishTransaction#1:answered',
    ])
  })

  it('kill the client at each of them: nothing is answered, the node goes on, no money is lost', async () => {
    const points = await recorded()
    for (const [index, name] of points.entries()) {
      const at = stage()
      at.world.killAt(index)
      let killed = false
      at.world.onClientKilled = () => {
        killed = true
      }
      let finished = false
      void sell(at).then(
        () => {
          finished = true
        },
        () => undefined,
      )
      await at.clock.settle(20)
      expect([name, killed, finished], name).toEqual([name, true, false])
      expect(at.world.audit(), name).toEqual([])
      const port = at.world.attach()
      expect((await port.getInfo(at.signal)).nodeId).toBe(at.world.node.nodeId)
    }
  })

  it('take those of others into the same list', () => {
    const { world } = stage()
    world.record()
    expect(world.mark('commit')).toBe(false)
    world.killAt(1)
    expect([world.mark('commit'), world.points]).toEqual([true, ['commit', 'commit']])
  })
})

describe('faults', () => {
  const faulty = async (callStage: CallStage, action: StageAction) => {
    const at = stage()
    at.world.faults.push({ call: 'fundPsbt', stage: callStage, action })
    const failed = await refusal(negotiate(at, request(at.wallet.nodeId)))
    return { failed, leases: (await at.port.listLeases(at.signal)).length, at }
  }

  it('lose a call before, or only its answer after, it took effect', async () => {
    const before = await faulty('received', { type: 'lose' })
    expect([before.failed, before.leases]).toEqual(['LND_UNAVAILABLE the connection was lost', 0])
    const after = await faulty('answered', { type: 'lose' })
    expect([after.failed, after.leases]).toEqual(['LND_UNAVAILABLE the connection was lost', 1])
  })

  it('reject', async () => {
    const { failed } = await faulty('received', { type: 'reject', detail: 'wallet is tired' })
    expect(failed).toBe('LND_REFUSED wallet is tired')
  })

  it('kill the node under a call', async () => {
    const at = stage()
    at.world.faults.push({ call: 'fundPsbt', stage: 'effective', action: { type: 'kill-node' } })
    expect(await refusal(negotiate(at, request(at.wallet.nodeId)))).toBe('LND_UNAVAILABLE connection refused')
    expect(at.world.node.up).toBe(false)
    at.world.restartNode()
    expect(await at.port.listLeases(at.signal)).toHaveLength(1)
  })

  it('delay, so that the change is there and not yet shown', async () => {
    const at = stage()
    at.world.faults.push({ call: 'fundPsbt', stage: 'effective', action: { type: 'delay', ms: 700 } })
    const negotiating = negotiate(at, request(at.wallet.nodeId))
    await at.clock.settle()
    expect(await at.port.listLeases(at.signal)).toEqual([])
    await at.clock.advance(700)
    await negotiating
    expect(await at.port.listLeases(at.signal)).toHaveLength(1)
  })

  it('let a channel appear later than psbt_verify answers', async () => {
    const at = stage()
    at.world.onStage = ({ call, stage: passed }) =>
      call === 'node.channelPending' && passed === 'effective' ? { type: 'delay', ms: 700 } : undefined
    const order = request(at.wallet.nodeId, idOf(9))
    const { attempt, psbt } = await negotiate(at, order)
    await at.port.verifyFunding({ psbt, pendingChannelId: order.pendingChannelId }, at.signal)
    await at.clock.settle()
    const listed = async () => [
      ...(await at.port.pendingChannels(at.signal)),
      ...(await at.port.listChannels(at.signal, at.wallet.nodeId)),
    ]
    expect(await listed()).toEqual([])
    await at.clock.advance(700)
    expect(await listed()).toHaveLength(1)
    expect(await attempt.pending).toMatch(/:/)
  })
})

describe('a client that was killed', () => {
  it('hangs until its own signal aborts; its streams end', async () => {
    const at = stage()
    const seen = tap(at.port)
    const blocks = refusal(at.port.subscribeBlocks(() => undefined, at.signal))
    at.world.killClient()
    expect(await blocks).toMatch('LND_UNAVAILABLE')
    await at.clock.settle()
    expect(String(seen.ended)).toMatch('interceptHtlcs')
    const stop = new AbortController()
    const call = at.port.getInfo(stop.signal)
    let settled = false
    call
      .catch(() => undefined)
      .finally(() => {
        settled = true
      })
    await at.clock.settle()
    expect(settled).toBe(false)
    stop.abort(new Error('stopping'))
    await expect(call).rejects.toThrow('stopping')
  })
})
