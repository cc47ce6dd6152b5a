import { hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import * as ldk from 'lightningdevkit'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { loadLdk } from '../stack/ldk/runtime.ts'

/** A notification as LDK's application hands it over: the header is read as a time, the body as JSON. */
export type HandedOver = { readonly timestamp: string; readonly signature: string; readonly body: string }

const NANOS_PER_MS = 1_000_000
const RFC_3339 = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/
const WITHOUT_PARAMS: ReadonlySet<string> = new Set([
  'lsps5.webhook_registered',
  'lsps5.payment_incoming',
  'lsps5.liquidity_management_request',
  'lsps5.onion_message_incoming',
])

/** A time as chrono reads it and writes it anew: in UTC, `+00:00`, with none, three, six or nine digits. */
export function chronoTime(text: string): string | undefined {
  const [, local = '', digits = '', zone = ''] = RFC_3339.exec(text) ?? []
  const at = Date.parse(`${local.toUpperCase()}${zone.toUpperCase()}`)
  if (Number.isNaN(at)) return undefined
  const nanos = +digits.padEnd(9, '0')
  const width = nanos === 0 ? 0 : nanos % NANOS_PER_MS === 0 ? 3 : nanos % 1000 === 0 ? 6 : 9
  const fraction = width === 0 ? '' : `.${digits.padEnd(9, '0').slice(0, width)}`
  return `${new Date(at).toISOString().slice(0, 19)}${fraction}+00:00`
}

/** A body as LDK reads it and writes it anew; undefined for what it cannot read. */
function serdeBody(body: string): string | undefined {
  const { jsonrpc, method, params } = JSON.parse(body)
  if (jsonrpc !== '2.0' || typeof params !== 'object') return undefined
  if (WITHOUT_PARAMS.has(method)) return `{"jsonrpc":"2.0","method":"${method}","params":{}}`
  const { timeout } = params
  if (method !== 'lsps5.expiry_soon' || !Number.isSafeInteger(timeout)) return undefined
  return `{"jsonrpc":"2.0","method":"${method}","params":{"timeout":${timeout >>> 0}}}`
}

/**
 * What LDK's `LSPS5Validator` does (lightning-liquidity, src/lsps5/validator.rs): both parts are written anew, and the
 * signature is verified over that. The last step is LDK itself.
 */
export async function ldkVerifies(lsp: NodeId, { timestamp, signature, body }: HandedOver): Promise<boolean> {
  await loadLdk()
  const time = chronoTime(timestamp)
  const written = serdeBody(body)
  if (time === undefined || written === undefined) return false
  const text = `LSPS5: DO NOT SIGN THIS MESSAGE MANUALLY: LSP: At ${time} I notify ${written}`
  // The bindings declare a boolean and give a number.
  return Boolean(ldk.UtilMethods.constructor_verify(utf8ToBytes(text), signature, hexToBytes(lsp)))
}

/** A notification as LDK's service makes it: the header is chrono's, and stands in the signed text. */
export async function ldkNotifies(key: Uint8Array, { at, body }: { readonly at: number; readonly body: string }) {
  await loadLdk()
  const timestamp = chronoTime(new Date(at).toISOString()) ?? ''
  const text = `LSPS5: DO NOT SIGN THIS MESSAGE MANUALLY: LSP: At ${timestamp} I notify ${body}`
  return { timestamp, signature: ldk.UtilMethods.constructor_sign(utf8ToBytes(text), key), body }
}
