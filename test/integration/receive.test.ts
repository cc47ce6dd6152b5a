import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  channelRouteHint,
  createRpcClient,
  msat,
  type Receivable,
  type ReceiveRequest,
  receive,
  requestIds,
  scidFromNumber,
} from '../../lsps/index.ts'
import type { Config } from '../../src/config/schema.ts'
import type { SimWallet } from '../../src/sandbox/wallet.ts'
import { OFFER, Simulation, testConfig } from './simulation.ts'

const AMOUNT = msat(100_000_000n)
const FEE = msat(1_000_000n)
const idle = new AbortController().signal
const newId = requestIds((length) => crypto.getRandomValues(new Uint8Array(length)))

async function begin(config: Config = testConfig()) {
  const simulation = new Simulation({ config })
  await simulation.start()
  const wallet = simulation.world.addWallet()
  wallet.connect()
  const client = createRpcClient({ transport: wallet.transport(), clock: simulation.clock, newId })
  const buy = (wanted: Partial<ReceiveRequest> = {}) =>
    simulation.outcome(
      receive({
        client,
        clock: simulation.clock,
        lsp: simulation.world.node.nodeId,
        amount: AMOUNT,
        maxFee: { msat: FEE },
        finalCltvBlocks: 40,
        signal: idle,
        ...wanted,
      }).then(
        (receivable) => ({ receivable }),
        (error: unknown) => ({ error }),
      ),
      'the wallet to have bought',
    )
  const bought = async (wanted: Partial<ReceiveRequest> = {}) => {
    const outcome = await buy(wanted)
    if ('error' in outcome) throw outcome.error
    return outcome.receivable
  }
  return { simulation, wallet, buy, bought }
}

/** Pays as the invoice says. */
async function pay(simulation: Simulation, wallet: SimWallet, { purchase, invoice }: Receivable) {
  const { paymentHash } = wallet.invoice({ purchase })
  const payment = simulation.world.payer.pay({
    hash: paymentHash,
    scid: invoice.routeHint.scid,
    amount: invoice.amount ?? AMOUNT,
    hintDelta: invoice.routeHint.cltvExpiryDelta,
    finalDelta: invoice.minFinalCltvExpiryDelta,
  })
  return simulation.outcome(payment.result, 'the payment to end')
}

describe('a wallet with receive() on the simulated node', () => {
  it('[L2-01] [L2-55] [L2-58] [L2-95] [L2-97] buys, is paid by an onion that names the scid, and claims the rest after the fee', async () => {
    const { simulation, wallet, bought } = await begin()
    const receivable = await bought()
    expect(receivable.fee).toBe(FEE)
    expect(await pay(simulation, wallet, receivable)).toHaveProperty('status', 'settled')
    await simulation.rest()
    expect(wallet.balance()).toBe(AMOUNT - FEE)
    expect(simulation.violations()).toEqual([])
  })

  it('[L2-85] [L2-98] is paid later over the alias of its channel, without any deduction', async () => {
    const { simulation, wallet, bought } = await begin()
    const receivable = await bought()
    await pay(simulation, wallet, receivable)
    await simulation.rest()
    const [channel] = wallet.channels
    if (channel === undefined) throw new Error('the wallet has no channel')
    const alias = scidFromNumber(channel.chanId)
    const hint = channelRouteHint(receivable.purchase.lsp, {
      alias,
      baseFeeMsat: Number(channel.policy.baseMsat),
      feeProportionalMillionths: Number(channel.policy.ppm),
      cltvExpiryDelta: 144,
    })
    const amount = 20_000_000n
    const { paymentHash } = wallet.invoice({ amount })
    const fee = BigInt(hint.baseFeeMsat) + (amount * BigInt(hint.feeProportionalMillionths)) / 1_000_000n
    const later = simulation.world.payer.pay({ hash: paymentHash, scid: hint.scid, amount, amountIn: amount + fee })
    expect(await simulation.outcome(later.result, 'the later payment to end')).toHaveProperty('status', 'settled')
    expect(wallet.received.at(-1)).toEqual({ paymentHash, amount, extraFee: 0n })
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })

  it('buys nothing above its cap', async () => {
    const { simulation, buy } = await begin()
    const outcome = await buy({ maxFee: { msat: msat(FEE - 1n) } })
    expect(outcome).toMatchObject({ error: { failure: { code: 'too-expensive', cheapest: FEE, cap: FEE - 1n } } })
    expect(simulation.bytes.get('jit-live')?.size ?? 0).toBe(0)
  })

  it.each([
    ['too small', { amount: msat(9_999_999n) }, { code: 'too-small', smallest: 10_000_000n }],
    [
      'too large',
      { amount: msat(10_000_000_001n), maxFee: { msat: msat(1_000_000_000n) } },
      { code: 'too-large', largest: 10_000_000_000n },
    ],
    ['with an unknown token', { token: 'nobody' }, { code: 'unknown-token' }],
  ])('is told what is wrong: %s', async (_, wanted, failure) => {
    const { buy } = await begin()
    expect(await buy(wanted)).toMatchObject({ error: { name: 'ReceiveError', failure } })
  })

  it('[L2-02] shows its token, and pays the price of that', async () => {
    const token_sha256 = createHash('sha256').update('friend').digest('hex')
    const offers = [{ ...OFFER, min_fee_msat: '950000', proportional: 500 }]
    const { bought } = await begin(testConfig({ lsps2: { tokens: [{ name: 'friends', token_sha256, offers }] } }))
    expect(await bought({ token: 'friend' })).toHaveProperty('fee', 950_000n)
    expect(await bought()).toHaveProperty('fee', FEE)
  })

  it('is told when the LSP is not there', async () => {
    const { wallet, buy } = await begin()
    wallet.disconnect()
    expect(await buy()).toMatchObject({ error: { failure: { code: 'unreachable' } } })
  })

  it('[L0-44] [L0-45] that misses an answer asks again, and has bought once', async () => {
    const { simulation, wallet, bought } = await begin()
    let lost = 0
    const lossy = wallet.transport()
    const client = createRpcClient({
      transport: {
        send: (payload) => lossy.send(payload),
        onMessage: (callback) =>
          lossy.onMessage((payload) => {
            const isSale = new TextDecoder().decode(payload).includes('jit_channel_scid')
            if (isSale && lost < 2) lost += 1
            else callback(payload)
          }),
      },
      clock: simulation.clock,
      newId,
    })
    const receivable = await bought({ client })
    expect(lost).toBe(2)
    expect([...(simulation.bytes.get('jit-live')?.keys() ?? [])]).toEqual([receivable.purchase.scid])
  })

  it('[L2-95] fails a payment of which more was kept back than it allowed', async () => {
    const { simulation, wallet, bought } = await begin()
    const receivable = await bought()
    const { purchase } = receivable
    const stingy = { ...receivable, purchase: { ...purchase, maxFee: { msat: msat(FEE - 1n) } } }
    const result = await pay(simulation, wallet, stingy)
    expect(result).toMatchObject({ status: 'failed', by: 'peer' })
    expect(wallet.balance()).toBe(0n)
    await simulation.rest()
    expect(simulation.violations()).toEqual([])
  })
})
