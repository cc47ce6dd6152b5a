import { describe, expect, it } from 'vitest'
import { scidFromNumber, scidToNumber } from '../../lsps/base/scid.ts'
import type { LndPort } from '../../src/lnd/port.ts'
import { Simulation, type SimulationOptions } from './simulation.ts'

const AMOUNT = 100_000_000n
const SMALL = 10_000_000n
const HALF_AN_OFFER_MS = 1_800_000

async function sold(options: SimulationOptions = {}) {
  const simulation = new Simulation(options)
  await simulation.start()
  const wallet = simulation.world.addWallet()
  wallet.connect()
  const bought = await simulation.buy(wallet, AMOUNT)
  const pay = (amount = AMOUNT) => {
    const payment = simulation.pay({ ...bought, amount }, wallet.invoice({ amount, maxFee: bought.fee }))
    return simulation.outcome(payment.result, 'a payment to end')
  }
  /** The channel stands, and nobody has paid its fee. */
  const leaveUnpaid = async () => {
    wallet.setPaymentPolicy('fail')
    await pay()
    wallet.setPaymentPolicy('claim')
  }
  return { simulation, wallet, bought, pay, leaveUnpaid }
}

async function offerEnds(simulation: Simulation): Promise<void> {
  await simulation.advance(HALF_AN_OFFER_MS - 1)
  await simulation.advance(HALF_AN_OFFER_MS)
}

function channelOf(simulation: Simulation, scid: string): bigint {
  const channel = simulation.world.node.channels.open().find(({ memo }) => memo.includes(scid))
  if (channel === undefined) throw new Error(`no channel of ${scid} is open`)
  return channel.chanId
}

/** As a supervisor would: how long it takes until it serves, in ms. */
async function restart(simulation: Simulation): Promise<number> {
  simulation.kill()
  const killedAt = simulation.clock.now()
  await simulation.start()
  return simulation.clock.now() - killedAt
}

/** Nothing was behind lnd, so no record was changed and nobody waited. */
function expectOrdinary(simulation: Simulation): void {
  expect(simulation.caughtUp).toBe(0)
  expect(simulation.waitedForHistory).toBe(0)
}

describe('a start with a database that is not older than lnd', () => {
  it('does not wait for the history of a channel that may be used until it is taken back', async () => {
    const { simulation, bought, pay, leaveUnpaid } = await sold()
    await leaveUnpaid()
    await offerEnds(simulation)
    expect(simulation.state(bought.scid)).toBe('reclaiming')
    expect(await pay(SMALL)).toMatchObject({ status: 'settled' })
    expect(await restart(simulation)).toBeLessThan(5_000)
    expectOrdinary(simulation)
    expect(simulation.state(bought.scid)).toBe('reclaiming')
  })

  it('does not take a channel for that of a sale because somebody made the scid of the sale lead to it', async () => {
    const { simulation, bought, pay } = await sold()
    await pay()
    const other = simulation.world.addWallet()
    other.connect()
    const second = await simulation.buy(other, AMOUNT)
    simulation.world.node.channels.addAlias(channelOf(simulation, bought.scid), scidToNumber(second.scid))
    await restart(simulation)
    await simulation.advance(1_000)
    expectOrdinary(simulation)
    expect(simulation.state(second.scid)).toBe('awaiting')
  })

  it('takes no fee that the operator asks for an ordinary forward over the channel for the opening fee', async () => {
    const { simulation, wallet, bought, leaveUnpaid } = await sold()
    await leaveUnpaid()
    const scid = scidFromNumber(channelOf(simulation, bought.scid))
    const invoice = wallet.invoice({ amount: SMALL, maxFee: 0n })
    const payment = simulation.pay({ ...bought, scid, amount: SMALL + 10_000n }, invoice, { amountOut: SMALL })
    expect(await simulation.outcome(payment.result, 'a payment to end')).toMatchObject({ status: 'settled' })
    await simulation.advance(20_000)
    await restart(simulation)
    await simulation.advance(1_000)
    expectOrdinary(simulation)
    expect(simulation.nodeEarned()).toBe(10_000n)
    expect(simulation.state(bought.scid)).toBe('owed')
  })

  it('asks lnd no more with two thousand sales under way', async () => {
    const COUNT = 2_000
    /** Of the last incarnation. */
    let calls: string[] = []
    const counting = (port: LndPort) => {
      const own: string[] = []
      calls = own
      return new Proxy(port, {
        get: (target, name: keyof LndPort) => {
          const call = target[name] as (...rest: unknown[]) => unknown
          return (...rest: unknown[]) => {
            own.push(name)
            return call.apply(target, rest)
          }
        },
      })
    }
    const { simulation, bought, leaveUnpaid } = await sold({ wrapPort: counting })
    await leaveUnpaid()
    await restart(simulation)
    const withOne = [...calls].sort()
    simulation.kill()
    const sales = simulation.bytes.get('jit-live')
    const sale = sales?.get(bought.scid) ?? ''
    const { channels } = simulation.world.node
    const chanId = channelOf(simulation, bought.scid)
    for (let index = 0; index < COUNT; index += 1) {
      const scid = scidFromNumber(scidToNumber(bought.scid) + BigInt(index + 1))
      channels.addAlias(chanId, scidToNumber(scid))
      sales?.set(scid, sale.replaceAll(bought.scid, scid))
    }
    await simulation.start()
    expect([...calls].sort()).toEqual(withOne)
    expectOrdinary(simulation)
  })
})
