import { describe, expect, it } from 'vitest'
import { SidecarError } from '../../../src/kernel/errors.ts'
import { channelCalls } from '../../../src/lnd/channels.ts'
import type { Connection } from '../../../src/lnd/connect.ts'
import { htlcCalls } from '../../../src/lnd/htlcs.ts'
import type { HtlcOffer, Interceptor } from '../../../src/lnd/port.ts'
import { walletCalls } from '../../../src/lnd/wallet.ts'
import { FakeCall } from './fake-call.ts'

const { signal } = new AbortController()
const OUTPOINT = `${'ab'.repeat(32)}:0`

/** An lnd that answers what the test says; requests are kept. */
function fake(answer: (method: string, request: object) => unknown) {
  const requests: object[] = []
  const streams: FakeCall[] = []
  const open = () => {
    const call = new FakeCall()
    streams.push(call)
    return call
  }
  const lnd = {
    unary: async (method: string, request: object) => {
      requests.push(request)
      return answer(method, request)
    },
    stream: open,
    interceptor: open,
  } as unknown as Connection
  return { lnd, requests, streams }
}

function refuse(detail: string): never {
  throw new SidecarError({ code: 'LND_REFUSED', call: 'call', detail })
}

describe('publishing a transaction', () => {
  const publish = (answer: () => unknown) =>
    walletCalls(fake(answer).lnd).publishTransaction({ raw: '0200', label: 'sluice' }, signal)

  it.each([
    'already in mempool',
    'transaction already exists in blockchain',
    'Transaction outputs already in utxo set',
    'txn-already-known',
    'already have transaction ab',
  ])('has succeeded when the backend says: %s', async (words) => {
    await expect(publish(() => ({ publish_error: words }))).resolves.toBeUndefined()
    await expect(publish(() => refuse(words))).resolves.toBeUndefined()
  })

  it.each(['transaction rejected: output already spent', 'insufficient fee', 'txn-mempool-conflict', 'unexpected EOF'])(
    'has failed when the backend says: %s',
    async (words) => {
      const refusal = { failure: { code: 'LND_REFUSED', detail: words } }

      await expect(publish(() => ({ publish_error: words }))).rejects.toMatchObject(refusal)
      await expect(publish(() => refuse(words))).rejects.toMatchObject(refusal)
    },
  )
})

describe('the wallet', () => {
  it('funds with our lock: id, seconds and confirmations, and no change type of its own', async () => {
    const { lnd, requests } = fake(() => ({ funded_psbt: Buffer.from('funded') }))
    const request = { template: 'cHNidA==', satPerVbyte: 2, lockId: 'cd'.repeat(32), lockSeconds: 600, minConfs: 1 }

    expect(await walletCalls(lnd).fundPsbt(request, signal)).toBe(Buffer.from('funded').toString('base64'))
    expect(requests).toEqual([
      {
        psbt: Buffer.from('psbt'),
        sat_per_vbyte: '2',
        min_confs: 1,
        custom_lock_id: Buffer.alloc(32, 0xcd),
        lock_expiration_seconds: '600',
      },
    ])
  })

  it('does not know a transaction that it never saw, and says when it could not look', async () => {
    const confirmations = (answer: () => unknown) =>
      walletCalls(fake(answer).lnd).confirmations('ab'.repeat(32), signal)

    expect(await confirmations(() => ({ num_confirmations: 0 }))).toBe(0)
    expect(await confirmations(() => refuse('can not find transaction: txid ab'))).toBeUndefined()
    await expect(confirmations(() => refuse('permission denied'))).rejects.toMatchObject({
      failure: { detail: 'permission denied' },
    })
  })

  it('gives a transaction of the wallet as it was published', async () => {
    const raw = (answer: () => unknown) => walletCalls(fake(answer).lnd).rawTransaction('ab'.repeat(32), signal)

    expect(await raw(() => ({ num_confirmations: 3, raw_tx_hex: '0200' }))).toBe('0200')
    expect(await raw(() => refuse('can not find transaction: txid ab'))).toBeUndefined()
    await expect(raw(() => refuse('permission denied'))).rejects.toMatchObject({
      failure: { detail: 'permission denied' },
    })
  })

  it('has nothing to release of a spent output, and keeps the lock of another', async () => {
    const release = (words: string) =>
      walletCalls(fake(() => refuse(words)).lnd).releaseOutput({ id: 'cd'.repeat(32), outpoint: OUTPOINT }, signal)

    await expect(release('unknown output')).resolves.toBeUndefined()
    await expect(release('output unlock not alowed')).rejects.toMatchObject({ failure: { code: 'LND_REFUSED' } })
  })
})

