import type { Msat } from '../../lsps/base/amount.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { type Scid, scidFromNumber } from '../../lsps/base/scid.ts'
import { SeededRandom } from '../../src/sandbox/random.ts'
import { type Due, Judge, kindOf, type Said } from './judge.ts'
import { type HostileLsp, TERMS } from './lsp.ts'
import { compose } from './messages.ts'
import type { Standing } from './node.ts'
import { read } from './reading.ts'
import type { SeenScids } from './seen-scids.ts'
import { PEERS, type Step } from './sequence.ts'
import { pick } from './values.ts'

const MESSAGES_PER_TURN = 4
const SPARE_TURNS = 4
const FEWEST_FLOODED = 22
const MORE_FLOODED = 50
const LONGEST_PAUSE_MS = 3_000
const LONGEST_WAIT_MS = 120_000
const LONGER_THAN_A_MENU_MS = 700_000
/** After this a payment that was held is answered, whatever the wallet does. */
const LONGEST_HELD_MS = TERMS.partHoldMs + 60_000
const FOREIGN_HEIGHT = 800_000n
const HASH_BYTES = 32
const LSPS_TYPE = 37_913
/** Comes after the peers of the sequence. */
const PASSER_BY = PEERS

export type Outcome = {
  /** What is wrong, in words. */
  readonly wrong: readonly string[]
  readonly messages: number
  /** Messages that a handler decided about. */
  readonly reached: number
  readonly answers: number
  readonly sales: number
  readonly payments: number
}

type Waiting = { readonly due: Due; readonly bytes: Buffer }

/** Plays one sequence against an LSP that may have lived through many others. */
export class Play {
  readonly #lsp: HostileLsp
  readonly #judge: Judge
  readonly #peers: readonly NodeId[]
  readonly #online = new Set<number>()
  readonly #said: { peer: number; bytes: Buffer }[] = []
  readonly #ids: string[] = []
  readonly #payments: Standing[] = []
  readonly #wrong: string[] = []
  #waiting: Waiting[] = []
  #given = new Map<number, number>()
  #messages = 0
  #reached = 0
  #answers = 0

  constructor(lsp: HostileLsp, scids: SeenScids, seed: number) {
    this.#lsp = lsp
    this.#judge = new Judge(scids)
    const random = new SeededRandom(seed ^ 0x5bd1e995)
    this.#peers = Array.from({ length: PASSER_BY + 1 }, () => random.nodeId())
  }

  async run(steps: readonly Step[]): Promise<Outcome> {
    for (let peer = 0; peer <= PASSER_BY; peer += 1) this.#come(peer)
    await this.#passBy()
    for (const step of steps) {
      await this.#step(step)
      if (this.#wrong.length > 0) break
    }
    await this.#settle()
    await this.#end()
    return {
      wrong: this.#wrong,
      messages: this.#messages,
      reached: this.#reached,
      answers: this.#answers,
      sales: this.#judge.sales.filter(({ scid }) => scid !== undefined).length,
      payments: this.#payments.length,
    }
  }

  /** A wallet on lightning-liquidity looks at the menu and is never seen again: most of those that are remembered. */
  async #passBy(): Promise<void> {
    const id = this.#nodeOf(PASSER_BY).slice(-32)
    const bytes = Buffer.from(`{"jsonrpc":"2.0","id":"${id}","method":"lsps2.get_info","params":{"token":null}}`)
    this.#give({ peer: PASSER_BY, type: LSPS_TYPE, bytes, reading: read(bytes) }, false)
    await this.#settle()
  }

