import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import type { Invoice, OnEvent } from '../../../src/lnd/port.ts'
import { InvoiceWatch } from '../../../src/orders/invoice-watch.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'

const HASH = 'ab'.repeat(32)
const invoice = (state: Invoice['state']): Invoice => ({
  paymentHash: HASH,
  state,
  amount: msat(1n),
  paid: msat(0n),
  htlcs: [],
})

type Stream = { readonly hash: string; readonly tell: OnEvent<Invoice>; readonly end: (error?: Error) => void }

function setUp() {
  const clock = new ManualClock()
  const streams: Stream[] = []
  let open = 0
  const heard: string[] = []
  const watch = new InvoiceWatch({
    lnd: {
      subscribeInvoice: (hash, tell, signal) => {
        open += 1
        const ended = new Promise<void>((resolve, reject) => {
          streams.push({ hash, tell, end: (error) => (error === undefined ? resolve() : reject(error)) })
          signal.addEventListener('abort', () => reject(signal.reason), { once: true })
        })
        return ended.finally(() => {
          open -= 1
        })
      },
    },
    clock,
    log: silentLog,
    onInvoice: (order, { state }) => heard.push(`${order} ${state}`),
  })
  const stopping = new AbortController()
  const running = watch.run(stopping.signal)
  const stop = async () => {
    stopping.abort(new Error('stopping'))
    await running
  }
  return { clock, watch, streams, heard, stop, signal: stopping.signal, open: () => open }
}

describe('hold invoices', () => {
  it('are followed by one stream each, however often it is asked for', async () => {
    const { watch, streams, heard, stop, open } = setUp()
    watch.follow('a', HASH)
    watch.follow('a', HASH)
    watch.follow('b', 'cd'.repeat(32))
    expect(streams.map(({ hash }) => hash)).toEqual([HASH, 'cd'.repeat(32)])
    streams[0]?.tell(invoice('accepted'))
    expect(heard).toEqual(['a accepted'])
    await stop()
    expect(open()).toBe(0)
  })

  it('are followed again when lnd ends a stream, after growing pauses', async () => {
    const { clock, watch, streams, heard, stop } = setUp()
    watch.follow('a', HASH)
    const begun: number[] = []
    for (let failure = 0; failure < 3; failure += 1) {
      const count = streams.length
      streams.at(-1)?.end(new Error('lnd is away'))
      await clock.until(() => streams.length > count, 'another stream', 60_000)
      begun.push(clock.now())
    }
    const pauses = begun.slice(1).map((at, index) => at - (begun[index] ?? 0))
    expect(pauses[1] ?? 0).toBeGreaterThan(pauses[0] ?? 0)
    streams.at(-1)?.tell(invoice('open'))
    expect(heard).toEqual(['a open'])
    await stop()
  })

  it('are not heard of any more once they are forgotten', async () => {
    const { clock, watch, streams, heard, stop, open } = setUp()
    watch.follow('a', HASH)
    watch.forget('a')
    streams[0]?.tell(invoice('accepted'))
    await clock.settle()
    expect(heard).toEqual([])
    expect(open()).toBe(0)
    watch.follow('a', HASH)
    expect(streams).toHaveLength(2)
    await stop()
  })

  it('are not followed after the stop', async () => {
    const { watch, streams, stop } = setUp()
    await stop()
    watch.follow('a', HASH)
    expect(streams).toEqual([])
  })

  it('put no listener of each on the one signal: Node goes through all of them to add one', async () => {
    const { watch, stop, signal, open } = setUp()
    for (let order = 0; order < 100; order += 1) watch.follow(`${order}`, HASH)
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    await stop()
    expect(open()).toBe(0)
  })
})
