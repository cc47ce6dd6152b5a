import { describe, expect, it } from 'vitest'
import type { SimWallet } from '../../src/sandbox/wallet.ts'
import type { RelayCall } from './relay.ts'
import { Simulation, testConfig } from './simulation.ts'

/** Double kills, spread over the story by two primes. */
const PAIRS = 60
const RECOVERY_POINTS = 40
const STAGES = ['received', 'effective', 'answered'] as const

const url = (name: string) => `https://push.example.com/${name}?token=secret`
/** What stands at the end, by name. */
const LEFT = { phone: url('new-phone'), tablet: url('tablet') }

type Disturb = (simulation: Simulation) => void
type Webhooks = readonly { readonly appName: string; readonly url: string }[]

/** Sets three webhooks, replaces one, removes one; the relay does not answer the first call of one of them. */
async function tell(simulation: Simulation, wallet: SimWallet): Promise<void> {
  const set = (app_name: string, webhook: string) => simulation.ask(wallet, 'lsps5.set_webhook', { app_name, webhook })
  await set('phone', url('phone'))
  await set('tablet', url('tablet'))
  await set('watch', url('watch'))
  await simulation.advance(2_000)
  await set('phone', url('new-phone'))
  // The answer may be lost, and asked for again: then there is none of this name any more.
  await simulation.ask(wallet, 'lsps5.remove_webhook', { app_name: 'watch' }).catch((error: { code: number }) => {
    if (error.code !== 1010) throw error
  })
  await simulation.advance(20_000)
}

/** What is on disk of a client: what a restart would see. */
function onDisk(simulation: Simulation, wallet: SimWallet): Webhooks {
  const row = simulation.bytes.get('webhooks-live')?.get(wallet.nodeId)
  return row === undefined ? [] : JSON.parse(row).record.webhooks
}

async function run(disturb: Disturb): Promise<{ readonly simulation: Simulation; readonly wrong: readonly string[] }> {
  const simulation = new Simulation({ config: testConfig({ webhooks: { enabled: true } }) })
  const { relay } = simulation
  let refused = 0
  relay.answer = (call: RelayCall) => {
    if (call.url !== url('tablet') || refused > 0) return { kind: 'answered', status: 200 }
    refused += 1
    return { kind: 'no-answer', why: 'unreachable', detail: 'nobody listens' }
  }
  await simulation.start()
  disturb(simulation)
  const wallet = simulation.world.addWallet()
  wallet.connect()
  await tell(simulation, wallet)
  await simulation.rest()
  const wrong = [...simulation.violations()]
  const left = Object.fromEntries(onDisk(simulation, wallet).map(({ appName, url: kept }) => [appName, kept]))
  if (JSON.stringify(left) !== JSON.stringify(LEFT)) wrong.push(`${JSON.stringify(Object.keys(left))} are left`)
  for (const kept of Object.values(LEFT)) {
    if (!relay.methods(kept).includes('webhook_registered')) wrong.push(`${kept} was never told that it is registered`)
  }
  if (relay.calls.some(({ verdict }) => 'refused' in verdict)) wrong.push('a call could not be verified')
  simulation.kill()
  return { simulation, wrong }
}

const attempt = (disturb: Disturb) => run(disturb).catch((error: unknown) => ({ wrong: [String(error)] }))

describe('webhooks', () => {
  it('are set and told so once, undisturbed', async () => {
    const { simulation, wrong } = await run(() => undefined)
    expect(wrong).toEqual([])
    expect(simulation.relay.methods(url('new-phone'))).toEqual(['webhook_registered'])
    expect(simulation.relay.methods(url('tablet'))).toEqual(['webhook_registered', 'webhook_registered'])
  })

  it('[L5-08] [L5-10] are neither lost nor untold when the sidecar dies at any point: RPC stage, commit, call', async () => {
    const undisturbed = await run((simulation) => simulation.world.record())
    const { points } = undisturbed.simulation.world
    expect(points.filter((point) => point.startsWith('post#')).length).toBeGreaterThan(8)
    expect(points.filter((point) => point.startsWith('signMessage#')).length).toBeGreaterThan(16)
    const broken: string[] = []
    for (const [index, point] of points.entries()) {
      const { wrong } = await attempt((simulation) => simulation.world.killAt(index))
      if (wrong.length > 0) broken.push(`killed at ${index} ${point}: ${wrong.join('; ')}`)
    }
    for (let pair = 0; pair < PAIRS; pair += 1) {
      const first = (pair * 7919) % points.length
      const gap = 1 + ((pair * 104_729) % RECOVERY_POINTS)
      const { wrong } = await attempt((simulation) => simulation.killAtEach([first, first + gap]))
      if (wrong.length > 0) broken.push(`killed at ${first} and ${gap} later: ${wrong.join('; ')}`)
    }
    expect(broken).toEqual([])
  })

  it('[L5-10] are told when lnd does not answer, or dies, at any stage of a signature', async () => {
    const undisturbed = await run((simulation) => simulation.world.record())
    const signatures = undisturbed.simulation.world.points.flatMap((point) => {
      const n = /^signMessage#(\d+):answered$/.exec(point)?.[1]
      return n === undefined ? [] : [Number(n)]
    })
    expect(signatures.length).toBeGreaterThan(4)
    const broken: string[] = []
    for (const n of signatures) {
      for (const stage of STAGES) {
        for (const type of ['lose', 'kill-node'] as const) {
          const fault = { call: 'signMessage', n, stage, action: { type } }
          const { wrong } = await attempt((simulation) => simulation.world.faults.push(fault))
          if (wrong.length > 0) broken.push(`${type} signMessage#${n}:${stage}: ${wrong.join('; ')}`)
        }
      }
    }
    expect(broken).toEqual([])
  })
})
