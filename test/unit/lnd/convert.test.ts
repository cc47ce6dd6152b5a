import { describe, expect, it } from 'vitest'
import {
  fromRawOutpoint,
  toAlias,
  toChannel,
  toChannelEvent,
  toClosedChannel,
  toForward,
  toFundingTemplate,
  toLease,
  toNodeInfo,
  toPeer,
  toPendingChannels,
  toRawOutpoint,
  toReceipts,
  toSat,
  toSatPerVbyte,
  txidFromBytes,
} from '../../../src/lnd/convert.ts'
import type { RawChannel, RawForward, RawTransaction } from '../../../src/lnd/raw.ts'

const NODE = `02${'ab'.repeat(32)}`
const TXID = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'
const TXID_BYTES = Buffer.from(TXID, 'hex').reverse()

const channel: RawChannel = {
  active: true,
  private: true,
  initiator: true,
  remote_pubkey: NODE,
  channel_point: `${TXID}:1`,
  chan_id: '17592186044416000003',
  capacity: '200000',
  local_balance: '150000',
  remote_balance: '49056',
  total_satoshis_sent: '49056',
  total_satoshis_received: '7',
  lifetime: '600',
  uptime: '540',
  memo: 'sluice1:jit',
  pending_htlcs: [],
  commit_fee: '2810',
  fee_per_kw: '2500',
  local_constraints: { chan_reserve_sat: '2000', max_pending_amt_msat: '198000000', max_accepted_htlcs: 483 },
}
const htlc = {
  incoming: true,
  amount: '21',
  hash_lock: Buffer.alloc(32, 7),
  expiration_height: 600,
  htlc_index: '9007199254740993',
  forwarding_channel: '0',
  forwarding_htlc_index: '0',
}

describe('what lnd says about itself', () => {
  it('is read without the commit in the version', () => {
    const info = toNodeInfo({
      identity_pubkey: NODE.toUpperCase(),
      alias: 'lsp',
      version: '0.21.3-beta commit=v0.21.3-beta',
      block_height: 460,
      synced_to_chain: true,
      require_htlc_interceptor: true,
      chains: [{ network: 'regtest' }],
      features: { 47: {}, 51: {}, 729: {} },
      uris: [`${NODE}@203.0.113.5:9735`],
    })

    expect(info).toEqual({
      nodeId: NODE,
      alias: 'lsp',
      version: '0.21.3-beta',
      network: 'regtest',
      blockHeight: 460,
      syncedToChain: true,
      requireInterceptor: true,
      features: [47, 51, 729],
      uris: [`${NODE}@203.0.113.5:9735`],
    })
  })
})

describe('transaction ids and outpoints', () => {
  it('are turned from the order of the bytes to that of block explorers', () => {
    expect(txidFromBytes(TXID_BYTES)).toBe(TXID)
    expect(TXID_BYTES[0]).toBe(0x1f)
  })

  it('go both ways', () => {
    expect(toRawOutpoint(`${TXID}:7`)).toEqual({ txid_str: TXID, output_index: 7 })
    expect(fromRawOutpoint({ txid_str: TXID, txid_bytes: Buffer.alloc(0), output_index: 7 })).toBe(`${TXID}:7`)
    expect(fromRawOutpoint({ txid_str: '', txid_bytes: TXID_BYTES, output_index: 7 })).toBe(`${TXID}:7`)
  })

  it('are refused when they are something else', () => {
    expect(() => toRawOutpoint('deadbeef')).toThrow('deadbeef is not an outpoint')
  })
})