  async #step({ kind, peer, salt }: Step): Promise<void> {
    const random = new SeededRandom(salt)
    const { clock, node } = this.#lsp
    if (kind === 'say-on') return await this.#say(peer, random)
    if (kind !== 'say' && kind !== 'say-and-leave') await this.#settle()
    switch (kind) {
      case 'say':
        await this.#say(peer, random)
        return await this.#settle()
      case 'say-and-leave':
        await this.#say(peer, random)
        this.#leave(peer)
        return await this.#settle()
      case 'flood':
        return await this.#flood(peer, random)
      case 'pause':
        return await clock.advance(random.below(LONGEST_PAUSE_MS))
      case 'wait':
        return await clock.advance(random.below(LONGEST_WAIT_MS))
      case 'outlive-a-menu':
        return await clock.advance(LONGER_THAN_A_MENU_MS)
      case 'come':
        return this.#come(peer)
      case 'leave':
        return this.#leave(peer)
      case 'stop-reading':
        return node.stopHearing(this.#nodeOf(peer))
      case 'read':
        return node.hear(this.#nodeOf(peer))
      case 'pay':
        return this.#pay(random)
      case 'block':
        node.mine()
        return await clock.settle()
      case 'break-stream':
        node.breakStream()
        return await clock.advance(1_000)
    }
  }

  #nodeOf(peer: number): NodeId {
    return this.#peers[peer] as NodeId
  }

