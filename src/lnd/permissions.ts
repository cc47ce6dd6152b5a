import { systemClock } from '../kernel/clock.ts'
import { refusedWith } from '../kernel/errors.ts'
import { childOf } from '../kernel/wait.ts'
import type { Connection } from './connect.ts'
import type { Finding } from './gate.ts'
import { listen } from './listen.ts'
import { type Permission, readPermissions } from './macaroon.ts'
import { DUPLEX, METHODS, type Method, STREAMS, type StreamMethod, UNARY, type UnaryMethod } from './methods.ts'

/** What the operator has enabled: `node` is always on. */
export type PermissionFeature = 'node' | 'lsps2' | 'orders' | 'webhooks'

/** What the daemon does whatever it sells: look at the node and talk with peers. */
const NODE_METHODS: readonly Method[] = [
  'getInfo',
  'listPeers',
  'sendCustomMessage',
  'listChannels',
  'pendingChannels',
  'closedChannels',
  'peerEvents',
  'customMessages',
  'channelEvents',
  'blocks',
]

/** What only a sale on the way needs. */
const LSPS2_METHODS: readonly Method[] = ['addAliases', 'htlcEvents']

/** Payments wait in the interceptor, by any name of a channel: for sales, and for customers that are away. */
const HOLD_METHODS: readonly Method[] = ['listAliases', 'htlcInterceptor']

/** How orders are paid. */
const ORDER_METHODS: readonly Method[] = [
  'addHoldInvoice',
  'lookupInvoice',
  'settleInvoice',
  'cancelInvoice',
  'invoice',
  'transactions',
]

/** Notifications are signed. */
const WEBHOOK_METHODS: readonly Method[] = ['signMessage']

/** All that the adapter calls stands in `methods.ts`; what is not listed above is there for channels of either kind. */
export function permissionsFor(features: readonly PermissionFeature[]): readonly string[] {
  return methodsFor(features).map(uri)
}

/** The command that bakes a macaroon with just these rights. */
export function macaroonCommand(
  features: readonly PermissionFeature[],
  options: { readonly path: string; readonly network: string },
): string {
  const network = options.network === 'mainnet' ? '' : ` --network=${options.network}`
  const permissions = permissionsFor(features).map((permission) => `  ${permission}`)
  return [`lncli${network} bakemacaroon --save_to ${options.path}`, ...permissions].join(' \\\n')
}

/** Pure: what the macaroon itself says. Undefined when it cannot be read; then only lnd can tell. */
export function missingPermissions(
  macaroon: Uint8Array,
  features: readonly PermissionFeature[],
): readonly Method[] | undefined {
  const permissions = readPermissions(macaroon)
  return permissions && methodsFor(features).filter((method) => !allows(permissions, method))
}

/**
 * Asks lnd itself: each call with arguments that it can only refuse, or that change nothing. The interceptor is not
 * called, since only one may be attached: what the macaroon says has to do for it. With `subscriptions: 'read'` that
 * does for all streams: lnd says nothing on one that it allows, so asking takes a second, in which payments may be held.
 * @throws SidecarError LND_UNAVAILABLE when lnd does not answer
 */
export async function probePermissions(
  lnd: Connection,
  features: readonly PermissionFeature[],
  signal: AbortSignal,
  options: { readonly subscriptions?: 'ask' | 'read' } = {},
): Promise<readonly Finding[]> {
  const said = missingPermissions(lnd.macaroon, features)
  const unsaid = said ?? []
  const read = said !== undefined && options.subscriptions === 'read'
  const asked = methodsFor(features).filter(
    (method) => !isIn(DUPLEX, method) && !(read && isIn(STREAMS, method)) && !unsaid.includes(method),
  )
  const denied = await Promise.all(asked.map((method) => isDenied(lnd, method, signal)))
  const missing = [...unsaid, ...asked.filter((_, index) => denied[index])]
  return missing.length === 0 ? [] : [toFinding(missing)]
}

function toFinding(missing: readonly Method[]): Finding {
  return {
    id: 'permissions',
    severity: 'error',
    what: `the macaroon does not permit ${missing.map((method) => METHODS[method]).join(', ')}`,
    fix: 'bake it again with the command that `sluice macaroon` prints, and write its path as lnd.macaroon_path in the config',
  }
}

function methodsFor(features: readonly PermissionFeature[]): readonly Method[] {
  const [lsps2, orders] = [features.includes('lsps2'), features.includes('orders')]
  const webhooks = features.includes('webhooks')
  if (!lsps2 && !orders) return webhooks ? [...NODE_METHODS, ...HOLD_METHODS, ...WEBHOOK_METHODS] : NODE_METHODS
  const unneeded = new Set([
    ...(lsps2 ? [] : LSPS2_METHODS),
    ...(lsps2 || webhooks ? [] : HOLD_METHODS),
    ...(orders ? [] : ORDER_METHODS),
    ...(webhooks ? [] : WEBHOOK_METHODS),
  ])
  return (Object.keys(METHODS) as Method[]).filter((method) => !unneeded.has(method))
}

