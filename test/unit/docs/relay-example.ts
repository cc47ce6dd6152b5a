import {
  createNotificationVerifier,
  MAX_NOTIFICATION_BYTES,
  type NodeId,
  type NotificationVerifier,
  SIGNATURE_HEADER,
  TIMESTAMP_HEADER,
  type Timestamp,
} from '../../../lsps/index.ts'

/** Found by the token in the URL that the wallet registers: 16 random bytes or more. */
export type Device = { readonly lsp: NodeId; readonly pushToken: string }

/** `push` wakes the app of a device; it should try again by itself, since the LSP does not call again once we answer. */
export function createRelay(
  devices: ReadonlyMap<string, Device>,
  push: (pushToken: string, method: string) => Promise<void>,
) {
  const verifiers = new Map<string, NotificationVerifier>()
  return async (request: Request): Promise<Response> => {
    const token = new URL(request.url).searchParams.get('token') ?? ''
    const device = devices.get(token)
    if (request.method !== 'POST' || device === undefined) return new Response(null, { status: 404 })
    const verifier = verifiers.get(token) ?? createNotificationVerifier({ lsp: device.lsp })
    verifiers.set(token, verifier)
    const timestamp = request.headers.get(TIMESTAMP_HEADER) ?? undefined
    const signature = request.headers.get(SIGNATURE_HEADER) ?? undefined
    const verdict = verifier.verify({ timestamp, signature, body: await bodyOf(request) }, Date.now() as Timestamp)
    if ('refused' in verdict) return new Response(verdict.refused, { status: 403 })
    const { notification } = verdict.accepted
    if (notification !== undefined) await push(device.pushToken, notification.method)
    return new Response(null, { status: 200 })
  }
}

/** Not more than may be verified, and one byte, whatever is sent. */
async function bodyOf(request: Request): Promise<Uint8Array> {
  const bytes: number[] = []
  for await (const chunk of request.body ?? []) {
    bytes.push(...chunk.subarray(0, MAX_NOTIFICATION_BYTES + 1 - bytes.length))
    if (bytes.length > MAX_NOTIFICATION_BYTES) break
  }
  return Uint8Array.from(bytes)
}
