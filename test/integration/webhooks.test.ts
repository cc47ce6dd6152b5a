import { expect, it } from 'vitest'
import type { SimWallet } from '../../src/sandbox/wallet.ts'
import { Simulation, testConfig } from './simulation.ts'

const DAY_MS = 86_400_000
const url = (name: string) => `https://push.example.com/${name}?token=secret`

const webhookConfig = (webhooks: object = {}) => testConfig({ webhooks: { enabled: true, ...webhooks } })

async function started(webhooks: object = {}) {
  const simulation = new Simulation({ config: webhookConfig(webhooks) })
  await simulation.start()
  const wallet = simulation.world.addWallet()
  wallet.connect()
  return { simulation, wallet, relay: simulation.relay }
}

const set = (simulation: Simulation, wallet: SimWallet, app_name: string, webhook = url(app_name)) =>
  simulation.ask(wallet, 'lsps5.set_webhook', { app_name, webhook }) as Promise<object>

/** The error of a request. */
const refusal = (simulation: Simulation, wallet: SimWallet, method: string, params: object) =>
  simulation.ask(wallet, method, params).then(
    () => 'no error',
    (error: { readonly code: number }) => error.code,
  )

it('[L0-54] LSPS5 is among the protocols where it is on, and is unknown where it is off', async () => {
  const { simulation, wallet } = await started()
  expect(await simulation.ask(wallet, 'lsps0.list_protocols', {})).toEqual({ protocols: [2, 5] })
  const off = new Simulation({ config: testConfig() })
  await off.start()
  const other = off.world.addWallet()
  other.connect()
  expect(await off.ask(other, 'lsps0.list_protocols', {})).toEqual({ protocols: [2] })
  expect(await refusal(off, other, 'lsps5.list_webhooks', {})).toBe(-32_601)
})

it('[L5-08] [L5-10] [L5-43] a webhook that a peer sets is told so, and can verify who called', async () => {
  const { simulation, wallet, relay } = await started()
  expect(await set(simulation, wallet, 'phone')).toEqual({ num_webhooks: 1, max_webhooks: 10, no_change: false })
  await simulation.until(() => relay.calls.length > 0, 'the webhook to be called')
  const [call] = relay.calls
  expect(call).toMatchObject({
    url: url('phone'),
    body: '{"jsonrpc":"2.0","method":"lsps5.webhook_registered","params":{}}',
    verdict: { accepted: { method: 'lsps5.webhook_registered' } },
  })
  expect(call?.headers['x-lsps5-timestamp']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  expect(await set(simulation, wallet, 'phone')).toMatchObject({ no_change: true })
  await simulation.advance(60_000)
  expect(relay.calls).toHaveLength(1)
})

it('[L5-44] a wallet on lightning-liquidity is called in the form that it verifies', async () => {
  const { simulation, wallet, relay } = await started()
  const say = (id: string, method: string, params: object) =>
    wallet.send(37_913, Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params })))
  say('ead72b1787aa7f72983bcceb371910cb', 'lsps2.get_info', { token: null })
  say('ead72b1787aa7f72983bcceb371910cc', 'lsps5.set_webhook', { app_name: 'ldk', webhook: url('ldk') })
  await simulation.until(() => relay.calls.length > 0, 'the webhook to be called')
  expect(relay.calls[0]?.headers['x-lsps5-timestamp']).toMatch(/\+00:00$/)
  expect(relay.calls[0]?.verdict).toHaveProperty('accepted')
})

