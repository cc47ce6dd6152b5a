import { parentPort } from 'node:worker_threads'

/** The key of the simulated node, in a thread of its own: lnd signs in a process of its own. */

const { signMessage } = await import(new URL('../../dist/lsps/base/ln-signature.js', import.meta.url).href)
const secretKey = new Uint8Array(32).fill(7)
const encoder = new TextEncoder()

parentPort.on('message', ({ number, text }) => {
  parentPort.postMessage({ number, signature: signMessage(encoder.encode(text), secretKey) })
})
