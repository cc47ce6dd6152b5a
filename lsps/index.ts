// The public surface for wallets, and the only barrel of the repository.
export { Msat, msat, msatToSatCeil, msatToSatFloor, OverflowError, Ppm, Sat, sat, satToMsat } from './base/amount.ts'
export type { Clock } from './base/clock.ts'
export { type ConnectionString, formatConnectionString, parseConnectionString } from './base/connection-string.ts'
export { Datetime, formatDatetime, parseDatetime, type Timestamp } from './base/datetime.ts'
export { describeMethods } from './base/describe.ts'
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
export { decodeExtraFee, EXTRA_FEE_TLV_TYPE, encodeExtraFee, readExtraFee } from './lsps2/extra-fee.ts'
export { computeOpeningFee } from './lsps2/fee.ts'
export {
  acceptsExtraFees,
  EXTRA_FINAL_CLTV_BLOCKS,
  type JitRouteHint,
  jitRouteHint,
  longestInvoiceExpiry,
  type ReceivedPart,
} from './lsps2/invoice.ts'
export { LSPS2_FAULTS, lsps2 } from './lsps2/methods.ts'
export { type FeeTerms, OpeningFeeParams } from './lsps2/schema.ts'
export {
  type ClientFailure,
  createRpcClient,
  type Ignored,
  type RpcClient,
  RpcClientError,
  sanitizeMessage,
  type Transport,
} from './rpc/client.ts'
export { RpcFault, STANDARD_FAULTS } from './rpc/fault.ts'
export { decodeFrame, encodeFrame, LSPS_MESSAGE_TYPE, MAX_PAYLOAD_BYTES } from './rpc/framing.ts'
