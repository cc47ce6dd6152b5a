// The public surface for wallets, and the only barrel of the repository.
export { type BitcoinNetwork, isAddressOf, OnchainAddress, parseAddress } from './base/address.ts'
export { Msat, msat, msatToSatCeil, msatToSatFloor, OverflowError, Ppm, Sat, sat, satToMsat } from './base/amount.ts'
export type { Clock } from './base/clock.ts'
export { type ConnectionString, formatConnectionString, parseConnectionString } from './base/connection-string.ts'
export { Datetime, formatDatetime, parseDatetime, type Timestamp } from './base/datetime.ts'
export { describeMethods, describeNotifications } from './base/describe.ts'
export { SatPerKw, satPerKwFromVbyte } from './base/fee-rate.ts'
export { recoverSigner, signMessage } from './base/ln-signature.ts'
export {
  type FaultDefinition,
  type Handlers,
  type Method,
  type MethodTable,
  method,
  type ParamsOf,
  type ResultOf,
} from './base/method.ts'
export { NodeId, parseNodeId } from './base/node-id.ts'
export { formatOutpoint, Outpoint, parseOutpoint, parseTxid, type Txid } from './base/outpoint.ts'
export { parseScid, Scid, scidFromNumber, scidToNumber } from './base/scid.ts'
export { featureVector, hasFeature, OPTION_SUPPORTS_LSPS } from './lsps0/feature.ts'
export { lsps0 } from './lsps0/methods.ts'
export type { ImpossibleChange } from './lsps1/changes.ts'
export { type OrderClient, type OrderRequest, orderClient } from './lsps1/client.ts'
export { invoiceAmount } from './lsps1/invoice-amount.ts'
export { LSPS1_FAULTS, lsps1, type Mismatch } from './lsps1/methods.ts'
export { OrderError, type OrderFailure } from './lsps1/order-error.ts'
export { ORDER_PATIENCE, type OrderHandle, type Placed } from './lsps1/order-handle.ts'
export type { PayableOption } from './lsps1/payable.ts'
export { checkOrder, isLargeChannel, OPTION_SUPPORT_LARGE_CHANNEL } from './lsps1/rules.ts'
export {
  type CreateOrderParams,
  type LightningState,
  type Lsps1Options,
  type OnchainState,
  type OrderChannel,
  OrderResult,
  type OrderState,
  type Payment,
  type PaymentBolt11,
  type PaymentBolt12,
  type PaymentOnchain,
} from './lsps1/schema.ts'
export { isFinal, type PaymentMethod } from './lsps1/states.ts'
export { GIVE_UP_AFTER_MS, LEAST_POLL_MS, MAX_RETRY_MS, type UpdateOptions, USUAL_POLL_MS } from './lsps1/updates.ts'
export { type Choice, chooseOffer, type NoChoice, smallestPayment, type Wanted } from './lsps2/choose-offer.ts'
export { decodeExtraFee, EXTRA_FEE_TLV_TYPE, encodeExtraFee, readExtraFee } from './lsps2/extra-fee.ts'
export { computeOpeningFee, openingFee } from './lsps2/fee.ts'
export { FeeCap, highestFee } from './lsps2/fee-cap.ts'
export {
  acceptsExtraFees,
  channelRouteHint,
  EXTRA_FINAL_CLTV_BLOCKS,
  type JitRouteHint,
  jitRouteHint,
  longestInvoiceExpiry,
  type ReceivedPart,
  type RouteHint,
} from './lsps2/invoice.ts'
export { LSPS2_FAULTS, lsps2 } from './lsps2/methods.ts'
export {
  agreedFee,
  checkParts,
  type InvoiceRules,
  invoiceRules,
  JitPurchase,
  type PartsFailure,
  type PartsVerdict,
  type Reveal,
  revealRule,
  USUAL_EXPIRY_SECONDS,
} from './lsps2/purchase.ts'
export {
  LEAST_EXPIRY_SECONDS,
  LEAST_LIFETIME_BLOCKS,
  MAX_CLTV_EXPIRY_DELTA,
  MAX_ROUNDS,
  type Quote,
  RECEIVE_PATIENCE,
  type Receivable,
  type ReceiveRequest,
  receive,
  USUAL_TO_SELF_DELAY_BLOCKS,
} from './lsps2/receive.ts'
export { ReceiveError, type ReceiveFailure } from './lsps2/receive-error.ts'
export { type FeeTerms, OpeningFeeParams } from './lsps2/schema.ts'
export { WEBHOOK_PATIENCE, type WebhookClient, webhookClient } from './lsps5/client.ts'
export { LSPS5_FAULTS, lsps5 } from './lsps5/methods.ts'
export {
  lsps5Notifications,
  type NotificationMethod,
  notificationBody,
  type WebhookNotification,
} from './lsps5/notifications.ts'
export { MAX_REMEMBERED, type ReplayMemory } from './lsps5/replay.ts'
export { appNameBytes, checkWebhook } from './lsps5/rules.ts'
export {
  type ListWebhooksResult,
  MAX_APP_NAME_BYTES,
  MAX_WEBHOOK_CHARACTERS,
  type SetWebhookParams,
  type SetWebhookResult,
} from './lsps5/schema.ts'
export {
  composeNotification,
  notificationHeaders,
  SIGNATURE_HEADER,
  signedText,
  TIMESTAMP_HEADER,
  type TimestampStyle,
} from './lsps5/signed-text.ts'
export {
  createNotificationVerifier,
  FRESHNESS_WINDOW_MS,
  MAX_NOTIFICATION_BYTES,
  type NotificationCall,
  type NotificationRefusal,
  type NotificationVerdict,
  type NotificationVerifier,
  type VerifiedNotification,
  verifyNotification,
} from './lsps5/verify.ts'
export { WebhookError, type WebhookFailure } from './lsps5/webhook-error.ts'
export { type ExtensionClient, type ExtensionRequest, extensionClient } from './lsps7/client.ts'
export { LSPS7_FAULTS, lsps7 } from './lsps7/methods.ts'
export { checkExtension } from './lsps7/rules.ts'
export { type CreateExtensionParams, type ExtendableChannel, ExtensionResult } from './lsps7/schema.ts'
export type { CallFailure } from './rpc/call-failure.ts'
export {
  type ClientFailure,
  createRpcClient,
  type Ignored,
  type Patience,
  type RpcClient,
  RpcClientError,
  sanitizeMessage,
  type Transport,
} from './rpc/client.ts'
export { RpcFault, STANDARD_FAULTS } from './rpc/fault.ts'
export { decodeFrame, encodeFrame, LSPS_MESSAGE_TYPE, MAX_PAYLOAD_BYTES } from './rpc/framing.ts'
export { requestIds } from './rpc/request-id.ts'
