import { describe, expect, it } from 'vitest'
import { sat } from '../../../lsps/base/amount.ts'
import type { NodeId } from '../../../lsps/base/node-id.ts'
import type { Connection } from '../../../src/lnd/connect.ts'
import { openChannel } from '../../../src/lnd/open.ts'
import type { OpenRequest } from '../../../src/lnd/port.ts'
import { FakeCall } from './fake-call.ts'

const PEER = `02${'ab'.repeat(32)}` as NodeId
const PENDING_ID = 'cd'.repeat(32)
const TXID = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'
const TEMPLATE = { funding_address: 'bcrt1', funding_amount: '200000', psbt: Buffer.from('psbt') }

function open(stop = new AbortController(), more: Partial<OpenRequest> = {}) {
  const call = new FakeCall()
  const requests: object[] = []
  const lnd = {
    stream: (_: string, request: object) => {
      requests.push(request)
      return call
    },
  } as unknown as Connection
  const request = {
    peer: PEER,
    capacity: sat(200_000n),
    pendingChannelId: PENDING_ID,
    memo: 'sluice1:jit',
    private: true,
    zeroConf: true,
    scidAlias: true,
    ...more,
  }
  return { attempt: openChannel(lnd, request, stop.signal), call, requests, stop }
}

describe('opening a channel', () => {
  it('[L2-81] [L2-113] asks for the shim of funding.md, without fees and without any field about chain fees', () => {
    const { requests } = open(undefined, { maxLocalCsv: 2016 })

    expect(requests).toEqual([
      {
        node_pubkey: Buffer.from(PEER, 'hex'),
        local_funding_amount: '200000',
        private: true,
        commitment_type: 'ANCHORS',
        zero_conf: true,
        scid_alias: true,
        use_base_fee: true,
        base_fee: '0',
        use_fee_rate: true,
        fee_rate: '0',
        min_htlc_msat: '1',
        memo: 'sluice1:jit',
        max_local_csv: '2016',
        funding_shim: { psbt_shim: { pending_chan_id: Buffer.from(PENDING_ID, 'hex'), no_publish: true } },
      },
    ])
  })

  it('pushes and announces when the order says so', () => {
    const { requests } = open(undefined, { push: sat(5_000n), private: false, zeroConf: false, scidAlias: false })

    expect(requests[0]).toMatchObject({ push_sat: '5000', private: false, zero_conf: false, scid_alias: false })
  })

  it('tells the template and then the outpoint', async () => {
    const { attempt, call } = open()
    call.emit('data', { psbt_fund: TEMPLATE })
    call.emit('data', { chan_pending: { txid: Buffer.from(TXID, 'hex').reverse(), output_index: 1 } })

    expect(await attempt.template).toEqual({ template: 'cHNidA==', amount: 200_000n, address: 'bcrt1' })
    expect(await attempt.pending).toBe(`${TXID}:1`)
  })

  it('fails both with the words of lnd when the peer refuses', async () => {
    const { attempt, call } = open()
    call.fail(2, 'zero-conf not trusted')
    const refusal = { failure: { code: 'LND_REFUSED', call: 'openChannel', detail: 'zero-conf not trusted' } }

    await expect(attempt.template).rejects.toMatchObject(refusal)
    await expect(attempt.pending).rejects.toMatchObject(refusal)
  })

  it('leaves open what became of it when the stream ends or the caller gives up', async () => {
    const ended = open()
    ended.call.emit('data', { psbt_fund: TEMPLATE })
    ended.call.emit('end')
    const aborted = open()
    aborted.stop.abort()
    const unknown = { failure: { code: 'LND_UNAVAILABLE' } }

    await expect(ended.attempt.template).resolves.toBeDefined()
    await expect(ended.attempt.pending).rejects.toMatchObject(unknown)
    await expect(aborted.attempt.pending).rejects.toMatchObject(unknown)
    expect(aborted.call.cancelled).toBe(true)
  })

  it('is not started once the caller has given up', async () => {
    const stop = new AbortController()
    stop.abort()
    const { attempt, requests } = open(stop)

    await expect(attempt.template).rejects.toMatchObject({ failure: { code: 'LND_UNAVAILABLE' } })
    expect(requests).toEqual([])
  })

  it('stops listening on our side only, and keeps what was told', async () => {
    const { attempt, call } = open()
    call.emit('data', { psbt_fund: TEMPLATE })
    call.emit('data', { chan_pending: { txid: Buffer.from(TXID, 'hex').reverse(), output_index: 0 } })
    attempt.detach()

    expect(call.cancelled).toBe(true)
    expect(await attempt.pending).toBe(`${TXID}:0`)
  })

  it('rejects nothing that nobody looks at', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', note)
    try {
      const { attempt } = open()
      attempt.detach()
      await new Promise((resolve) => setImmediate(resolve))
    } finally {
      process.off('unhandledRejection', note)
    }

    expect(unhandled).toEqual([])
  })
})