function uri(method: Method): string {
  return `uri:/${METHODS[method]}`
}

/** Macaroons that are not baked for us (`admin.macaroon`) have rights by kind; these are what lnd asks for. */
const KINDS: Readonly<Record<Method, readonly string[]>> = {
  getInfo: ['info:read'],
  signMessage: ['message:write'],
  listPeers: ['peers:read'],
  disconnectPeer: ['peers:write'],
  sendCustomMessage: ['offchain:write'],
  listChannels: ['offchain:read'],
  pendingChannels: ['offchain:read'],
  closedChannels: ['offchain:read'],
  abandonChannel: ['offchain:write'],
  fundingStateStep: ['onchain:write', 'offchain:write'],
  listAliases: ['offchain:read'],
  walletBalance: ['onchain:read'],
  getTransactions: ['onchain:read'],
  forwardingHistory: ['offchain:read'],
  addHoldInvoice: ['invoices:write'],
  lookupInvoice: ['invoices:write'],
  settleInvoice: ['invoices:write'],
  cancelInvoice: ['invoices:write'],
  addAliases: ['offchain:write'],
  fundPsbt: ['onchain:write'],
  finalizePsbt: ['onchain:write'],
  publishTransaction: ['onchain:write'],
  getTransaction: ['onchain:read'],
  listUnspent: ['onchain:read'],
  nextAddress: ['address:read'],
  listLeases: ['onchain:read'],
  leaseOutput: ['onchain:write'],
  releaseOutput: ['onchain:write'],
  bumpFee: ['onchain:write'],
  estimateFee: ['onchain:read'],
  openChannel: ['onchain:write', 'offchain:write'],
  closeChannel: ['onchain:write', 'offchain:write'],
  channelEvents: ['offchain:read'],
  peerEvents: ['peers:read'],
  customMessages: ['offchain:read'],
  transactions: ['onchain:read'],
  invoice: ['invoices:read'],
  htlcEvents: ['offchain:read'],
  blocks: ['onchain:read'],
  htlcInterceptor: ['offchain:write'],
}

function allows(permissions: readonly Permission[], method: Method): boolean {
  const has = (entity: string, action: string) =>
    permissions.some((permission) => permission.entity === entity && permission.actions.includes(action))
  if (has('uri', `/${METHODS[method]}`)) return true
  return KINDS[method].every((kind) => {
    const [entity = '', action = ''] = kind.split(':')
    return has(entity, action)
  })
}

const DENIED = /permission denied|unknown permissions|verification failed|cannot get macaroon|caveat/i
/** A subscription that lnd allows says nothing until something happens; one that it forbids ends at once. */
const STREAM_PROBE_MS = 1_000

async function isDenied(lnd: Connection, method: Method, signal: AbortSignal): Promise<boolean> {
  try {
    if (isIn(STREAMS, method)) await probeStream(lnd, method, signal)
    else if (isIn(UNARY, method)) await lnd.unary(method, UNARY_PROBES[method] ?? {}, signal)
    return false
  } catch (error) {
    if (refusedWith(error, DENIED)) return true
    if (refusedWith(error, /./)) return false
    throw error
  }
}

function isIn<T extends object>(table: T, method: Method): method is keyof T & Method {
  return method in table
}

/** Requests that lnd cannot carry out. What is not listed takes an empty request, which reads, or is refused. */
const UNARY_PROBES: Partial<Record<UnaryMethod, object>> = {
  disconnectPeer: { pub_key: '00' },
  // Not a key: refused before lnd reads any channel. It would read all, for as long as payments may be held.
  listChannels: { peer: Buffer.from([0]) },
  getTransactions: { max_transactions: 1 },
  forwardingHistory: { num_max_events: 1 },
  // A kind that lnd makes no new addresses of.
  nextAddress: { type: 'HYBRID_NESTED_WITNESS_PUBKEY_HASH' },
  // Block height 1 is outside the range of aliases.
  addAliases: { alias_maps: [{ base_scid: `${1n << 40n}`, aliases: [`${1n << 40n}`] }] },
  estimateFee: { conf_target: 6 },
}

async function probeStream(lnd: Connection, method: StreamMethod, signal: AbortSignal): Promise<void> {
  // Not AbortSignal.timeout within AbortSignal.any: Node 20 collects that timeout, and the wait never ends.
  const stop = childOf(signal)
  const enough = () => stop.abort()
  const late = systemClock.sleep(STREAM_PROBE_MS, stop.signal).then(enough, enough)
  try {
    await listen(lnd.stream(method, {}), { name: method, onEvent: enough, signal: stop.signal })
  } finally {
    enough()
    await late
  }
}
