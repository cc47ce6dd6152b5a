import { Psbt } from 'bitcoinjs-lib'
import { describe, expect, it } from 'vitest'
import type { Msat, Sat } from '../../../lsps/base/amount.ts'
import { type Scid, scidToNumber } from '../../../lsps/base/scid.ts'
import type { HtlcEvent, HtlcOffer, Interceptor, LndPort } from '../../../src/lnd/port.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { createWorld } from '../../../src/sandbox/world.ts'

const SCID = '16100000x5x7' as Scid
const PCID = 'ab'.repeat(32)
const AMOUNT = 50_000_000n
const FEE = 546_000n

function request(peer: string) {
  return {
    peer: peer as never,
    capacity: 100_000n as Sat,
    pendingChannelId: PCID,
    memo: `sluice1:jit:${PCID}:s1:${FEE}`,
    private: true,
    zeroConf: true,
    scidAlias: true,
  }
}

async function openTo(port: LndPort, peer: string, signal: AbortSignal) {
  const attempt = port.openChannel(request(peer), signal)
  const { template } = await attempt.template
  const psbt = await port.fundPsbt({ template, satPerVbyte: 2, lockId: PCID, lockSeconds: 600, minConfs: 1 }, signal)
  await port.verifyFunding({ psbt, pendingChannelId: PCID }, signal)
  const outpoint = await attempt.pending
  return { psbt, outpoint }
}

describe('a sale on the simulated node, by hand', () => {
  it('opens, aliases, skims, settles, and the audit finds nothing', async () => {
    const clock = new ManualClock()
    const world = createWorld({ clock, seed: 7 })
    const { signal } = new AbortController()
    const port = world.attach()
    const wallet = world.addWallet()
    wallet.connect()
    const events: HtlcEvent[] = []
    const offers: { offer: HtlcOffer; stream: Interceptor }[] = []
    void port.subscribeHtlcEvents((event) => events.push(event), signal)
    void port.interceptHtlcs((offer, stream) => offers.push({ offer, stream }), signal)
    const invoice = wallet.invoice({ amount: AMOUNT, maxFee: FEE })
    const payment = world.payer.pay({ hash: invoice.paymentHash, scid: SCID, amount: AMOUNT })
    await clock.settle()
    expect(offers).toHaveLength(1)

    const { psbt, outpoint } = await openTo(port, wallet.nodeId, signal)
    expect(Psbt.fromBase64(psbt).txOutputs.length).toBe(2)
    await clock.settle()
    const [channel] = await port.listChannels(signal, wallet.nodeId)
    expect(channel).toMatchObject({ outpoint, active: true, memo: request('').memo })
    await port.addAlias({ base: channel?.chanId ?? 0n, alias: scidToNumber(SCID) }, signal)

    const [held] = offers
    held?.stream.answer(held.offer.circuit, {
      type: 'resume-modified',
      amountOut: (AMOUNT - FEE) as Msat,
      extraFee: FEE as Msat,
    })
    expect(await payment.result).toEqual({ status: 'settled', preimage: invoice.preimage })
    expect(wallet.balance()).toBe(AMOUNT - FEE)
    await clock.settle()
    expect(events.map(({ type }) => type)).toEqual(['forwarded', 'settled'])
    expect(world.audit({ atRest: true }).map(({ kind }) => kind)).toEqual(['unpublished'])

    const raw = await port.finalizePsbt(psbt, signal)
    await port.publishTransaction({ raw, label: 'x' }, signal)
    await port.publishTransaction({ raw, label: 'x' }, signal)
    expect(await port.confirmations(outpoint.split(':')[0] ?? '', signal)).toBe(0)
    world.mine(3)
    expect(await port.confirmations(outpoint.split(':')[0] ?? '', signal)).toBe(3)
    expect(await port.forwardingHistory({ sinceSeconds: 0 }, signal)).toEqual([])
    await clock.advance(15_000)
    expect(await port.forwardingHistory({ sinceSeconds: 0 }, signal)).toMatchObject([{ fee: FEE }])
    expect(world.audit({ atRest: true, sales: [{ paymentHash: invoice.paymentHash, feeMsat: FEE }] })).toEqual([])
  })
})
