import type { Config } from '../config/schema.ts'
import { macaroonCommand, type PermissionFeature } from '../lnd/permissions.ts'

type Switch = { readonly enabled: boolean }
type Features = Pick<Config, 'lsps2'> & { readonly orders?: Switch; readonly webhooks?: Switch }

/** What the config enables, in the words of the macaroon. */
export function enabledFeatures({ lsps2, orders, webhooks }: Features): readonly PermissionFeature[] {
  return [
    'node',
    ...(lsps2.enabled ? ['lsps2' as const] : []),
    ...(orders?.enabled ? ['orders' as const] : []),
    ...(webhooks?.enabled ? ['webhooks' as const] : []),
  ]
}

/** The lncli command that bakes a macaroon with just the rights that the enabled features need. */
export function bakeCommand(config: Config): string {
  return macaroonCommand(enabledFeatures(config), { path: config.lnd.macaroon_path, network: config.network })
}
