import type { Stage } from '../../../src/sandbox/stages.ts'

/** Which points of a story are worth a story of their own. Pure. */

/** Calls that only ask: they change nothing at the node, and what they answer is only remembered. */
const READS: ReadonlySet<string> = new Set([
  'getInfo',
  'listPeers',
  'listChannels',
  'pendingChannels',
  'closedChannels',
  'listAliases',
  'confirmations',
  'spends',
  'rawTransaction',
  'listLeases',
  'walletBalance',
  'listUnspent',
  'anchorReserve',
  'receipts',
  'estimateFeerate',
  'forwardingHistory',
  'lookupInvoice',
])
/** Of a call that only asks, and is asked again at each block and from time to time: so many uses are disturbed. */
const DISTURBED_POLLS = 3
/** Points at which a story of many blocks dies; every commit and every call that changes something is among them. */
const MOST_KILLS = 150

export type Passage = { readonly call: string; readonly n: number; readonly stage: Stage }

function passageOf(point: string): Passage | undefined {
  const match = /^(\w+(?:\.\w+)?)#(\d+):(received|effective|visible|answered)$/.exec(point)
  if (match === null) return undefined
  const [, call = '', n = '', stage = ''] = match
  return { call, n: Number(n), stage: stage as Stage }
}

/** News of the node come to the client; all else is begun by it. */
function isNews(call: string): boolean {
  return call.startsWith('subscribe') || call === 'wallet.message' || call.includes('.')
}

/** Whether the disk or the node is another one than at the point before, or the client heard of something. */
function isChange(point: string): boolean {
  const passage = passageOf(point)
  if (passage === undefined) return !point.endsWith(':before')
  return isNews(passage.call) || (passage.stage === 'effective' && !READS.has(passage.call))
}

/** So many of them, spread evenly, the first and the last among them. */
function spread<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all
  return Array.from({ length: most }, (_, index) => all[Math.round((index * (all.length - 1)) / (most - 1))] as T)
}

/**
 * Indexes of `points` at which the sidecar is to die: all of them, but for what is provably the same. Whoever dies
 * loses its memory, so what counts is the disk and the node, and these change in few places: with a commit, with what a
 * call does, with news of the node. All points between two such changes are one: the last of them, the furthest from
 * the change before it, stands for the others. Of each call and of the commits the first use is disturbed at all its
 * stages all the same.
 */
export function killPoints(points: readonly string[]): readonly number[] {
  const seen = new Set<string>()
  const changes: number[] = []
  const others: number[] = []
  for (const [index, point] of points.entries()) {
    const kind = point.replace(/#\d+/, '')
    const isFirst = !seen.has(kind)
    seen.add(kind)
    if (isChange(point)) changes.push(index)
    else if (isFirst || isChange(points[index + 1] ?? '')) others.push(index)
  }
  return [...changes, ...spread(others, Math.max(2, MOST_KILLS - changes.length))].sort((a, b) => a - b)
}

type ByCall = Map<string, Passage[]>

function usesOf(points: readonly string[], stage: Stage): ByCall {
  const uses: ByCall = new Map()
  for (const point of points) {
    const passage = passageOf(point)
    if (passage === undefined || passage.stage !== stage) continue
    uses.set(passage.call, [...(uses.get(passage.call) ?? []), passage])
  }
  return uses
}

/**
 * Passages at which a call or its answer is lost. Of a question only the answer: that nobody heard it looks the same.
 * What the node tells by itself is not lost while the connection lives, and a wallet asks again by itself.
 */
export function losses(points: readonly string[]): readonly Passage[] {
  const isCall = (call: string) => !call.startsWith('subscribe') && call !== 'wallet.message'
  const before = [...usesOf(points, 'received')].filter(([call]) => isCall(call) && !READS.has(call))
  const after = [...usesOf(points, 'answered')].filter(([call]) => isCall(call))
  return [...before, ...after].flatMap(([call, uses]) => (READS.has(call) ? spread(uses, DISTURBED_POLLS) : uses))
}

/**
 * Passages at which the node dies: every stage of what changes something, some uses of each question. Once the change is
 * visible nothing more happens at the node: that it dies as it answers is the same for both sides.
 */
export function nodeDeaths(points: readonly string[]): readonly Passage[] {
  const stages: readonly Stage[] = ['received', 'effective', 'visible', 'answered']
  return stages.flatMap((stage) =>
    [...usesOf(points, stage)].flatMap(([call, uses]) => {
      if (READS.has(call)) return stage === 'received' ? spread(uses, DISTURBED_POLLS) : []
      if (isNews(call)) return spread(uses, DISTURBED_POLLS)
      return stage === 'answered' ? [] : uses
    }),
  )
}
