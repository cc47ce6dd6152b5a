import type { SimWallet } from '../../src/sandbox/wallet.ts'
import type { RelayCall } from './relay.ts'
import type { Simulation } from './simulation.ts'

export const WEBHOOKS = { enabled: true }
export const APP = 'My Wallet'

/** The wallet sets its webhook, and is told there that it did. */
export async function register(simulation: Simulation, wallet: SimWallet): Promise<void> {
  const before = simulation.relay.calls.length
  const webhook = `https://push.example/${wallet.nodeId.slice(0, 8)}`
  await simulation.ask(wallet, 'lsps5.set_webhook', { app_name: APP, webhook })
  await simulation.until(() => simulation.relay.calls.length > before, 'the webhook to be told that it is registered')
}

/** Calls with one notification of bLIP-55, in their order; its name without the prefix. */
export function callsOf({ relay }: Simulation, notification: string): readonly RelayCall[] {
  return relay.calls.filter(({ method }) => method === `lsps5.${notification}`)
}
