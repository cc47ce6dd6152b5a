import type { LimitsConfig } from './callers/limits.ts'
import type { Config } from './config/schema.ts'
import type { FeerateConfig } from './funding/feerate.ts'
import type { JitConfig } from './jit/deps.ts'
import type { JitHandlersConfig } from './jit/handlers.ts'
import type { PriceBookConfig } from './jit/price-book.ts'
import type { OrdersHandlersConfig } from './orders/handlers.ts'
import type { OptionsConfig } from './orders/options.ts'
import type { OrdersConfig } from './orders/service.ts'
import type { RestConfig } from './rest/port.ts'
import type { WakeConfig } from './wake/service.ts'
import type { DeliveryConfig } from './webhooks/delivery/delivery.ts'
import type { ProxyHost } from './webhooks/delivery/dialer.ts'
import type { WebhooksConfig } from './webhooks/service.ts'

/** What each part is told of the config: the names of the file on the left are the operator's, ours on the right. */

const SECOND_MS = 1_000
const DAY_MS = 86_400_000

export function feerateOf({ funding }: Config): FeerateConfig {
  return {
    confTarget: funding.conf_target,
    maxSatPerVbyte: funding.max_feerate_sat_per_vbyte,
    check: funding.feerate_check,
  }
}

export function pricesOf({ lsps2 }: Config): PriceBookConfig {
  const tokens = lsps2.tokens.map(({ name: token, offers, margin_ppm }) => ({ token, offers, margin_ppm }))
  return { pricing: lsps2.pricing, menus: [{ offers: lsps2.offers }, ...tokens], htlcMinimum: lsps2.htlc_minimum_msat }
}

/** Of the sales themselves: sizes of channels, and what is held and sold at once. */
export function salesOf({ lsps2 }: Config): JitConfig {
  return {
    capacity: {
      headroom: lsps2.channel_headroom_sat,
      headroomPpm: lsps2.channel_headroom_ppm,
      least: lsps2.min_channel_sat,
      most: lsps2.max_channel_sat,
    },
    held: {
      htlcs: lsps2.max_held_htlcs,
      htlcsPerClient: lsps2.max_held_htlcs_per_peer,
      value: lsps2.max_held_msat,
      valuePerClient: lsps2.max_held_msat_per_peer,
    },
    maxLiveSales: lsps2.max_live_sales,
    maxLiveSalesPerPeer: lsps2.max_live_sales_per_peer,
    secondChannel: lsps2.enabled ? lsps2.second_channel : 'fail',
    lndResumes: lsps2.without_require_interceptor !== undefined,
  }
}

/** What is sold, beside its price. */
export function termsOf({ lsps2 }: Config): JitHandlersConfig {
  return {
    cltvExpiryDelta: lsps2.lsp_cltv_expiry_delta,
    htlcMinimum: lsps2.htlc_minimum_msat,
    partHoldMs: lsps2.part_hold_seconds * 1000,
    ...(lsps2.variable_amount_skim === 'lenient' ? { lenientSkimFloor: lsps2.lenient_skim_floor_msat } : {}),
    reclaimAfterMs: lsps2.reclaim_unpaid_after_seconds * 1000,
  }
}

/** What a sale that an older database lost was sold by. */
export function catchUpTermsOf({ lsps2 }: Config) {
  return {
    cltvExpiryDelta: lsps2.lsp_cltv_expiry_delta,
    htlcMinimum: lsps2.htlc_minimum_msat,
    partHoldMs: lsps2.part_hold_seconds * 1000,
    longestOfferMs: Math.max(0, ...lsps2.offers.map(({ valid_for_seconds: seconds }) => seconds)) * 1000,
  }
}

export function limitsOf({ peer }: Config): LimitsConfig {
  return {
    requestsPerSecond: peer.requests_per_second,
    burst: peer.burst,
    maxPendingPerCaller: peer.max_pending_per_peer,
    maxPending: peer.max_pending,
  }
}

export function restOf({ rest }: Config): RestConfig {
  const { tls_cert_path: certPath, tls_key_path: keyPath, trusted_proxy: trustedProxy } = rest
  return {
    listen: rest.listen,
    ...(certPath === undefined || keyPath === undefined ? {} : { tls: { certPath, keyPath } }),
    ...(trustedProxy === undefined ? {} : { trustedProxy }),
    requestsPerSecond: rest.requests_per_second,
    burst: rest.burst,
    maxRequestsPerSecond: rest.max_requests_per_second,
    maxPending: rest.max_pending,
    maxUnpaidPerAddress: rest.max_unpaid_orders_per_address,
    maxUnpaidPerPublicKey: rest.max_unpaid_orders_per_public_key,
  }
}