describe('a channel', () => {
  it('keeps 64-bit numbers whole', () => {
    expect(toChannel(channel)).toEqual({
      peer: NODE,
      outpoint: `${TXID}:1`,
      chanId: 17592186044416000003n,
      active: true,
      private: true,
      initiator: true,
      capacity: 200_000n,
      localBalance: 150_000n,
      remoteBalance: 49_056n,
      sendable: 144_330_000n,
      totalSent: 49_056n,
      totalReceived: 7n,
      lifetimeSeconds: 600,
      uptimeSeconds: 540,
      memo: 'sluice1:jit',
      pendingHtlcs: [],
    })
  })

  it('shows where an incoming HTLC was forwarded to, and only that', () => {
    const forwarded = { ...htlc, forwarding_channel: '17592186044416000003', forwarding_htlc_index: '0' }
    const { pendingHtlcs } = toChannel({
      ...channel,
      pending_htlcs: [htlc, forwarded, { ...forwarded, incoming: false }],
    })

    expect(pendingHtlcs).toEqual([
      {
        incoming: true,
        htlcIndex: 9007199254740993n,
        amount: 21_000n,
        expiryHeight: 600,
        paymentHash: '07'.repeat(32),
      },
      expect.objectContaining({ forwardedTo: { channel: 17592186044416000003n, htlcIndex: 0n } }),
      expect.not.objectContaining({ forwardedTo: expect.anything() }),
    ])
  })

  it('has no negative balance', () => {
    expect(toSat('-330')).toBe(0n)
  })
})

describe('a peer', () => {
  it('comes with the bits of its init message', () => {
    const raw = { pub_key: NODE, inbound: true, features: () => [19, 729] }

    expect(toPeer(raw)).toEqual({ nodeId: NODE, inbound: true, features: [19, 729] })
  })
})

describe('a closed channel', () => {
  const closed = { remote_pubkey: NODE, channel_point: `${TXID}:1` }

  it('says how it ended and who began it', () => {
    expect(
      toClosedChannel({ ...closed, close_type: 'REMOTE_FORCE_CLOSE', close_initiator: 'INITIATOR_REMOTE' }),
    ).toEqual({ peer: NODE, outpoint: `${TXID}:1`, closeType: 'remote_force', initiator: 'remote' })
    expect(
      toClosedChannel({ ...closed, close_type: 'FUNDING_CANCELED', close_initiator: 'INITIATOR_UNKNOWN' }),
    ).toMatchObject({ closeType: 'funding_canceled', initiator: 'unknown' })
  })

  it('is not taken for another kind when lnd has a new one', () => {
    const odd = { ...closed, close_type: 'SPLICED', close_initiator: 'INITIATOR_LOCAL' }

    expect(() => toClosedChannel(odd)).toThrow('lnd sent SPLICED')
  })
})

describe('receipts', () => {
  const output = { address: 'bcrt1ours', output_index: '1', amount: '5000', is_our_address: true }
  const transaction: RawTransaction = {
    tx_hash: TXID,
    num_confirmations: 2,
    total_fees: '0',
    previous_outpoints: [],
    raw_tx_hex: '0200',
    label: '',
    output_details: [
      { ...output, address: 'bcrt1theirs', output_index: '0', is_our_address: false },
      output,
      { ...output, address: 'bcrt1change', output_index: '2' },
    ],
  }

  it('are the outputs at addresses of the wallet that are wanted', () => {
    expect(toReceipts(transaction, (address) => address !== 'bcrt1change')).toEqual([
      { outpoint: `${TXID}:1`, address: 'bcrt1ours', amount: 5_000n, confirmations: 2, rawTx: '0200' },
    ])
  })

  it('are never outputs of another wallet, whatever is wanted', () => {
    expect(toReceipts(transaction, () => true).map(({ address }) => address)).toEqual(['bcrt1ours', 'bcrt1change'])
  })
})

describe('pending channels', () => {
  it('come from all four lists, each with its stage', () => {
    const entry = (index: number) => ({
      channel: { remote_node_pub: NODE, channel_point: `${TXID}:${index}`, memo: `m${index}` },
    })
    const found = toPendingChannels({
      pending_open_channels: [entry(0)],
      pending_closing_channels: [entry(1)],
      pending_force_closing_channels: [entry(2)],
      waiting_close_channels: [
        { ...entry(3), closing_tx_hex: '0200' },
        { ...entry(4), closing_tx_hex: '' },
      ],
    })

    expect(found.map(({ stage }) => stage)).toEqual(['opening', 'closing', 'closing', 'closing', 'closing'])
    expect(found.map(({ memo }) => memo)).toEqual(['m0', 'm1', 'm2', 'm3', 'm4'])
    expect(found.map(({ closingTx }) => closingTx)).toEqual([undefined, undefined, undefined, '0200', undefined])
  })
})

