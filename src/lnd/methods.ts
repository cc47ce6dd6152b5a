/**
 * Every call that the adapter makes, under the name that it uses for it. The list of macaroon permissions is made from
 * this table, and nothing outside it can be called: so the macaroon allows exactly what is used.
 */
export const UNARY = {
  getInfo: 'lnrpc.Lightning/GetInfo',
  signMessage: 'lnrpc.Lightning/SignMessage',
  listPeers: 'lnrpc.Lightning/ListPeers',
  disconnectPeer: 'lnrpc.Lightning/DisconnectPeer',
  sendCustomMessage: 'lnrpc.Lightning/SendCustomMessage',
  listChannels: 'lnrpc.Lightning/ListChannels',
  pendingChannels: 'lnrpc.Lightning/PendingChannels',
  closedChannels: 'lnrpc.Lightning/ClosedChannels',
  abandonChannel: 'lnrpc.Lightning/AbandonChannel',
  fundingStateStep: 'lnrpc.Lightning/FundingStateStep',
  listAliases: 'lnrpc.Lightning/ListAliases',
  walletBalance: 'lnrpc.Lightning/WalletBalance',
  getTransactions: 'lnrpc.Lightning/GetTransactions',
  forwardingHistory: 'lnrpc.Lightning/ForwardingHistory',
  addHoldInvoice: 'invoicesrpc.Invoices/AddHoldInvoice',
  lookupInvoice: 'invoicesrpc.Invoices/LookupInvoiceV2',
  settleInvoice: 'invoicesrpc.Invoices/SettleInvoice',
  cancelInvoice: 'invoicesrpc.Invoices/CancelInvoice',
  addAliases: 'routerrpc.Router/XAddLocalChanAliases',
  fundPsbt: 'walletrpc.WalletKit/FundPsbt',
  finalizePsbt: 'walletrpc.WalletKit/FinalizePsbt',
  publishTransaction: 'walletrpc.WalletKit/PublishTransaction',
  getTransaction: 'walletrpc.WalletKit/GetTransaction',
  listUnspent: 'walletrpc.WalletKit/ListUnspent',
  nextAddress: 'walletrpc.WalletKit/NextAddr',
  listLeases: 'walletrpc.WalletKit/ListLeases',
  leaseOutput: 'walletrpc.WalletKit/LeaseOutput',
  releaseOutput: 'walletrpc.WalletKit/ReleaseOutput',
  bumpFee: 'walletrpc.WalletKit/BumpFee',
  estimateFee: 'walletrpc.WalletKit/EstimateFee',
} as const

export const STREAMS = {
  openChannel: 'lnrpc.Lightning/OpenChannel',
  closeChannel: 'lnrpc.Lightning/CloseChannel',
  channelEvents: 'lnrpc.Lightning/SubscribeChannelEvents',
  peerEvents: 'lnrpc.Lightning/SubscribePeerEvents',
  customMessages: 'lnrpc.Lightning/SubscribeCustomMessages',
  transactions: 'lnrpc.Lightning/SubscribeTransactions',
  invoice: 'invoicesrpc.Invoices/SubscribeSingleInvoice',
  htlcEvents: 'routerrpc.Router/SubscribeHtlcEvents',
  blocks: 'chainrpc.ChainNotifier/RegisterBlockEpochNtfn',
} as const

export const DUPLEX = {
  htlcInterceptor: 'routerrpc.Router/HtlcInterceptor',
} as const

export const METHODS = { ...UNARY, ...STREAMS, ...DUPLEX } as const

export type UnaryMethod = keyof typeof UNARY
export type StreamMethod = keyof typeof STREAMS
export type DuplexMethod = keyof typeof DUPLEX
export type Method = keyof typeof METHODS
