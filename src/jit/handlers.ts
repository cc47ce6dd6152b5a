import type { Msat } from '../../lsps/base/amount.ts'
import type { Clock } from '../../lsps/base/clock.ts'
import type { Handlers } from '../../lsps/base/method.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { type lsps2, lsps2Faults } from '../../lsps/lsps2/methods.ts'
import { verifyPromise } from '../../lsps/lsps2/promise.ts'
import { validateBuy } from '../../lsps/lsps2/validate-buy.ts'
import { menuFor, type PricedOffer } from './menu.ts'
import type { PromiseKeys } from './promise-keys.ts'
import type { JitService } from './service.ts'

export type JitHandlersDeps = {
  readonly jit: JitService
  readonly keys: PromiseKeys
  readonly clock: Clock
  /** False while no channel could be opened: the menu is empty then (L2-03). */
  readonly canOpen: () => boolean
  /** Why nothing is sold to anybody now, for the client to read; undefined when it is. The menu is empty meanwhile. */
  readonly notSelling?: () => string | undefined
}

export type JitHandlersConfig = {
  readonly offers: readonly PricedOffer[]
  readonly cltvExpiryDelta: number
  readonly htlcMinimum: Msat
  readonly partHoldMs: number
}

/** The two methods of bLIP-52. */
export function jitHandlers(
  { jit, keys, clock, canOpen, notSelling = () => undefined }: JitHandlersDeps,
  config: JitHandlersConfig,
): Handlers<typeof lsps2, { readonly peer: NodeId }> {
  return {
    'lsps2.get_info': async ({ peer }, { token }) => {
      if (token !== undefined) throw lsps2Faults.unrecognizedToken() // no tokens are given out yet
      if (!canOpen() || notSelling() !== undefined) return { opening_fee_params_menu: [] }
      const now = clock.now()
      return { opening_fee_params_menu: menuFor(peer, config.offers, keys.at(now)[0], now) }
    },

    'lsps2.buy': async ({ peer }, { opening_fee_params: offer, payment_size_msat: paymentSize }) => {
      const now = clock.now()
      // Invoices without an amount are not served yet: the client is told so rather than sold a dead scid.
      const unserved = paymentSize === undefined ? 'only invoices with a fixed amount are served' : undefined
      const verdict = validateBuy({
        offer,
        paymentSize,
        now,
        promiseHolds: () => verifyPromise(keys.at(now), peer, offer, offer.promise),
        rejection: notSelling() ?? jit.rejection(peer) ?? unserved,
      })
      if ('fault' in verdict) throw verdict.fault
      if (paymentSize === undefined || verdict.fee === undefined) throw lsps2Faults.invalidFeeParams()
      const deal = await jit.sell({
        client: peer,
        minFee: offer.min_fee_msat,
        proportional: offer.proportional,
        validUntil: offer.valid_until,
        minLifetime: offer.min_lifetime,
        maxClientToSelfDelay: offer.max_client_to_self_delay,
        paymentSize,
        fee: verdict.fee,
        cltvExpiryDelta: config.cltvExpiryDelta,
        htlcMinimum: config.htlcMinimum,
        partHold: config.partHoldMs,
        createdAt: now,
      })
      return { jit_channel_scid: deal.scid, lsp_cltv_expiry_delta: deal.cltvExpiryDelta, client_trusts_lsp: false }
    },
  }
}
