import { describe, expect, it } from 'vitest'
import { MESSAGES_PER_TURN } from '../../src/peer/endpoint.ts'
import type { SimWallet } from '../../src/sandbox/wallet.ts'
import { Simulation, testConfig } from './simulation.ts'

const LSPS = 37_913
const FLOOD = 5_000
const OTHERS = 200
const BURST = 20
/** Turns of the event loop besides those in which a message is read: to the node, to disk, and back. */
const SPARE_TURNS = 12

const request = (id: string, method: string, params: object) =>
  Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params }))

/** Valid, unknown, undecodable, and as large as a message may be. */
function flooded(n: number): Buffer {
  if (n % 4 === 0) return request(`flood ${n}`, 'lsps2.get_info', {})
  if (n % 4 === 1) return Buffer.from(`{"jsonrpc":"2.0","id":"flood ${n}","method":`)
  if (n % 4 === 2) return request(`flood ${n}`, 'lsps2.buy', { opening_fee_params: {}, payment_size_msat: `${n}` })
  return request(`flood ${n}`, 'lsps2.get_info', n % 100 === 3 ? { token: 'x'.repeat(60_000) } : {})
}

type Answer = {
  readonly result?: { readonly opening_fee_params_menu?: readonly object[] }
  readonly error?: { readonly code: number }
}

function answersOf(wallet: SimWallet): Answer[] {
  const answers: Answer[] = []
  wallet.onCustomMessage((_, data) => answers.push(JSON.parse(Buffer.from(data).toString('utf8'))))
  return answers
}

async function prepare() {
  const config = testConfig({ peer: { requests_per_second: 5, burst: BURST } })
  const simulation = new Simulation({ config, latency: { node: { open: 0, sign: 0, ready: 0, htlc: 0 }, calls: {} } })
  await simulation.start()
  const { clock, world } = simulation
  const flooder = world.addWallet()
  const others = Array.from({ length: OTHERS }, () => world.addWallet())
  for (const wallet of [flooder, ...others]) wallet.connect()
  await clock.settle()
  const answers = { flooder: answersOf(flooder), others: others.map(answersOf) }
  return { clock, flooder, others, answers }
}

describe('a peer that floods', () => {
  it('delays nobody else by more than a message of its own for each of theirs', async () => {
    const { clock, flooder, others, answers } = await prepare()
    for (let n = 0; n < FLOOD; n += 1) flooder.send(LSPS, flooded(n))
    for (const [n, wallet] of others.entries()) wallet.send(LSPS, request(`menu ${n}`, 'lsps2.get_info', {}))
    // Everybody's one message, as many of the flood, and no more.
    await clock.settle(Math.ceil((OTHERS * 2) / MESSAGES_PER_TURN) + SPARE_TURNS)
    expect(answers.others.filter((got) => got.length !== 1)).toEqual([])
    for (const [n, wallet] of others.entries()) {
      const [offer] = answers.others[n]?.[0]?.result?.opening_fee_params_menu ?? []
      wallet.send(LSPS, request(`buy ${n}`, 'lsps2.buy', { opening_fee_params: offer, payment_size_msat: '100000000' }))
    }
    await clock.settle(Math.ceil((OTHERS * 2) / MESSAGES_PER_TURN) + SPARE_TURNS)
    const bought = answers.others.filter((got) => got[1]?.result !== undefined)
    expect(bought).toHaveLength(OTHERS)
  })

  it('is served as its rate allows, told so as often, and then not heard', async () => {
    const { clock, flooder, answers } = await prepare()
    for (let n = 0; n < FLOOD; n += 1) flooder.send(LSPS, flooded(n))
    await clock.settle(FLOOD / MESSAGES_PER_TURN + SPARE_TURNS)
    const refused = answers.flooder.filter(({ error }) => error?.code === 1)
    expect(answers.flooder.length).toBeLessThanOrEqual(2 * BURST)
    expect(refused.length).toBeGreaterThan(0)
    // It is heard again when its rate allows it.
    await clock.advance(10_000)
    flooder.send(LSPS, request('later', 'lsps2.get_info', {}))
    await clock.settle(SPARE_TURNS)
    expect(answers.flooder.at(-1)).toMatchObject({ id: 'later', result: expect.anything() })
  })
})
