import { describe, expect, it } from 'vitest'
import { listen } from '../../../src/lnd/listen.ts'
import { FakeCall } from './fake-call.ts'

function start(onEvent: (event: unknown) => void = () => {}, stop = new AbortController()) {
  const call = new FakeCall()
  const ended = listen<unknown>(call, { name: 'events', onEvent, signal: stop.signal })
  return { call, ended, stop }
}

describe('listening to a stream', () => {
  it('hands on events synchronously, and ends when lnd ends it', async () => {
    const got: unknown[] = []
    const { call, ended } = start((event) => got.push(event))
    call.emit('data', 1)
    expect(got).toEqual([1])
    call.emit('end')

    await expect(ended).resolves.toBeUndefined()
  })

  it('ends when the signal aborts: the call is cancelled and nothing more is handed on', async () => {
    const got: unknown[] = []
    const { call, ended, stop } = start((event) => got.push(event))
    stop.abort()
    call.emit('data', 1)

    await expect(ended).resolves.toBeUndefined()
    expect(call.cancelled).toBe(true)
    expect(got).toEqual([])
  })

  it('cancels the call at once when the signal had aborted before', async () => {
    const stop = new AbortController()
    stop.abort()
    const { call, ended } = start(undefined, stop)

    await expect(ended).resolves.toBeUndefined()
    expect(call.cancelled).toBe(true)
  })

  it('rejects with what lnd said', async () => {
    const { call, ended } = start()
    call.fail(2, 'interceptor already exists')

    await expect(ended).rejects.toMatchObject({
      failure: { code: 'LND_REFUSED', call: 'events', detail: 'interceptor already exists' },
    })
  })

  it('rejects with the error of the handler and cancels the call', async () => {
    const bug = new TypeError('bug')
    const { call, ended } = start(() => {
      throw bug
    })
    call.emit('data', 1)

    await expect(ended).rejects.toBe(bug)
    expect(call.cancelled).toBe(true)
  })
})
