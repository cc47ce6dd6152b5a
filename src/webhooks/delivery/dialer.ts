import { connect, type Socket } from 'node:net'
import type { SafeAddress } from './addresses.ts'

declare const brand: unique symbol

/** The host of the proxy that the operator configured, an address or a name: the only thing that is dialed unchecked. */
export type ProxyHost = string & { readonly [brand]: 'proxy-host' }

export type Endpoint = { readonly host: SafeAddress | ProxyHost; readonly port: number }

/** Opens a TCP connection; rejects with the reason of the signal when that aborts first. */
export type Dial = (to: Endpoint, signal: AbortSignal) => Promise<Socket>

export const dial: Dial = ({ host, port }, signal) =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const socket = connect({ host, port, noDelay: true })
    const onAbort = () => {
      socket.destroy()
      reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    // Stays for good: between two owners nobody else listens, and an error that nobody hears ends the process.
    socket.on('error', reject)
    socket.once('close', () => signal.removeEventListener('abort', onAbort))
    socket.once('connect', () => {
      signal.removeEventListener('abort', onAbort)
      resolve(socket)
    })
  })
