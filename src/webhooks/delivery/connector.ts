import type { Socket } from 'node:net'
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls'
import type { Clock } from '../../../lsps/base/clock.ts'
import { type AddressRules, judgeAddress, type SafeAddress } from './addresses.ts'
import type { Dial } from './dialer.ts'
import { reasonOf, Undelivered } from './outcome.ts'
import type { Resolve } from './resolver.ts'
import { stage } from './stage.ts'
import type { Target } from './target.ts'
import { type HttpProxy, openTunnel } from './tunnel.ts'

/** From the name to the end of the TLS handshake. */
export const CONNECT_MS = 4_000
/** For one of several addresses, so that a dead one leaves time for the next. */
const DIAL_MS = 1_500
/** Addresses of one host that are tried. All of them are checked. */
const MAX_DIALED = 3

export type ConnectorDeps = {
  readonly resolve: Resolve
  readonly dial: Dial
  readonly clock: Clock
  /** Asked for each connection: the addresses of a machine change. */
  readonly rules: () => AddressRules
  readonly context: SecureContext
  readonly proxy: HttpProxy | undefined
}

/**
 * A connection for one target, encrypted and with its certificate checked. Its name is resolved once; every address is
 * judged; what is dialed is an address that was judged, never a name: what the name means a moment later is of no
 * interest (DNS rebinding).
 * @throws Undelivered, or the reason of the signal
 */
export function openConnection(target: Target, deps: ConnectorDeps, signal: AbortSignal): Promise<TLSSocket> {
  const late = new Undelivered('unreachable', `not connected within ${CONNECT_MS} ms`)
  return stage(
    async (connecting) => {
      const socket = await reach(target, deps, connecting)
      return await encrypt(socket, target, { context: deps.context, signal: connecting })
    },
    { ms: CONNECT_MS, late, clock: deps.clock, signal },
  )
}

async function reach(target: Target, deps: ConnectorDeps, signal: AbortSignal): Promise<Socket> {
  const { proxy, dial } = deps
  if (proxy !== undefined) return await openTunnel(target, { proxy, dial, signal })
  const addresses = await safeAddresses(target, deps, signal)
  signal.throwIfAborted()
  return await dialFirst(addresses.slice(0, MAX_DIALED), target.port, deps, signal)
}

/** One that is refused refuses them all: no honest host has such an address beside a public one. */
async function safeAddresses(
  target: Target,
  { resolve, rules }: ConnectorDeps,
  signal: AbortSignal,
): Promise<readonly SafeAddress[]> {
  const found = target.hostKind === 'address' ? [target.host] : await resolve(target.host, signal).catch(unresolved)
  if (found.length === 0) throw new Undelivered('unresolved', 'its host has no address')
  const current = rules()
  return found.map((address) => {
    const judged = judgeAddress(address, current)
    if ('refused' in judged) throw new Undelivered('refused', `its host leads to ${address} (${judged.refused})`)
    return judged.safe
  })
}

function unresolved(error: unknown): never {
  throw new Undelivered('unresolved', `its host has no address: ${reasonOf(error)}`, error)
}

async function dialFirst(
  addresses: readonly SafeAddress[],
  port: number,
  { dial, clock }: ConnectorDeps,
  signal: AbortSignal,
): Promise<Socket> {
  let failed = new Undelivered('unreachable', 'no address was tried')
  for (const host of addresses) {
    const late = new Undelivered('unreachable', `${host} did not answer`)
    try {
      return await stage((dialing) => dial({ host, port }, dialing), { ms: DIAL_MS, late, clock, signal })
    } catch (error) {
      if (signal.aborted) throw error
      failed =
        error instanceof Undelivered ? error : new Undelivered('unreachable', `${host}: ${reasonOf(error)}`, error)
    }
  }
  throw failed
}

function encrypt(
  socket: Socket,
  { host, hostKind }: Target,
  { context, signal }: { readonly context: SecureContext; readonly signal: AbortSignal },
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const encrypted = connectTls({
      socket,
      secureContext: context,
      rejectUnauthorized: true, // said, because the environment can change what is left out
      ALPNProtocols: ['http/1.1'],
      ...(hostKind === 'name' ? { servername: host } : { host }),
    })
    const fail = (error: unknown) => {
      encrypted.destroy()
      socket.destroy()
      reject(signal.aborted ? signal.reason : new Undelivered('tls', `no TLS with it: ${reasonOf(error)}`, error))
    }
    const onAbort = () => fail(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    encrypted.on('error', fail)
    encrypted.once('close', () => {
      signal.removeEventListener('abort', onAbort)
      fail(undefined) // nothing any more, once it was secure
    })
    encrypted.once('secureConnect', () => {
      signal.removeEventListener('abort', onAbort)
      resolve(encrypted)
    })
  })
}
