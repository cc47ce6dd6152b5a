import type { Config } from '../config/schema.ts'
import { METHODS } from '../lnd/methods.ts'

/** The lncli command that bakes a macaroon with the right to make the calls of the enabled features, and no other. */
export function bakeCommand({ lnd, network }: Config): string {
  const rights = Object.values(METHODS).map((method) => `  uri:/${method}`)
  const forNetwork = network === 'mainnet' ? '' : ` --network=${network}`
  return [`lncli${forNetwork} bakemacaroon --save_to ${lnd.macaroon_path}`, ...rights].join(' \\\n')
}