describe('the forwarding history', () => {
  it('keeps only the rows that are wanted', async () => {
    const rows = ['2', '3', '2'].map((chan_id_out) => ({
      timestamp_ns: '0',
      chan_id_in: '1',
      chan_id_out,
      amt_in_msat: '1',
      amt_out_msat: '1',
      fee_msat: '0',
      incoming_htlc_id: '0',
    }))
    const { lnd } = fake(() => ({ forwarding_events: rows, last_offset_index: 3 }))
    const wanted = ({ outgoingChannel }: { readonly outgoingChannel: bigint }) => outgoingChannel === 2n

    expect(await channelCalls(lnd).forwardingHistory({ sinceSeconds: 0, wanted }, signal)).toHaveLength(2)
  })

  it('is read page by page to its end', async () => {
    const row = {
      timestamp_ns: '0',
      chan_id_in: '1',
      chan_id_out: '2',
      amt_in_msat: '1',
      amt_out_msat: '1',
      fee_msat: '0',
      incoming_htlc_id: '0',
    }
    const sizes = [10_000, 10_000, 3]
    const { lnd, requests } = fake((_, request) => {
      const { index_offset: offset } = request as { readonly index_offset: number }
      const size = sizes[offset / 10_000] ?? 0
      return { forwarding_events: Array.from({ length: size }, () => row), last_offset_index: offset + size }
    })

    expect(await channelCalls(lnd).forwardingHistory({ sinceSeconds: 7 }, signal)).toHaveLength(20_003)
    expect(requests).toEqual(
      [0, 10_000, 20_000].map((offset) => ({ start_time: '7', index_offset: offset, num_max_events: 10_000 })),
    )
  })
})

describe('the interceptor', () => {
  const offer = {
    incoming_circuit_key: { chan_id: '1', htlc_id: '2' },
    incoming_amount_msat: '1000',
    incoming_expiry: 700,
    payment_hash: Buffer.alloc(32),
    outgoing_requested_chan_id: '1',
    outgoing_amount_msat: '1000',
    outgoing_expiry: 600,
    auto_fail_height: 681,
  }

  it('writes its answers to the stream that offered, and none after that has ended', async () => {
    const { lnd, streams } = fake(() => ({}))
    const seen: { readonly offer: HtlcOffer; readonly stream: Interceptor }[] = []
    const ended = htlcCalls(lnd).interceptHtlcs((next, stream) => seen.push({ offer: next, stream }), signal)
    const [call] = streams
    call?.emit('data', offer)
    call?.emit('data', { ...offer, incoming_circuit_key: { chan_id: '1', htlc_id: '3' } })
    seen[0]?.stream.answer('1:2', { type: 'resume' })
    call?.fail(14, 'gone')
    await expect(ended).rejects.toMatchObject({ failure: { code: 'LND_UNAVAILABLE', call: 'interceptHtlcs' } })
    seen[1]?.stream.answer('1:3', { type: 'resume' })

    expect(call?.written).toEqual([{ incoming_circuit_key: { chan_id: '1', htlc_id: '2' }, action: 'RESUME' }])
  })

  it('writes nothing from the moment on in which the daemon stops', async () => {
    const { lnd, streams } = fake(() => ({}))
    const stop = new AbortController()
    const seen: Interceptor[] = []
    const ended = htlcCalls(lnd).interceptHtlcs((_, stream) => seen.push(stream), stop.signal)
    streams[0]?.emit('data', offer)
    stop.abort()
    seen[0]?.answer('1:2', { type: 'fail' })

    await expect(ended).resolves.toBeUndefined()
    expect(streams[0]?.written).toEqual([])
  })

  it('is not attached at all when the daemon has stopped: lnd would release what it holds', async () => {
    const { lnd, streams } = fake(() => ({}))
    const stop = new AbortController()
    stop.abort()

    await expect(htlcCalls(lnd).interceptHtlcs(() => undefined, stop.signal)).resolves.toBeUndefined()
    expect(streams).toEqual([])
  })
})
