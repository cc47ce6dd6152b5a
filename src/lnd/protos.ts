/**
 * The part of lnd's API that the adapter uses: a subset, name by name, of the protos that `lightning` ships, which a
 * test holds it to. The whole takes three times as long to load, and at a start the node's forwards wait for that; it
 * would also decode dozens of fields per channel that nobody reads.
 */
export const PROTOS: readonly string[] = [
  `syntax = "proto3";
package lnrpc;

service Lightning {
  rpc GetInfo (GetInfoRequest) returns (GetInfoResponse);
  rpc SignMessage (SignMessageRequest) returns (SignMessageResponse);
  rpc ListPeers (ListPeersRequest) returns (ListPeersResponse);
  rpc DisconnectPeer (DisconnectPeerRequest) returns (DisconnectPeerResponse);
  rpc SubscribePeerEvents (PeerEventSubscription) returns (stream PeerEvent);
  rpc SendCustomMessage (SendCustomMessageRequest) returns (SendCustomMessageResponse);
  rpc SubscribeCustomMessages (SubscribeCustomMessagesRequest) returns (stream CustomMessage);
  rpc ListChannels (ListChannelsRequest) returns (ListChannelsResponse);
  rpc PendingChannels (PendingChannelsRequest) returns (PendingChannelsResponse);
  rpc ClosedChannels (ClosedChannelsRequest) returns (ClosedChannelsResponse);
  rpc SubscribeChannelEvents (ChannelEventSubscription) returns (stream ChannelEventUpdate);
  rpc OpenChannel (OpenChannelRequest) returns (stream OpenStatusUpdate);
  rpc CloseChannel (CloseChannelRequest) returns (stream CloseStatusUpdate);
  rpc AbandonChannel (AbandonChannelRequest) returns (AbandonChannelResponse);
  rpc FundingStateStep (FundingTransitionMsg) returns (FundingStateStepResp);
  rpc ListAliases (ListAliasesRequest) returns (ListAliasesResponse);
  rpc WalletBalance (WalletBalanceRequest) returns (WalletBalanceResponse);
  rpc GetTransactions (GetTransactionsRequest) returns (TransactionDetails);
  rpc SubscribeTransactions (GetTransactionsRequest) returns (stream Transaction);
  rpc ForwardingHistory (ForwardingHistoryRequest) returns (ForwardingHistoryResponse);
}

message GetInfoRequest {}
message GetInfoResponse {
  string identity_pubkey = 1;
  string alias = 2;
  uint32 block_height = 6;
  bool synced_to_chain = 9;
  repeated string uris = 12;
  string version = 14;
  repeated Chain chains = 16;
  map<uint32, Feature> features = 19;
  bool require_htlc_interceptor = 21;
}
message Chain { string network = 2; }
message Feature {}
message SignMessageRequest { bytes msg = 1; }
message SignMessageResponse { string signature = 1; }

message ListPeersRequest {} message ListPeersResponse { repeated Peer peers = 1; }
message Peer { string pub_key = 1; bool inbound = 8; }
message DisconnectPeerRequest { string pub_key = 1; }
message DisconnectPeerResponse {}
message PeerEventSubscription {}
message PeerEvent { string pub_key = 1; EventType type = 2; enum EventType { PEER_ONLINE = 0; PEER_OFFLINE = 1; } }
message SendCustomMessageRequest { bytes peer = 1; uint32 type = 2; bytes data = 3; } message SendCustomMessageResponse {}
message SubscribeCustomMessagesRequest {}
message CustomMessage { bytes peer = 1; uint32 type = 2; bytes data = 3; }

message ListChannelsRequest { bytes peer = 5; }
message ListChannelsResponse { repeated Channel channels = 11; }
message Channel {
  bool active = 1;
  string remote_pubkey = 2;
  string channel_point = 3;
  uint64 chan_id = 4;
  int64 capacity = 5;
  int64 local_balance = 6;
  int64 remote_balance = 7;
  int64 commit_fee = 8;
  int64 fee_per_kw = 10;
  int64 total_satoshis_sent = 12;
  int64 total_satoshis_received = 13;
  repeated HTLC pending_htlcs = 15;
  bool private = 17;
  bool initiator = 18;
  int64 lifetime = 23;
  int64 uptime = 24;
  ChannelConstraints local_constraints = 29;
  string memo = 36;
}
message ChannelConstraints {
  uint64 chan_reserve_sat = 2; uint64 max_pending_amt_msat = 4; uint32 max_accepted_htlcs = 6;
}
message HTLC {
  bool incoming = 1;
  int64 amount = 2;
  bytes hash_lock = 3;
  uint32 expiration_height = 4;
  uint64 htlc_index = 5;
  uint64 forwarding_channel = 6;
  uint64 forwarding_htlc_index = 7;
}
message PendingChannelsRequest { bool include_raw_tx = 1; }
message PendingChannelsResponse {
  message PendingChannel { string remote_node_pub = 1; string channel_point = 2; string memo = 13; }
  message PendingOpenChannel { PendingChannel channel = 1; }
  message ClosedChannel { PendingChannel channel = 1; }
  message ForceClosedChannel { PendingChannel channel = 1; }
  message WaitingCloseChannel { PendingChannel channel = 1; string closing_tx_hex = 5; }
  repeated PendingOpenChannel pending_open_channels = 2;
  repeated ClosedChannel pending_closing_channels = 3;
  repeated ForceClosedChannel pending_force_closing_channels = 4;
  repeated WaitingCloseChannel waiting_close_channels = 5;
}
message ClosedChannelsRequest {}
message ClosedChannelsResponse { repeated ChannelCloseSummary channels = 1; }
enum Initiator { INITIATOR_UNKNOWN = 0; INITIATOR_LOCAL = 1; INITIATOR_REMOTE = 2; INITIATOR_BOTH = 3; }
message ChannelCloseSummary {
  string channel_point = 1;
  string remote_pubkey = 5;
  enum ClosureType {
    COOPERATIVE_CLOSE = 0; LOCAL_FORCE_CLOSE = 1; REMOTE_FORCE_CLOSE = 2; BREACH_CLOSE = 3; FUNDING_CANCELED = 4;
    ABANDONED = 5;
  }
  ClosureType close_type = 10;
  Initiator close_initiator = 12;
}
message ChannelPoint {
  oneof funding_txid { bytes funding_txid_bytes = 1; string funding_txid_str = 2; }
  uint32 output_index = 3;
}
message PendingUpdate { bytes txid = 1; uint32 output_index = 2; }
message ChannelEventSubscription {}
message ChannelEventUpdate {
  oneof channel {
    Channel open_channel = 1;
    ChannelCloseSummary closed_channel = 2;
    ChannelPoint active_channel = 3;
    ChannelPoint inactive_channel = 4;
    PendingUpdate pending_open_channel = 6;
  }
  enum UpdateType {
    OPEN_CHANNEL = 0;
    CLOSED_CHANNEL = 1;
    ACTIVE_CHANNEL = 2;
    INACTIVE_CHANNEL = 3;
    PENDING_OPEN_CHANNEL = 4;
    FULLY_RESOLVED_CHANNEL = 5;
    CHANNEL_FUNDING_TIMEOUT = 6;
    CHANNEL_UPDATE = 7;
  }
  UpdateType type = 5;
}

enum CommitmentType { UNKNOWN_COMMITMENT_TYPE = 0; ANCHORS = 3; }
message OpenChannelRequest {
  bytes node_pubkey = 2;
  int64 local_funding_amount = 4;
  int64 push_sat = 5;
  bool private = 8;
  int64 min_htlc_msat = 9;
  FundingShim funding_shim = 14;
  uint32 max_local_csv = 17;
  CommitmentType commitment_type = 18;
  bool zero_conf = 19;
  bool scid_alias = 20;
  uint64 base_fee = 21;
  uint64 fee_rate = 22;
  bool use_base_fee = 23;
  bool use_fee_rate = 24;
  string memo = 27;
}
message FundingShim { oneof shim { PsbtShim psbt_shim = 2; } }
message PsbtShim { bytes pending_chan_id = 1; bool no_publish = 3; }
message OpenStatusUpdate {
  oneof update { PendingUpdate chan_pending = 1; ReadyForPsbtFunding psbt_fund = 5; }
}
message ReadyForPsbtFunding { string funding_address = 1; int64 funding_amount = 2; bytes psbt = 3; }
message FundingTransitionMsg {
  oneof trigger { FundingShimCancel shim_cancel = 2; FundingPsbtVerify psbt_verify = 3; }
}
message FundingShimCancel { bytes pending_chan_id = 1; }
message FundingPsbtVerify { bytes funded_psbt = 1; bytes pending_chan_id = 2; bool skip_finalize = 3; }
message FundingStateStepResp {}

message CloseChannelRequest { ChannelPoint channel_point = 1; bool force = 2; uint64 sat_per_vbyte = 6; }
message CloseStatusUpdate {
  oneof update { PendingUpdate close_pending = 1; ChannelCloseUpdate chan_close = 3; }
}
message ChannelCloseUpdate { bytes closing_txid = 1; }
message AbandonChannelRequest { ChannelPoint channel_point = 1; bool i_know_what_i_am_doing = 3; }
message AbandonChannelResponse {}

message ListAliasesRequest {}
message ListAliasesResponse { repeated AliasMap alias_maps = 1; }
message AliasMap { uint64 base_scid = 1; repeated uint64 aliases = 2; }

message WalletBalanceRequest {}
message WalletBalanceResponse { int64 confirmed_balance = 2; int64 reserved_balance_anchor_chan = 6; }
message Utxo { int64 amount_sat = 3; OutPoint outpoint = 5; int64 confirmations = 6; }
message OutPoint { bytes txid_bytes = 1; string txid_str = 2; uint32 output_index = 3; }
message Transaction {
  string tx_hash = 1;
  int32 num_confirmations = 3;
  int64 total_fees = 7;
  string raw_tx_hex = 9;
  string label = 10;
  repeated OutputDetail output_details = 11;
  repeated PreviousOutPoint previous_outpoints = 12;
}
message OutputDetail { string address = 2; int64 output_index = 4; int64 amount = 5; bool is_our_address = 6; }
message PreviousOutPoint { string outpoint = 1; }
message GetTransactionsRequest { int32 start_height = 1; int32 end_height = 2; uint32 max_transactions = 5; }
message TransactionDetails { repeated Transaction transactions = 1; }

message ForwardingHistoryRequest { uint64 start_time = 1; uint32 index_offset = 3; uint32 num_max_events = 4; }
message ForwardingHistoryResponse { repeated ForwardingEvent forwarding_events = 1; uint32 last_offset_index = 2; }
message ForwardingEvent {
  uint64 chan_id_in = 2;
  uint64 chan_id_out = 4;
  uint64 fee_msat = 8;
  uint64 amt_in_msat = 9;
  uint64 amt_out_msat = 10;
  uint64 timestamp_ns = 11;
  optional uint64 incoming_htlc_id = 14;
}

message Invoice {
  bytes r_hash = 4;
  string payment_request = 9;
  enum InvoiceState { OPEN = 0; SETTLED = 1; CANCELED = 2; ACCEPTED = 3; }
  InvoiceState state = 21;
  repeated InvoiceHTLC htlcs = 22;
  int64 value_msat = 23;
}
enum InvoiceHTLCState { ACCEPTED = 0; SETTLED = 1; CANCELED = 2; }
message InvoiceHTLC { uint64 amt_msat = 3; int32 expiry_height = 7; InvoiceHTLCState state = 8; }

message Failure {
  enum FailureCode {
    RESERVED = 0;
    INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS = 1;
    INCORRECT_PAYMENT_AMOUNT = 2;
    FINAL_INCORRECT_CLTV_EXPIRY = 3;
    FINAL_INCORRECT_HTLC_AMOUNT = 4;
    FINAL_EXPIRY_TOO_SOON = 5;
    INVALID_REALM = 6;
    EXPIRY_TOO_SOON = 7;
    INVALID_ONION_VERSION = 8;
    INVALID_ONION_HMAC = 9;
    INVALID_ONION_KEY = 10;
    AMOUNT_BELOW_MINIMUM = 11;
    FEE_INSUFFICIENT = 12;
    INCORRECT_CLTV_EXPIRY = 13;
    CHANNEL_DISABLED = 14;
    TEMPORARY_CHANNEL_FAILURE = 15;
    REQUIRED_NODE_FEATURE_MISSING = 16;
    REQUIRED_CHANNEL_FEATURE_MISSING = 17;
    UNKNOWN_NEXT_PEER = 18;
    TEMPORARY_NODE_FAILURE = 19;
    PERMANENT_NODE_FAILURE = 20;
    PERMANENT_CHANNEL_FAILURE = 21;
    EXPIRY_TOO_FAR = 22;
    MPP_TIMEOUT = 23;
    INVALID_ONION_PAYLOAD = 24;
    INVALID_ONION_BLINDING = 25;
    INTERNAL_FAILURE = 997;
    UNKNOWN_FAILURE = 998;
    UNREADABLE_FAILURE = 999;
  }
}`,
  `syntax = "proto3";
package routerrpc;

service Router {
  rpc SubscribeHtlcEvents (SubscribeHtlcEventsRequest) returns (stream HtlcEvent);
  rpc HtlcInterceptor (stream ForwardHtlcInterceptResponse) returns (stream ForwardHtlcInterceptRequest);
  rpc XAddLocalChanAliases (AddAliasesRequest) returns (AddAliasesResponse);
}

message SubscribeHtlcEventsRequest {}
message HtlcEvent {
  uint64 incoming_channel_id = 1;
  uint64 incoming_htlc_id = 3;
  enum EventType { UNKNOWN = 0; SEND = 1; RECEIVE = 2; FORWARD = 3; }
  EventType event_type = 6;
  oneof event {
    ForwardEvent forward_event = 7;
    ForwardFailEvent forward_fail_event = 8;
    SettleEvent settle_event = 9;
    LinkFailEvent link_fail_event = 10;
    SubscribedEvent subscribed_event = 11;
    FinalHtlcEvent final_htlc_event = 12;
  }
}
message HtlcInfo { uint64 incoming_amt_msat = 3; uint64 outgoing_amt_msat = 4; }
message ForwardEvent { HtlcInfo info = 1; }
message ForwardFailEvent {}
message SettleEvent {}
message FinalHtlcEvent {}
message SubscribedEvent {}
message LinkFailEvent { lnrpc.Failure.FailureCode wire_failure = 2; string failure_string = 4; }

message CircuitKey { uint64 chan_id = 1; uint64 htlc_id = 2; }
message ForwardHtlcInterceptRequest {
  CircuitKey incoming_circuit_key = 1;
  bytes payment_hash = 2;
  uint64 outgoing_amount_msat = 3;
  uint32 outgoing_expiry = 4;
  uint64 incoming_amount_msat = 5;
  uint32 incoming_expiry = 6;
  uint64 outgoing_requested_chan_id = 7;
  int32 auto_fail_height = 10;
}
enum ResolveHoldForwardAction { SETTLE = 0; FAIL = 1; RESUME = 2; RESUME_MODIFIED = 3; }
message ForwardHtlcInterceptResponse {
  CircuitKey incoming_circuit_key = 1;
  ResolveHoldForwardAction action = 2;
  lnrpc.Failure.FailureCode failure_code = 5;
  uint64 out_amount_msat = 7;
  map<uint64, bytes> out_wire_custom_records = 8;
}
message AddAliasesRequest { repeated lnrpc.AliasMap alias_maps = 1; }
message AddAliasesResponse {}`,
  `syntax = "proto3";
package walletrpc;

service WalletKit {
  rpc FundPsbt (FundPsbtRequest) returns (FundPsbtResponse);
  rpc FinalizePsbt (FinalizePsbtRequest) returns (FinalizePsbtResponse);
  rpc PublishTransaction (Transaction) returns (PublishResponse);
  rpc GetTransaction (GetTransactionRequest) returns (lnrpc.Transaction);
  rpc ListUnspent (ListUnspentRequest) returns (ListUnspentResponse);
  rpc NextAddr (AddrRequest) returns (AddrResponse);
  rpc ListLeases (ListLeasesRequest) returns (ListLeasesResponse);
  rpc LeaseOutput (LeaseOutputRequest) returns (LeaseOutputResponse);
  rpc ReleaseOutput (ReleaseOutputRequest) returns (ReleaseOutputResponse);
  rpc BumpFee (BumpFeeRequest) returns (BumpFeeResponse);
  rpc EstimateFee (EstimateFeeRequest) returns (EstimateFeeResponse);
}

message ListUnspentRequest { int32 min_confs = 1; }
message ListUnspentResponse { repeated lnrpc.Utxo utxos = 1; }
enum AddressType { UNKNOWN = 0; WITNESS_PUBKEY_HASH = 1; HYBRID_NESTED_WITNESS_PUBKEY_HASH = 3; }
message AddrRequest { AddressType type = 2; }
message AddrResponse { string addr = 1; }
message TxTemplate { repeated lnrpc.OutPoint inputs = 1; map<string, uint64> outputs = 2; }
message FundPsbtRequest {
  oneof template { bytes psbt = 1; TxTemplate raw = 2; }
  oneof fees { uint64 sat_per_vbyte = 4; }
  int32 min_confs = 6;
  bool spend_unconfirmed = 7;
  bytes custom_lock_id = 13;
  uint64 lock_expiration_seconds = 14;
}
message FundPsbtResponse { bytes funded_psbt = 1; }
message FinalizePsbtRequest { bytes funded_psbt = 1; }
message FinalizePsbtResponse { bytes raw_final_tx = 2; }
message Transaction { bytes tx_hex = 1; string label = 2; }
message PublishResponse { string publish_error = 1; }
message GetTransactionRequest { string txid = 1; }
message UtxoLease { bytes id = 1; lnrpc.OutPoint outpoint = 2; }
message ListLeasesRequest {}
message ListLeasesResponse { repeated UtxoLease locked_utxos = 1; }
message LeaseOutputRequest { bytes id = 1; lnrpc.OutPoint outpoint = 2; uint64 expiration_seconds = 3; }
message LeaseOutputResponse {}
message ReleaseOutputRequest { bytes id = 1; lnrpc.OutPoint outpoint = 2; }
message ReleaseOutputResponse {}
message BumpFeeRequest { lnrpc.OutPoint outpoint = 1; uint64 sat_per_vbyte = 5; bool immediate = 6; uint64 budget = 7; }
message BumpFeeResponse {}
message EstimateFeeRequest { int32 conf_target = 1; }
message EstimateFeeResponse { int64 sat_per_kw = 1; }`,
  `syntax = "proto3";
package invoicesrpc;

service Invoices {
  rpc AddHoldInvoice (AddHoldInvoiceRequest) returns (AddHoldInvoiceResp);
  rpc LookupInvoiceV2 (LookupInvoiceMsg) returns (lnrpc.Invoice);
  rpc SettleInvoice (SettleInvoiceMsg) returns (SettleInvoiceResp);
  rpc CancelInvoice (CancelInvoiceMsg) returns (CancelInvoiceResp);
  rpc SubscribeSingleInvoice (SubscribeSingleInvoiceRequest) returns (stream lnrpc.Invoice);
}

message AddHoldInvoiceRequest {
  string memo = 1;
  bytes hash = 2;
  int64 expiry = 5;
  uint64 cltv_expiry = 7;
  int64 value_msat = 10;
}
message AddHoldInvoiceResp { string payment_request = 1; }
message LookupInvoiceMsg { oneof invoice_ref { bytes payment_hash = 1; } }
message SettleInvoiceMsg { bytes preimage = 1; }
message SettleInvoiceResp {}
message CancelInvoiceMsg { bytes payment_hash = 1; }
message CancelInvoiceResp {}
message SubscribeSingleInvoiceRequest { bytes r_hash = 2; }`,
  `syntax = "proto3";
package chainrpc;

service ChainNotifier {
  rpc RegisterBlockEpochNtfn (BlockEpoch) returns (stream BlockEpoch);
}

message BlockEpoch { uint32 height = 2; }`,
]
