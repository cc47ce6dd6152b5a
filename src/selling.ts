import type { Clock } from '../lsps/base/clock.ts'
import { lsps2 } from '../lsps/lsps2/methods.ts'
import { type Service, service } from '../lsps/rpc/server.ts'
import type { Config } from './config/schema.ts'
import type { Inventory } from './inventory/inventory.ts'
import { jitHandlers } from './jit/handlers.ts'
import type { PriceBook } from './jit/price-book.ts'
import { PromiseKeys } from './jit/promise-keys.ts'
import { tellRefusals } from './jit/refusals.ts'
import type { JitService } from './jit/service.ts'
import type { Decisions } from './journal/decisions.ts'
import type { Stop } from './kernel/stop.ts'
import { Tokens } from './kernel/tokens.ts'
import { receivable } from './openings.ts'
import type { PeerContext } from './peer/endpoint.ts'
import { salesOf, termsOf } from './slices.ts'

/** Where just-in-time sales meet those who buy them. */

export type SellingDeps = {
  readonly jit: JitService
  readonly prices: PriceBook
  readonly inventory: Inventory
  readonly decisions: Decisions
  readonly clock: Clock
  readonly seed: Uint8Array
  /** Why no channel could be opened now. */
  readonly stops: () => readonly Stop[]
  /** Why nothing is sold now, in words for the client. */
  readonly notSelling: () => string | undefined
}

/** The methods of LSPS2 for peers. */
export function saleService(config: Config, deps: SellingDeps): Service<PeerContext> {
  const { jit, prices, inventory, decisions, clock, seed, stops, notSelling } = deps
  const { capacity } = salesOf(config)
  const handlers = jitHandlers(
    {
      jit,
      keys: new PromiseKeys(seed, config.network),
      prices,
      tokens: new Tokens(config.lsps2.tokens),
      clock,
      canOpen: () => stops().length === 0,
      notSelling,
      rejection: (peer) => inventory.rejection(peer),
      receivable: () => receivable(inventory, capacity),
      sellsOnTrust: () => config.lsps2.client_trusts_lsp || inventory.sellsOnTrust(),
    },
    termsOf(config),
  )
  return service<typeof lsps2, PeerContext>(
    lsps2,
    tellRefusals(handlers, (refused) => decisions.refused(refused)),
  )
}