describe('a channel event', () => {
  it('names its channel, in whichever of its forms lnd does', () => {
    const bytes = { funding_txid: 'funding_txid_bytes', funding_txid_bytes: TXID_BYTES, output_index: 1 } as const
    const text = { funding_txid: 'funding_txid_str', funding_txid_str: TXID, output_index: 1 } as const
    const outpoint = `${TXID}:1`

    expect(
      toChannelEvent({ type: 'PENDING_OPEN_CHANNEL', pending_open_channel: { txid: TXID_BYTES, output_index: 1 } }),
    ).toEqual({ type: 'pending', outpoint })
    expect(toChannelEvent({ type: 'OPEN_CHANNEL', open_channel: channel })).toEqual({ type: 'open', outpoint })
    expect(toChannelEvent({ type: 'ACTIVE_CHANNEL', active_channel: bytes })).toEqual({ type: 'active', outpoint })
    expect(toChannelEvent({ type: 'INACTIVE_CHANNEL', inactive_channel: text })).toEqual({ type: 'inactive', outpoint })
    expect(toChannelEvent({ type: 'CLOSED_CHANNEL', closed_channel: channel })).toEqual({ type: 'closed', outpoint })
  })

  it('is left out when nobody waits for its kind', () => {
    expect(toChannelEvent({ type: 'CHANNEL_UPDATE' })).toBeUndefined()
    expect(toChannelEvent({ type: 'FULLY_RESOLVED_CHANNEL' })).toBeUndefined()
  })
})

describe('a row of the forwarding history', () => {
  const row: RawForward = {
    timestamp_ns: '1893456000123456789',
    chan_id_in: '1',
    chan_id_out: '2',
    amt_in_msat: '1000000',
    amt_out_msat: '454000',
    fee_msat: '546000',
    incoming_htlc_id: '0',
  }

  it('has its time in milliseconds and its circuit when lnd knows it', () => {
    expect(toForward({ ...row, _incoming_htlc_id: 'incoming_htlc_id' })).toEqual({
      circuit: '1:0',
      incomingChannel: 1n,
      outgoingChannel: 2n,
      amountIn: 1_000_000n,
      amountOut: 454_000n,
      fee: 546_000n,
      at: 1_893_456_000_123,
    })
  })

  it('has no circuit when lnd does not know it: the default 0 is no number of an HTLC', () => {
    expect(toForward(row).circuit).toBeUndefined()
  })
})

describe('wallet answers', () => {
  it('become a lease, an alias and a funding template', () => {
    expect(
      toLease({ id: Buffer.alloc(32, 1), outpoint: { txid_str: TXID, txid_bytes: TXID_BYTES, output_index: 0 } }),
    ).toEqual({ id: '01'.repeat(32), outpoint: `${TXID}:0` })
    expect(toAlias({ base_scid: '17592186044416000003', aliases: ['17592186044416000003', '1'] })).toEqual({
      base: 17592186044416000003n,
      aliases: [17592186044416000003n, 1n],
    })
    expect(
      toFundingTemplate({ psbt: Buffer.from('psbt'), funding_amount: '200000', funding_address: 'bcrt1' }),
    ).toEqual({ template: 'cHNidA==', amount: 200_000n, address: 'bcrt1' })
  })

  it('give feerates per virtual byte, rounded up and never below 1', () => {
    expect(['250', '251', '253', '500', '0', '6250'].map(toSatPerVbyte)).toEqual([1, 2, 2, 2, 1, 25])
  })
})