/** Who may have webhooks, and how often they are called. */
export function webhooksOf({ webhooks }: Config): WebhooksConfig {
  return {
    mostPerClient: webhooks.max_per_client,
    mostWithoutChannel: webhooks.max_clients_without_channel,
    cooldownMs: webhooks.cooldown_seconds * SECOND_MS,
    retentionMs: webhooks.retention_days * DAY_MS,
  }
}

/** What waits for clients that are away. */
export function holdOf({ webhooks: { hold }, lsps2 }: Config): WakeConfig {
  return {
    holdMs: hold.seconds * SECOND_MS,
    limits: {
      htlcs: hold.max_htlcs,
      htlcsPerClient: hold.max_htlcs_per_peer,
      value: hold.max_msat,
      valuePerClient: hold.max_msat_per_peer,
    },
    // Only for sales is it asked of lnd that it keeps what is held.
    lndResumes: !lsps2.enabled || lsps2.without_require_interceptor !== undefined,
  }
}

/** How webhooks are called. */
export function deliveryOf({ webhooks }: Config): DeliveryConfig {
  const { proxy, allow_loopback: loopback } = webhooks.delivery
  return {
    loopback: loopback ? 'allowed' : 'refused',
    ...(proxy === undefined ? {} : { proxy: endpointOf(proxy) }),
  }
}

/** Of `host:port`, an IPv6 address in brackets. */
function endpointOf(address: string): { readonly host: ProxyHost; readonly port: number } {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '') as ProxyHost
  return { host, port: Number(address.slice(colon + 1)) }
}

/** What can be ordered, as clients read it. */
export function optionsOf({ orders }: Config): OptionsConfig {
  const wanted = {
    min_required_channel_confirmations: orders.min_required_channel_confirmations,
    min_funding_confirms_within_blocks: orders.min_funding_confirms_within_blocks,
    supports_zero_channel_reserve: false, // lnd asks for a reserve of at least the dust limit
    max_channel_expiry_blocks: orders.max_channel_expiry_blocks,
    min_initial_client_balance_sat: orders.min_initial_client_balance_sat,
    max_initial_client_balance_sat: orders.max_initial_client_balance_sat,
    min_initial_lsp_balance_sat: orders.min_initial_lsp_balance_sat,
    max_initial_lsp_balance_sat: orders.max_initial_lsp_balance_sat,
    min_channel_balance_sat: orders.min_channel_balance_sat,
    max_channel_balance_sat: orders.max_channel_balance_sat,
  }
  return { wanted, change: orders.options_change }
}

/** Of the orders themselves: how they are paid, how long they wait, how long they are kept. */
export function ordersOf({ orders }: Config): OrdersConfig {
  const { bolt11, onchain } = orders
  return {
    expiryMs: orders.expiry_seconds * 1000,
    limits: {
      safetyBlocks: bolt11.safety_blocks,
      openBlocks: bolt11.open_blocks,
      openWithinMs: orders.open_within_seconds * 1000,
    },
    maxUnpaid: orders.max_unpaid,
    maxUnpaidPerPeer: orders.max_unpaid_per_peer,
    bolt11: { enabled: bolt11.enabled, cltvExpiry: bolt11.cltv_expiry_blocks },
    zeroConfInAll: onchain.zero_conf_payments.accept_double_spends_in_all_sat,
    keepMs: orders.keep_days * DAY_MS,
  }
}

/** What an order costs, and how it may be paid on chain. */
export function orderPricesOf({ orders, network }: Config): OrdersHandlersConfig {
  const { pricing, bolt11, onchain, tokens } = orders
  return {
    network,
    pricing: {
      base: pricing.base_sat,
      capitalPpmPerYear: pricing.capital_ppm_per_year,
      clientPpm: pricing.client_balance_ppm,
      openVbytes: pricing.open_vbytes,
      closeVbytes: pricing.close_vbytes,
      closeSatPerVbyte: pricing.close_sat_per_vbyte,
      marginPpm: pricing.margin_ppm,
    },
    lightning: bolt11.enabled ? 'taken' : 'not-taken',
    discounts: new Map(tokens.map(({ name, discount_ppm }) => [name, discount_ppm])),
    ...(onchain.enabled
      ? {
          onchain: {
            confirmations: onchain.confirmations,
            zeroConfPerOrder: onchain.zero_conf_payments.accept_double_spends_up_to_sat,
          },
        }
      : {}),
  }
}

/** What is sold, by the numbers of its specs, ascending (L0-54). */
export function protocolsOf({ orders, lsps2, webhooks }: Config): number[] {
  const sold = [
    orders.enabled ? 1 : 0,
    lsps2.enabled ? 2 : 0,
    webhooks.enabled ? 5 : 0,
    orders.enabled && orders.extensions ? 7 : 0,
  ]
  return sold.filter((number) => number > 0)
}
