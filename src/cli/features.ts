import type { Config } from '../config/schema.ts'
import { macaroonCommand, type PermissionFeature } from '../lnd/permissions.ts'

/** What the config enables, in the words of the macaroon. */
export function enabledFeatures({ lsps2 }: Pick<Config, 'lsps2'>): readonly PermissionFeature[] {
  return lsps2.enabled ? ['node', 'lsps2'] : ['node']
}

/** The lncli command that bakes a macaroon with just the rights that the enabled features need. */
export function bakeCommand(config: Config): string {
  return macaroonCommand(enabledFeatures(config), { path: config.lnd.macaroon_path, network: config.network })
}
