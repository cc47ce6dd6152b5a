/**
 * What lnd answers, as its protos are decoded: 64-bit integers are decimal strings, enums their names, bytes Buffers,
 * and unset fields have their defaults. Only the fields that are read.
 */
type U64 = string

export type RawOutpoint = { readonly txid_bytes: Buffer; readonly txid_str: string; readonly output_index: number }

export type RawInfo = {
  readonly identity_pubkey: string
  readonly alias: string
  readonly version: string
  readonly block_height: number
  readonly synced_to_chain: boolean
  readonly require_htlc_interceptor: boolean
  readonly chains: readonly { readonly network: string }[]
  readonly uris: readonly string[]
  readonly features: Readonly<Record<string, unknown>>
}

/** As `peer-list.ts` reads it. */
export type RawPeer = {
  readonly pub_key: string
  readonly inbound: boolean
  readonly features: () => readonly number[]
}

export type RawHtlc = {
  readonly incoming: boolean
  /** Satoshi: lnd rounds down here. */
  readonly amount: U64
  readonly hash_lock: Buffer
  readonly expiration_height: number
  readonly htlc_index: U64
  readonly forwarding_channel: U64
  readonly forwarding_htlc_index: U64
}

export type RawChannel = {
  readonly active: boolean
  readonly private: boolean
  readonly initiator: boolean
  readonly remote_pubkey: string
  readonly channel_point: string
  readonly chan_id: U64
  readonly capacity: U64
  readonly local_balance: U64
  readonly remote_balance: U64
  readonly total_satoshis_sent: U64
  readonly total_satoshis_received: U64
  readonly lifetime: U64
  readonly uptime: U64
  readonly memo: string
  readonly pending_htlcs: readonly RawHtlc[]
  readonly commit_fee: U64
  readonly fee_per_kw: U64
  /** What binds us in this channel. */
  readonly local_constraints: {
    readonly chan_reserve_sat: U64
    readonly max_pending_amt_msat: U64
    readonly max_accepted_htlcs: number
  } | null
}

export type RawPendingEntry = {
  readonly channel: { readonly remote_node_pub: string; readonly channel_point: string; readonly memo: string }
  /** Only of channels whose closing transaction is not confirmed. */
  readonly closing_tx_hex?: string
}

export type RawPendingChannels = {
  readonly pending_open_channels: readonly RawPendingEntry[]
  readonly pending_closing_channels: readonly RawPendingEntry[]
  readonly pending_force_closing_channels: readonly RawPendingEntry[]
  readonly waiting_close_channels: readonly RawPendingEntry[]
}

export type RawClosedChannel = {
  readonly remote_pubkey: string
  readonly channel_point: string
  readonly close_type: string
  readonly close_initiator: string
}

type RawChannelPoint = {
  readonly funding_txid?: 'funding_txid_bytes' | 'funding_txid_str'
  readonly funding_txid_bytes?: Buffer
  readonly funding_txid_str?: string
  readonly output_index: number
}

export type RawPendingUpdate = { readonly txid: Buffer; readonly output_index: number }

export type RawChannelEvent = {
  readonly type: string
  readonly open_channel?: RawChannel
  readonly closed_channel?: Pick<RawClosedChannel, 'channel_point'>
  readonly active_channel?: RawChannelPoint
  readonly inactive_channel?: RawChannelPoint
  readonly pending_open_channel?: RawPendingUpdate
}

export type RawOpenUpdate = {
  readonly chan_pending?: RawPendingUpdate
  readonly psbt_fund?: { readonly funding_address: string; readonly funding_amount: U64; readonly psbt: Buffer }
}

export type RawCloseUpdate = { readonly close_pending?: unknown; readonly chan_close?: unknown }

export type RawTransaction = {
  readonly tx_hash: string
  readonly num_confirmations: number
  readonly total_fees: U64
  readonly previous_outpoints: readonly { readonly outpoint: string }[]
  readonly raw_tx_hex: string
  readonly label: string
  readonly output_details: readonly RawOutput[]
}

export type RawOutput = {
  /** Empty when the script has none, or more than one. */
  readonly address: string
  readonly output_index: U64
  readonly amount: U64
  readonly is_our_address: boolean
}

export type RawInvoiceHtlc = {
  readonly amt_msat: U64
  readonly expiry_height: number
  readonly state: 'ACCEPTED' | 'SETTLED' | 'CANCELED'
}

