import * as ldk from 'lightningdevkit'

const LOWEST_SAT_PER_KW = 253
const USUAL_SAT_PER_KW = 2_500
/** Above what a regtest lnd asks for, so that its commitments are never refused as too dear. */
const HIGHEST_SAT_PER_KW = 25_000

/** A phone wallet's settings: takes a trusted LSP's 0-conf channels, and HTLCs from which it kept its fee. */
export function walletConfig(): ldk.UserConfig {
  const config = ldk.UserConfig.constructor_default()
  // Getters give copies: each is changed and set back.
  const handshake = config.get_channel_handshake_config()
  handshake.set_max_inbound_htlc_value_in_flight_percent_of_channel(100)
  handshake.set_negotiate_anchors_zero_fee_htlc_tx(true)
  handshake.set_announce_for_forwarding(false)
  config.set_channel_handshake_config(handshake)
  // An ordered channel may be announced, if the order says so.
  const limits = config.get_channel_handshake_limits()
  limits.set_force_announced_channel_preference(false)
  config.set_channel_handshake_limits(limits)
  const channel = config.get_channel_config()
  channel.set_accept_underpaying_htlcs(true)
  config.set_channel_config(channel)
  config.set_manually_accept_inbound_channels(true)
  return config
}

export function satPerKw(target: ldk.ConfirmationTarget): number {
  switch (target) {
    case ldk.ConfirmationTarget.LDKConfirmationTarget_MaximumFeeEstimate:
      return HIGHEST_SAT_PER_KW
    case ldk.ConfirmationTarget.LDKConfirmationTarget_UrgentOnChainSweep:
    case ldk.ConfirmationTarget.LDKConfirmationTarget_NonAnchorChannelFee:
    case ldk.ConfirmationTarget.LDKConfirmationTarget_OutputSpendingFee:
      return USUAL_SAT_PER_KW
    default:
      return LOWEST_SAT_PER_KW
  }
}
