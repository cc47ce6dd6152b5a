import { expect } from 'vitest'
import { scidToNumber } from '../../lsps/base/scid.ts'
import type { FlightRecord } from '../../src/admin/schema.ts'
import { FINAL_CONFIRMATIONS } from '../../src/funding/follow.ts'
import type { Wallet } from './ldk/wallet.ts'
import type { Lnd } from './lnd.ts'
import type { Network } from './network.ts'
import type { Purchase } from './purchase.ts'
import type { Sluiced } from './sluiced.ts'
import { waitFor } from './wait.ts'

/** Blocks mined beyond those that make a funding final, for what sluiced misses of one. */
const MORE_BLOCKS = 2
const BLOCK_MS = 3_000
const CONFIRMED_MS = 60_000

/** What every sale that was paid has gone through, each once. */
const FLIGHT = [
  'sold',
  'payment held',
  'channel active',
  'alias bound',
  'payment settled, fee earned',
  'funding published',
  'funding confirmed',
]
/** Said of a payment that failed; the sale then waits for the next one. */
const FAILED = [
  'channel refused',
  'payment gone from lnd',
  'payment held long enough',
  'payment failed by the client or on the way to it',
]
/** Said of each HTLC beside the first one that was held, and the last one that settled. */
const FURTHER_PART = ['part of a payment held', 'part of a payment settled']
/** A machine under load can lose the wallet's connection for a moment. */
const RECONNECTED = 'client came back'

export type Scene = {
  readonly network: Network
  readonly sluiced: Sluiced
  readonly wallet: Wallet
  readonly bought: Purchase
  /** In how many HTLCs the payment came. Default: one. */
  readonly parts?: number
}

type RawChannel = { readonly channel_point: string; readonly chan_id: string; readonly memo: string }

export async function channelsTo(node: Lnd, peer: string): Promise<readonly RawChannel[]> {
  const answer = await node.call<{ channels: RawChannel[] }>('default', 'listChannels', {
    peer: Buffer.from(peer, 'hex'),
  })
  return answer.channels
}

/** Outputs of the wallet that are locked for somebody. */
export async function leases(node: Lnd): Promise<readonly object[]> {
  return (await node.call<{ locked_utxos: object[] }>('wallet', 'listLeases')).locked_utxos
}

/** Resolves when no output of the wallet is locked for anybody. */
export async function waitNoLease(node: Lnd): Promise<void> {
  await waitFor(async () => (await leases(node)).length === 0, {
    deadline: CONFIRMED_MS,
    what: `no coin of ${node.name} to be locked`,
  })
}

async function aliasesOf(node: Lnd, base: string): Promise<readonly string[]> {
  const { alias_maps } = await node.call<{ alias_maps: { base_scid: string; aliases: string[] }[] }>(
    'default',
    'listAliases',
  )
  // The base is the first alias of a zero-conf channel.
  return alias_maps.filter(({ base_scid }) => base_scid === base).flatMap(({ aliases }) => aliases)
}

/**
 * The end that every sale must reach, whatever was killed on the way: one channel, one transaction, one fee, nothing
 * locked, nothing forgotten. Mines the blocks that make its funding final. The sale's record at the end.
 */
export async function expectSold(
  { network, sluiced, wallet, bought, parts = 1 }: Scene,
  earnedBefore: bigint,
): Promise<FlightRecord> {
  const { lsp, btcd } = network
  const sale = await sluiced.waitForSale(bought.scid, 'paid')
  expect(sale).toMatchObject({ fee_msat: `${bought.fee}`, earned_msat: `${bought.fee}` })
  expect(await sluiced.status()).toMatchObject({ earned_msat: `${earnedBefore + bought.fee}` })

  const outpoint = sale.funding_outpoint ?? ''
  const channels = await channelsTo(lsp, wallet.nodeId)
  expect(channels.map(({ channel_point }) => channel_point)).toEqual([outpoint])
  expect(await aliasesOf(lsp, channels[0]?.chan_id ?? '')).toContain(String(scidToNumber(bought.scid)))
  await wallet.waitForUsableChannel()
  expect(wallet.channels().filter(({ usable }) => usable)).toMatchObject([{ outpoint }])

  await network.waitInMempool(sale.funding_txid ?? '')
  expect(await btcd.mempool()).toEqual([sale.funding_txid])
  await confirmFundings(network, sluiced)
  expect(await btcd.mempool()).toEqual([])
  await waitNoLease(lsp)
  await sluiced.waitIdle()

  const record = await sluiced.show(bought.scid)
  expectFlight(record, parts)
  return record
}

/** Mines blocks one by one, so that sluiced sees and answers each. */
export async function mineSeen(network: Network, sluiced: Sluiced, count: number): Promise<void> {
  for (let block = 0; block < count; block += 1) {
    await network.mine(1)
    await sluiced.waitForBlock(await network.btcd.height())
  }
}

/** Mines until all fundings are final for sluiced: what it misses of one block it sees at the next. */
export async function confirmFundings(network: Network, sluiced: Sluiced): Promise<void> {
  const none = async () => Object.keys((await sluiced.status()).funding).length === 0
  const what = 'the funding to be final for sluiced'
  await network.mine(FINAL_CONFIRMATIONS)
  for (let block = 0; block < MORE_BLOCKS; block += 1) {
    if (await waitFor(none, { deadline: BLOCK_MS, what }).catch(() => false)) return
    await network.mine(1)
  }
  await waitFor(none, { deadline: CONFIRMED_MS, what })
}

function expectFlight(record: FlightRecord, parts: number): void {
  const said = record.steps.map(({ what }) => what.replace(', payment forwarded', ''))
  const steps = said.filter((what) => what !== RECONNECTED)
  const failures = steps.filter((what) => FAILED.includes(what)).length
  const heldAgain = Array.from({ length: failures }, () => 'payment held')
  const further = Array.from({ length: parts - 1 }, () => FURTHER_PART).flat()
  const expected = [...FLIGHT, ...further, ...heldAgain]
  expect(steps.filter((what) => !FAILED.includes(what)).sort()).toEqual(expected.sort())
}