export type RawInvoice = {
  readonly r_hash: Buffer
  readonly payment_request: string
  readonly value_msat: U64
  readonly state: 'OPEN' | 'SETTLED' | 'CANCELED' | 'ACCEPTED'
  readonly htlcs: readonly RawInvoiceHtlc[]
}

export type RawForward = {
  readonly timestamp_ns: U64
  readonly chan_id_in: U64
  readonly chan_id_out: U64
  readonly amt_in_msat: U64
  readonly amt_out_msat: U64
  readonly fee_msat: U64
  readonly incoming_htlc_id: U64
  /** Present when lnd knows the number: it has default 0 otherwise, which is a number too. */
  readonly _incoming_htlc_id?: 'incoming_htlc_id'
}

export type RawLease = { readonly id: Buffer; readonly outpoint: RawOutpoint }

export type RawCoin = { readonly outpoint: RawOutpoint; readonly amount_sat: U64; readonly confirmations: U64 }

export type RawCircuitKey = { readonly chan_id: U64; readonly htlc_id: U64 }

export type RawOffer = {
  readonly incoming_circuit_key: RawCircuitKey
  readonly incoming_amount_msat: U64
  readonly incoming_expiry: number
  readonly payment_hash: Buffer
  readonly outgoing_requested_chan_id: U64
  readonly outgoing_amount_msat: U64
  readonly outgoing_expiry: number
  readonly auto_fail_height: number
}

export type RawAnswer = {
  readonly incoming_circuit_key: RawCircuitKey
  readonly action: 'RESUME' | 'RESUME_MODIFIED' | 'FAIL'
  readonly failure_code?: 'TEMPORARY_CHANNEL_FAILURE'
  readonly out_amount_msat?: U64
  readonly out_wire_custom_records?: Readonly<Record<string, Uint8Array>>
}

export type RawHtlcEvent = {
  readonly incoming_channel_id: U64
  readonly incoming_htlc_id: U64
  readonly event_type: 'UNKNOWN' | 'SEND' | 'RECEIVE' | 'FORWARD'
  /** Which of the following is set. */
  readonly event?: string
  readonly forward_event?: {
    readonly info: { readonly incoming_amt_msat: U64; readonly outgoing_amt_msat: U64 } | null
  }
  readonly link_fail_event?: { readonly wire_failure: string; readonly failure_string: string }
}

export type UnaryAnswers = {
  getInfo: RawInfo
  signMessage: { readonly signature: string }
  listPeers: { readonly peers: readonly RawPeer[] }
  disconnectPeer: unknown
  sendCustomMessage: unknown
  listChannels: { readonly channels: readonly RawChannel[] }
  pendingChannels: RawPendingChannels
  closedChannels: { readonly channels: readonly RawClosedChannel[] }
  abandonChannel: unknown
  fundingStateStep: unknown
  listAliases: { readonly alias_maps: readonly { readonly base_scid: U64; readonly aliases: readonly U64[] }[] }
  walletBalance: { readonly confirmed_balance: U64; readonly reserved_balance_anchor_chan: U64 }
  listUnspent: { readonly utxos: readonly RawCoin[] }
  nextAddress: { readonly addr: string }
  getTransactions: { readonly transactions: readonly RawTransaction[] }
  forwardingHistory: { readonly forwarding_events: readonly RawForward[]; readonly last_offset_index: number }
  addHoldInvoice: { readonly payment_request: string }
  lookupInvoice: RawInvoice
  settleInvoice: unknown
  cancelInvoice: unknown
  addAliases: unknown
  fundPsbt: { readonly funded_psbt: Buffer }
  finalizePsbt: { readonly raw_final_tx: Buffer }
  publishTransaction: { readonly publish_error: string }
  getTransaction: { readonly num_confirmations: number; readonly raw_tx_hex: string }
  listLeases: { readonly locked_utxos: readonly RawLease[] }
  leaseOutput: unknown
  releaseOutput: unknown
  bumpFee: unknown
  estimateFee: { readonly sat_per_kw: U64 }
}

export type StreamEvents = {
  openChannel: RawOpenUpdate
  closeChannel: RawCloseUpdate
  channelEvents: RawChannelEvent
  peerEvents: { readonly pub_key: string; readonly type: 'PEER_ONLINE' | 'PEER_OFFLINE' }
  customMessages: { readonly peer: Buffer; readonly type: number; readonly data: Buffer }
  transactions: { readonly tx_hash: string }
  invoice: RawInvoice
  htlcEvents: RawHtlcEvent
  blocks: { readonly height: number }
}
