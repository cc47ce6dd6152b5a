import { type NodeId, parseNodeId } from './node-id.ts'

/** Where a node can be reached; an IPv6 host has no brackets (L0-75). */
export type ConnectionString = { readonly nodeId: NodeId; readonly host: string; readonly port: number }

const PORT = /^[1-9]\d{0,4}$/
const MAX_PORT = 0xffff

/** Splits at the first `@` and the last `:` (L0-75); undefined when the text is not `nodeid@host:port`. */
export function parseConnectionString(text: string): ConnectionString | undefined {
  const at = text.indexOf('@')
  const colon = text.lastIndexOf(':')
  if (at === -1 || colon <= at) return undefined
  const nodeId = parseNodeId(text.slice(0, at))
  const host = text.slice(at + 1, colon)
  const port = text.slice(colon + 1)
  if (nodeId === undefined || host === '' || !PORT.test(port) || +port > MAX_PORT) return undefined
  return { nodeId, host, port: +port }
}

/** `nodeid@host:port` (L0-75). */
export function formatConnectionString({ nodeId, host, port }: ConnectionString): string {
  return `${nodeId}@${host}:${port}`
}
