import type { Msat } from '../../lsps/base/amount.ts'
import type { Clock } from '../../lsps/base/clock.ts'
import type { Handlers } from '../../lsps/base/method.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { type lsps2, lsps2Faults } from '../../lsps/lsps2/methods.ts'
import { readPromise } from '../../lsps/lsps2/promise.ts'
import { validateBuy } from '../../lsps/lsps2/validate-buy.ts'
import { menuFor, readNote } from './menu.ts'
import type { PriceBook } from './price-book.ts'
import type { PromiseKeys } from './promise-keys.ts'
import type { JitService } from './service.ts'
import type { Tokens } from './tokens.ts'

export type JitHandlersDeps = {
  readonly jit: JitService
  readonly keys: PromiseKeys
  readonly prices: Pick<PriceBook, 'current'>
  readonly tokens: Tokens
  readonly clock: Clock
  /** False while no channel could be opened: the menu is empty then (L2-03). */
  readonly canOpen: () => boolean
  /** Why nothing is sold to anybody now, for the client to read; undefined when it is. The menu is empty meanwhile. */
  readonly notSelling?: () => string | undefined
  /** Why this client is not served now, beside what the sales themselves say; undefined when it is. */
  readonly rejection: (client: NodeId) => string | undefined
  /** The largest payment that can reach the client through a channel that could be opened now (L2-44). */
  readonly receivable: () => Msat
}

export type JitHandlersConfig = {
  readonly cltvExpiryDelta: number
  readonly htlcMinimum: Msat
  readonly partHoldMs: number
}

/** The two methods of bLIP-52. */
export function jitHandlers(
  { jit, keys, prices, tokens, clock, canOpen, rejection, receivable, notSelling = () => undefined }: JitHandlersDeps,
  config: JitHandlersConfig,
): Handlers<typeof lsps2, { readonly peer: NodeId }> {
  return {
    'lsps2.get_info': async ({ peer }, { token }) => {
      const now = clock.now()
      const name = token === undefined ? undefined : tokens.nameOf(token, now)
      if (token !== undefined && name === undefined) throw lsps2Faults.unrecognizedToken()
      const list = prices.current(name)
      if (list === undefined || !canOpen() || notSelling() !== undefined) return { opening_fee_params_menu: [] }
      return { opening_fee_params_menu: menuFor(peer, list, keys.at(now)[0], now) }
    },

    'lsps2.buy': async ({ peer }, { opening_fee_params: offer, payment_size_msat: paymentSize }) => {
      const now = clock.now()
      // Invoices without an amount are not served yet: the client is told so rather than sold a dead scid.
      const unserved = paymentSize === undefined ? 'only invoices with a fixed amount are served' : undefined
      let note: string | undefined
      const verdict = validateBuy({
        offer,
        paymentSize,
        now,
        promiseHolds: () => {
          note = readPromise(keys.at(now), peer, offer, offer.promise)
          return note !== undefined
        },
        rejection: notSelling() ?? jit.rejection(peer) ?? rejection(peer) ?? unserved,
        receivable: receivable(),
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
        ...readNote(note ?? ''),
      })
      return { jit_channel_scid: deal.scid, lsp_cltv_expiry_delta: deal.cltvExpiryDelta, client_trusts_lsp: false }
    },
  }
}