it('[L5-02] [L5-04] [L5-05] [L5-07] [L5-21] every error of the spec reaches the wire', async () => {
  const { simulation, wallet } = await started({ max_per_client: 2 })
  const setting = (params: object) => refusal(simulation, wallet, 'lsps5.set_webhook', params)
  expect(await setting({ app_name: 'x' })).toBe(-32_602)
  expect(await setting({ app_name: 'x'.repeat(65), webhook: url('x') })).toBe(500)
  expect(await setting({ app_name: 'x', webhook: url('x'.repeat(1024)) })).toBe(500)
  expect(await setting({ app_name: 'x', webhook: 'https:push.example.com' })).toBe(501)
  expect(await setting({ app_name: 'x', webhook: 'http://push.example.com/' })).toBe(502)
  await set(simulation, wallet, 'a')
  await set(simulation, wallet, 'b')
  const full = simulation.ask(wallet, 'lsps5.set_webhook', { app_name: 'c', webhook: url('c') })
  await expect(full).rejects.toMatchObject({ code: 503, data: { max_webhooks: 2 } })
  expect(await refusal(simulation, wallet, 'lsps5.remove_webhook', { app_name: 'c' })).toBe(1010)
  expect(await simulation.ask(wallet, 'lsps5.remove_webhook', { app_name: 'a' })).toEqual({})
  expect(await set(simulation, wallet, 'c')).toMatchObject({ num_webhooks: 2 })
})

it('[L5-20] [L5-22] each peer lists and removes its own, also after a restart', async () => {
  const { simulation, wallet } = await started()
  const other = simulation.world.addWallet()
  other.connect()
  for (const name of ['b', 'a', 'c']) await set(simulation, wallet, name)
  simulation.kill()
  expect(await simulation.ask(wallet, 'lsps5.list_webhooks', {})).toEqual({
    app_names: ['b', 'a', 'c'],
    max_webhooks: 10,
  })
  expect(await simulation.ask(other, 'lsps5.list_webhooks', {})).toEqual({ app_names: [], max_webhooks: 10 })
  expect(await refusal(simulation, other, 'lsps5.remove_webhook', { app_name: 'a' })).toBe(1010)
})

it('[L5-46] a webhook that hangs delays no answer and no other webhook', async () => {
  const { simulation, wallet, relay } = await started()
  relay.answer = ({ url: called }) =>
    called === url('dead') ? new Promise(() => undefined) : { kind: 'answered', status: 200 }
  const began = simulation.clock.now()
  await set(simulation, wallet, 'dead')
  await set(simulation, wallet, 'alive')
  await simulation.until(() => relay.methods(url('alive')).length === 1, 'the other webhook to be called')
  expect(simulation.clock.now() - began).toBeLessThan(1_000)
})

it('a node without a channel is told to buy one when too many such nodes have webhooks', async () => {
  const { simulation, wallet } = await started({ max_clients_without_channel: 1 })
  await set(simulation, wallet, 'a')
  const other = simulation.world.addWallet()
  other.connect()
  const refused = simulation.ask(other, 'lsps5.set_webhook', { app_name: 'b', webhook: url('b') })
  await expect(refused).rejects.toMatchObject({ code: 1, data: { message: expect.stringContaining('buy a channel') } })
})

it('[L5-12] webhooks of a customer outlive any time with its channel, those of a passer-by seven days', async () => {
  const { simulation, wallet: customer } = await started()
  const passerBy = simulation.world.addWallet()
  passerBy.connect()
  await set(simulation, passerBy, 'passer-by')
  await set(simulation, customer, 'customer')
  const amount = 100_000_000n
  const bought = await simulation.buy(customer, amount)
  const payment = simulation.pay(bought, customer.invoice({ amount, maxFee: bought.fee }))
  expect(await simulation.outcome(payment.result, 'the payment')).toMatchObject({ status: 'settled' })
  await simulation.advance(20_000)
  simulation.kill()
  const names = async (wallet: SimWallet): Promise<unknown> => {
    const { app_names } = await simulation.ask(wallet, 'lsps5.list_webhooks', {})
    return app_names
  }
  // Time passes while nobody serves: what is to be forgotten is forgotten at the start.
  await simulation.clock.advance(8 * DAY_MS)
  expect(await names(customer)).toEqual(['customer'])
  expect(await names(passerBy)).toEqual([])
})
