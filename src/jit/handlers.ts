import type { Msat } from '../../lsps/base/amount.ts'
import type { Clock } from '../../lsps/base/clock.ts'
import type { Handlers } from '../../lsps/base/method.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { type lsps2, lsps2Faults } from '../../lsps/lsps2/methods.ts'
import { readPromise } from '../../lsps/lsps2/promise.ts'
import { validateBuy } from '../../lsps/lsps2/validate-buy.ts'
import type { Tokens } from '../kernel/tokens.ts'
import { menuFor, readNote } from './menu.ts'
import type { PriceBook } from './price-book.ts'
import type { PromiseKeys } from './promise-keys.ts'
import type { JitService } from './service.ts'

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
  /** Whether what is sold now is published only once it was paid (L2-49). */
  readonly sellsOnTrust: () => boolean
}

export type JitHandlersConfig = {
  readonly cltvExpiryDelta: number
  readonly htlcMinimum: Msat
  readonly partHoldMs: number
  /** What is taken of payments to invoices without an amount (D11): by the spec, or what ldk-node takes, from here on. */
  readonly lenientSkimFloor?: Msat
  /** How long after its offer an unpaid channel is taken back. */
  readonly reclaimAfterMs: number
}

/** An invoice without an amount: the one payment that comes decides the fee, within the limits of the offer. */
function anyAmount({ lenientSkimFloor }: JitHandlersConfig) {
  return lenientSkimFloor === undefined ? {} : { lenientSkimFloor }
}

/** The two methods of bLIP-52. */
export function jitHandlers(
  {
    jit,
    keys,
    prices,
    tokens,
    clock,
    canOpen,
    rejection,
    receivable,
    sellsOnTrust,
    notSelling = () => undefined,
  }: JitHandlersDeps,
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
      let note: string | undefined
      const verdict = validateBuy({
        offer,
        paymentSize,
        now,
        promiseHolds: () => {
          note = readPromise(keys.at(now), peer, offer, offer.promise)
          return note !== undefined
        },
        rejection: notSelling() ?? jit.rejection(peer) ?? rejection(peer),
        receivable: receivable(),
      })
      if ('fault' in verdict) throw verdict.fault
      const trusted = sellsOnTrust()
      const deal = await jit.sell({
        client: peer,
        minFee: offer.min_fee_msat,
        proportional: offer.proportional,
        validUntil: offer.valid_until,
        minLifetime: offer.min_lifetime,
        maxClientToSelfDelay: offer.max_client_to_self_delay,
        ...(paymentSize === undefined ? anyAmount(config) : { paymentSize, fee: verdict.fee }),
        minPayment: offer.min_payment_size_msat,
        maxPayment: offer.max_payment_size_msat,
        ...(trusted ? { trust: 'client-trusts-lsp' as const } : {}),
        cltvExpiryDelta: config.cltvExpiryDelta,
        htlcMinimum: config.htlcMinimum,
        partHold: config.partHoldMs,
        reclaimAfter: config.reclaimAfterMs,
        createdAt: now,
        ...readNote(note ?? ''),
      })
      return { jit_channel_scid: deal.scid, lsp_cltv_expiry_delta: deal.cltvExpiryDelta, client_trusts_lsp: trusted }
    },
  }
}