  #come(peer: number): void {
    this.#online.add(peer)
    this.#lsp.node.connect(this.#nodeOf(peer))
  }

  #leave(peer: number): void {
    this.#online.delete(peer)
    this.#lsp.node.disconnect(this.#nodeOf(peer))
  }

  async #say(peer: number, random: SeededRandom): Promise<void> {
    if (!this.#online.has(peer)) return // lnd carries nothing from a peer that is not there
    const message = compose(random, peer, { offers: this.#judge.offers, said: this.#said, ids: this.#ids })
    // Two answers under one id could not be told apart: the first comes first then. The same bytes are meant to meet.
    const reading = read(message.bytes)
    const meets = this.#waiting.some(({ due, bytes }) => {
      return reading.type === 'request' && due.peer === peer && due.id === reading.id && !bytes.equals(message.bytes)
    })
    if (meets) await this.#settle()
    this.#give({ peer, ...message, reading }, false)
  }

  async #flood(peer: number, random: SeededRandom): Promise<void> {
    if (!this.#online.has(peer)) return
    const count = FEWEST_FLOODED + random.below(MORE_FLOODED)
    const message = compose(random, peer, { offers: this.#judge.offers, said: this.#said, ids: this.#ids })
    const text = message.bytes.toString('latin1')
    const fresh = random.below(2) === 0
    for (let n = 0; n < count; n += 1) {
      const bytes = fresh
        ? Buffer.from(text.replace(/"id":"[^"\\]{4}/, `"id":"${(n + 1000).toString()}`), 'latin1')
        : message.bytes
      this.#give({ peer, type: message.type, bytes, reading: read(bytes) }, true)
    }
    await this.#settle()
  }

  #give(said: Said, flood: boolean): void {
    const { peer, type, bytes, reading } = said
    const given = (this.#given.get(peer) ?? 0) + 1
    this.#given.set(peer, given)
    const busy = flood && given > TERMS.maxPendingPerPeer
    const due = this.#judge.hear(said, { now: this.#lsp.clock.now(), busy })
    this.#messages += 1
    if (due?.reached === true) this.#reached += 1
    if (due !== undefined) this.#waiting.push({ due, bytes })
    if (bytes.length <= TERMS.keptRequestBytes) this.#said.push({ peer, bytes })
    if (reading.type === 'request') this.#ids.push(JSON.stringify(reading.id))
    this.#lsp.node.say(this.#nodeOf(peer), type, bytes)
  }

  /** Lets everything that was said be answered, and judges the answers. */
  async #settle(): Promise<void> {
    const given = [...this.#given.values()].reduce((sum, count) => sum + count, 0)
    if (given === 0) return
    this.#given.clear()
    await this.#lsp.clock.settle(Math.ceil(given / MESSAGES_PER_TURN) + SPARE_TURNS)
    const { sent } = this.#lsp.node
    const waiting = this.#waiting
    this.#waiting = []
    for (const { peer: nodeId, type, data } of sent.splice(0)) {
      this.#answers += 1
      const peer = this.#peers.indexOf(nodeId)
      const parsed = Judge.parse(data)
      if (type !== LSPS_TYPE) this.#wrong.push(`an answer of type ${type}`)
      else if (typeof parsed === 'string') this.#wrong.push(parsed)
      else this.#match(peer, parsed.answer, parsed.raw, waiting)
    }
    for (const { due, bytes } of waiting) {
      // Beyond so many that it does not read, a peer gets no more.
      const isFull = this.#lsp.node.waitingFor(this.#nodeOf(due.peer)) >= TERMS.maxUnsentPerPeer
      if (!due.optional && !isFull) this.#wrong.push(`no answer to ${describe(bytes)}`)
    }
  }

  #match(peer: number, answer: Readonly<Record<string, unknown>>, raw: string, waiting: Waiting[]): void {
    const { id } = answer
    const candidates = waiting.filter(({ due }) => due.peer === peer && due.id === id)
    const kind = kindOf(answer)
    const suited = candidates.filter(({ due }) => due.kinds.some((known) => known === kind))
    suited.sort((a, b) => a.due.kinds.length - b.due.kinds.length)
    const found = suited[0] ?? candidates[0]
    if (found === undefined) {
      this.#wrong.push(`an answer that nobody is due: peer ${peer}: ${raw.slice(0, 300)}`)
      return
    }
    waiting.splice(waiting.indexOf(found), 1)
    const wrong = found.due.check(answer, raw)
    if (wrong !== undefined) this.#wrong.push(`${wrong}; in answer to ${describe(found.bytes)}`)
  }

  /** An HTLC to a scid that was sold, or to any other: honest, a probe, a lie, too late, a part, or the same again. */
  #pay(random: SeededRandom): void {
    const { node } = this.#lsp
    const sold = this.#judge.sales.filter(({ scid }) => scid !== undefined)
    const sale = random.below(5) === 0 || sold.length === 0 ? undefined : pick(random, sold)
    if (sale !== undefined) sale.touched = true
    const size = sale?.size ?? 50_000_000n
    const amountOut = pick(random, [
      size,
      size,
      size,
      size - 1n,
      size / 2n,
      size * 2n,
      size * 2n + 1n,
      0n,
      1n,
      2n ** 63n,
    ])
    const amountIn = pick(random, [
      amountOut,
      amountOut,
      amountOut,
      amountOut + 1000n,
      amountOut > 0n ? amountOut - 1n : 0n,
    ])
    const expiryOut = node.height + pick(random, [40, 40, 40, 12, 3, 0, 2016, 2017, 100_000])
    const expiryIn = expiryOut + pick(random, [144, 144, 144, 143, 1, 0, 1000])
    const foreign = scidFromNumber((FOREIGN_HEIGHT << 40n) | BigInt(random.below(1_000_000)))
    const htlc = {
      paymentHash: random.hex(HASH_BYTES),
      requestedScid: (sale?.scid ?? foreign) as Scid,
      amountIn: amountIn as Msat,
      amountOut: amountOut as Msat,
      expiryIn,
      expiryOut,
    }
    const times = random.below(6) === 0 ? 3 : 1
    for (let n = 0; n < times; n += 1) {
      const standing = node.add(htlc)
      this.#payments.push(standing)
      // The whole node's forwards stand behind this one: it passes in this tick, or it was never offered.
      if (sale === undefined && standing.answer === undefined)
        this.#wrong.push(`${htlc.requestedScid} is nobody's, and was held`)
    }
  }

  async #end(): Promise<void> {
    const { clock, node, errors } = this.#lsp
    if (this.#payments.some(({ answer }) => answer === undefined)) await clock.advance(LONGEST_HELD_MS)
    // What lnd is about to fail by itself is left to it.
    if (this.#payments.some(({ answer }) => answer === undefined)) node.mine()
    for (const { offer, answer } of this.#payments) {
      if (answer === undefined) this.#wrong.push(`the payment ${offer.circuit} to ${offer.requestedScid} was forgotten`)
    }
    for (let peer = 0; peer <= PASSER_BY; peer += 1) this.#leave(peer)
    await clock.settle(2)
    for (const { data } of node.sent.splice(0))
      this.#wrong.push(`said unasked: ${Buffer.from(data).toString('utf8').slice(0, 300)}`)
    if (node.known > 0) this.#wrong.push(`the node still knows ${node.known} things of a sequence that is over`)
    this.#wrong.push(...errors.splice(0), ...node.complaints.splice(0))
  }
}

function describe(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  return text.length > 700 ? `${text.slice(0, 400)} ... ${text.slice(-200)} (${bytes.length} bytes)` : text
}
