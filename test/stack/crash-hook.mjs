import { appendFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Level } from 'level'

/**
 * Loaded into sluiced by `node --import` (see `crash-points.ts`): kills processes with SIGKILL right before or right
 * after the first synced write that holds a given record, right before a call to lnd is sent or when its answer is
 * there, or when lnd offers an HTLC. The product knows nothing of it.
 */
const point = JSON.parse(process.env.SLUICE_CRASH_POINT ?? 'null')

let reached = false

function kill() {
  reached = true
  appendFileSync(point.file, `${new Date().toISOString()} ${JSON.stringify(point)}\n`)
  for (const victim of point.victims) process.kill(victim === 'sluiced' ? process.pid : victim, 'SIGKILL')
}

function watchWrites() {
  const pattern = new RegExp(point.record)
  const prefix = `${point.table}\u0000`
  const { batch } = Level.prototype
  Level.prototype.batch = function watched(...operations) {
    if (operations.length > 0) throw new Error('the crash hook only knows chained batches')
    const chained = batch.call(this)
    let holdsIt = false
    const { put, write } = chained
    chained.put = (key, value) => {
      holdsIt ||= key.startsWith(prefix) && pattern.test(value)
      return put.call(chained, key, value)
    }
    chained.write = async (options) => {
      const here = holdsIt && !reached && options?.sync === true
      if (here && point.when === 'before') kill()
      await write.call(chained, options)
      if (here && point.when === 'after') kill()
    }
    return chained
  }
}

/** Requests that hold nothing only ask, at the start, whether sluiced may call that at all. */
function watchCalls() {
  const { Channel } = createRequire(import.meta.url)('@grpc/grpc-js')
  const { createCall } = Channel.prototype
  Channel.prototype.createCall = function watched(path, ...rest) {
    const call = createCall.call(this, path, ...rest)
    if (path !== point.path) return call
    const start = call.start.bind(call)
    const send = call.sendMessageWithContext.bind(call)
    let asks = false
    call.start = (metadata, listener) => {
      const onReceiveMessage = (message) => {
        if (asks && point.when === 'answered' && !reached) kill()
        listener.onReceiveMessage(message)
      }
      start(metadata, { ...listener, onReceiveMessage })
    }
    call.sendMessageWithContext = (context, message) => {
      asks = message.length > 0
      if (asks && point.when === 'calling' && !reached) kill()
      send(context, message)
    }
    return call
  }
}

function watchOffers() {
  const { Client } = createRequire(import.meta.url)('@grpc/grpc-js')
  const { makeBidiStreamRequest } = Client.prototype
  Client.prototype.makeBidiStreamRequest = function watched(...call) {
    const stream = makeBidiStreamRequest.apply(this, call)
    stream.on('data', () => {
      if (!reached) kill()
    })
    return stream
  }
}

if (point?.when === 'offered') watchOffers()
else if (point?.path !== undefined) watchCalls()
else if (point !== null) watchWrites()
