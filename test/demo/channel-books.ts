import { type Cell, formatMsat, formatSat, type Paint, shortOutpoint, table, thousands } from '../../src/cli/format.ts'
import type { OrdersTold } from './order-chapter.ts'
import { EXTENSION_BLOCKS, ORDER } from './order-terms.ts'
import type { ListedChannel, WalletChannel } from './world.ts'

const MSAT_PER_SAT = 1000n

/** One channel as both sides have it. lnd tells whole satoshi, the wallet knows the rest. */
type Pair = {
  readonly outpoint: string
  readonly own: WalletChannel | undefined
  readonly listed: ListedChannel | undefined
}

/** What wallet and node say differently of their channels, in words; empty when they agree to the satoshi. */
export function compareChannels(own: readonly WalletChannel[], listed: readonly ListedChannel[]): readonly string[] {
  return pairsOf(own, listed).flatMap(({ outpoint, own: wallet, listed: node }) => {
    const name = `channel ${shortOutpoint(outpoint)}`
    if (wallet === undefined) return [`${name}: the wallet does not know it`]
    if (node === undefined) return [`${name}: the operator's node does not know it`]
    return [
      ...(wallet.capacity === node.capacity
        ? []
        : [
            `${name}: its size is ${formatSat(`${node.capacity}`)} by the node, ${formatSat(`${wallet.capacity}`)} by the wallet`,
          ]),
      ...(wholeSat(wallet.owned) === node.remoteBalance
        ? []
        : [
            `${name}: the wallet's part is ${formatSat(`${node.remoteBalance}`)} by the node, ` +
              `${formatSat(`${wholeSat(wallet.owned)}`)} by the wallet`,
          ]),
    ]
  })
}

/** How the channel that was bought is not what was ordered, in words; empty when it is. */
export function checkOrdered(
  { outpoint, pushed, before, after }: Pick<OrdersTold, 'outpoint' | 'pushed' | 'before' | 'after'>,
  listed: readonly ListedChannel[],
): readonly string[] {
  const channel = listed.find((one) => one.outpoint === outpoint)
  const size = ORDER.lsp_balance_sat + ORDER.client_balance_sat
  const expected = [
    ['the size of the ordered channel', channel?.capacity ?? 0n, size],
    ["the wallet's part of it at the beginning, in msat", pushed, ORDER.client_balance_sat * MSAT_PER_SAT],
    ['the blocks that it is kept longer', BigInt(after.height - before.height), BigInt(EXTENSION_BLOCKS)],
  ] as const
  return [
    ...expected
      .filter(([, found, wanted]) => found !== wanted)
      .map(([what, found, wanted]) => `${what}: ${thousands(found)} instead of ${thousands(wanted)}`),
    ...(after.time > before.time
      ? []
      : [`the ordered channel is kept until ${after.time}, before it was ${before.time}`]),
  ]
}

/** The wallet's channels below each other, by both sides; what differs stands out. */
export function renderChannels(own: readonly WalletChannel[], listed: readonly ListedChannel[], paint: Paint): string {
  const rows = pairsOf(own, listed).map(({ outpoint, own: wallet, listed: node }): Cell[] => {
    const agrees = wallet !== undefined && wholeSat(wallet.owned) === node?.remoteBalance
    return [
      shortOutpoint(outpoint),
      node === undefined ? '-' : thousands(node.capacity),
      wallet === undefined ? '-' : formatMsat(`${wallet.owned}`).replace(' sat', ''),
      node === undefined ? '-' : { text: thousands(node.remoteBalance), style: agrees ? 'green' : 'red' },
    ]
  })
  const columns = [
    { title: 'in sat' },
    { title: 'size', align: 'right' as const },
    { title: "the wallet's part", align: 'right' as const },
    { title: "by the operator's node", align: 'right' as const },
  ]
  return table(columns, rows, paint)
}

function pairsOf(own: readonly WalletChannel[], listed: readonly ListedChannel[]): readonly Pair[] {
  const outpoints = new Set([...own, ...listed].map(({ outpoint }) => outpoint))
  return [...outpoints].map((outpoint) => ({
    outpoint,
    own: own.find((channel) => channel.outpoint === outpoint),
    listed: listed.find((channel) => channel.outpoint === outpoint),
  }))
}

function wholeSat(msat: bigint): bigint {
  return msat / MSAT_PER_SAT
}
