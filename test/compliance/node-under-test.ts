import type { Msat, Sat } from '../../lsps/base/amount.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { type Scid, scidFromNumber, scidToNumber } from '../../lsps/base/scid.ts'
import { refusedWith } from '../../src/kernel/errors.ts'
import { childOf } from '../../src/kernel/wait.ts'
import type {
  Channel,
  FundingTemplate,
  HtlcOffer,
  Interceptor,
  LndPort,
  OpenAttempt,
  OpenRequest,
  Outpoint,
  Payment,
} from '../../src/lnd/port.ts'

/** What the compliance suite asks of a node and of those around it; amounts in millisatoshi. */
export interface NodeUnderTest {
  readonly port: LndPort
  /** What `getInfo` must say. */
  readonly requireInterceptor: boolean
  /** A new wallet, connected to the node, that trusts it with zero-conf channels and claims what it can. */
  addWallet(): Promise<WalletUnderTest>
  /** Has a channel to the node with some 100,000 sat to send. */
  readonly payer: PayerUnderTest
  /** Returns when the node has seen the blocks. */
  mine(blocks: number): Promise<void>
  /** Somebody who has nothing to do with the node pays to an address, in a transaction that may be replaced. */
  deposit(payment: Payment): Promise<Outpoint>
  /** The same coin goes elsewhere, or as `to` says, while the deposit is in no block. */
  replaceDeposit(deposit: Outpoint, to?: Payment): Promise<Outpoint>
  /** The last blocks give way to empty ones, one more; what was in them is in the mempool again. Before any wallet. */
  reorganise(depth: number): Promise<void>
  /** The node is killed and starts again. */
  restart(): Promise<void>
  /** Lets a little time pass: a few milliseconds of real time, or a step of a simulated clock. */
  step(): Promise<void>
  /** What `until` counts one step as, in milliseconds. */
  readonly stepMs: number
  dispose(): Promise<void>
}

export interface WalletUnderTest {
  readonly nodeId: NodeId
  connect(): Promise<void>
  /** Returns when the node has noticed. */
  disconnect(): Promise<void>
  /** False: refuses zero-conf opens from now on. */
  acceptZeroConf(accept: boolean): void
  /** Asks the node to close all channels with it, by agreement. */
  closeChannels(): void
  /** What it does with payments that it could claim; `sit` leaves them undecided until this is called again. */
  onPayment(policy: 'claim' | 'fail' | 'sit'): void
  /** An invoice with one hint: the node, this scid, fees 0/0, a delta of 144 blocks. */
  invoice(options: {
    readonly amount: bigint
    readonly scid: Scid
    /** The most that may be withheld; nothing when left out. */
    readonly maxFee?: bigint
  }): Promise<{ readonly paymentHash: string; readonly invoice: string }>
  /** All that it claimed. */
  received(): Promise<readonly { readonly paymentHash: string; readonly amount: bigint }[]>
  /** A message of type 37913 to the node. */
  send(data: Uint8Array): Promise<void>
  /** Messages of type 37913 that came so far. */
  messages(): readonly Uint8Array[]
}

export type PaymentEnd = {
  readonly settled: boolean
  /** BOLT4 name in lower case, of the last attempt; undefined when settled. */
  readonly failure?: string
}

export interface PayerUnderTest {
  /** One part, no routing fee. */
  pay(invoice: string): Promise<PaymentEnd>
  /** Sends parts of a payment to an invoice of the node itself; the end of each. */
  send(invoice: string, parts: Parts): readonly Promise<PaymentEnd>[]
}

export type Parts = {
  /** What each carries, in millisatoshi. */
  readonly amounts: readonly bigint[]
  /** What the payer says that all parts are together. */
  readonly total: bigint
  /** Blocks from now to the expiry of each. */
  readonly finalDelta: number
}

export const MESSAGE_TYPE = 37_913
const UNTIL_MS = 60_000
const LOCK_SECONDS = 600
/** Calls within which a second interceptor is refused while there is a first. */
const REFUSAL_CALLS = 100
/** Another block height than lnd's own aliases; see decisions.md D13. */
const FIRST_SCID_HEIGHT = 16_100_000n

let lastScid = 0n
let lastId = 0

/** Never used before in this process. */
export function newScid(): Scid {
  lastScid += 1n
  return scidFromNumber((FIRST_SCID_HEIGHT << 40n) | (BigInt(process.pid & 0xffff) << 24n) | lastScid)
}

/** A pending channel id, never used before in this process. */
export function newId(): string {
  lastId += 1
  return `${process.pid.toString(16).padStart(8, '0')}${lastId.toString(16).padStart(56, '0')}`
}

/** Polls until there is something; throws an error that says what was waited for. */
export async function until<T>(
  node: NodeUnderTest,
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  ms: number = UNTIL_MS,
): Promise<T> {
  for (let passed = 0; passed <= ms; passed += node.stepMs) {
    const found = await probe()
    if (found !== undefined && found !== false) return found
    await node.step()
  }
  throw new Error(`waited ${ms} ms for ${what}`)
}

/** Waits for a promise while time passes. */
export async function settled<T>(node: NodeUnderTest, what: string, promise: Promise<T>): Promise<T> {
  let done = false
  const finish = () => {
    done = true
  }
  promise.then(finish, finish)
  await until(node, what, () => done)
  return promise
}

export function openRequest(peer: NodeId, overrides: Partial<OpenRequest> = {}): OpenRequest {
  const pendingChannelId = overrides.pendingChannelId ?? newId()
  return {
    peer,
    capacity: 200_000n as Sat,
    pendingChannelId,
    memo: `sluice1:jit:${pendingChannelId}:test-${lastId}:0`,
    private: true,
    zeroConf: true,
    scidAlias: true,
    ...overrides,
  }
}

export function fundRequest(template: FundingTemplate, lockId: string) {
  return { template: template.template, satPerVbyte: 2, lockId, lockSeconds: LOCK_SECONDS, minConfs: 1 }
}

export type Opened = {
  readonly request: OpenRequest
  readonly template: FundingTemplate
  readonly psbt: string
  readonly outpoint: Outpoint
}

/** Steps 1 to 3 of the recipe. */
export async function negotiate(
  node: NodeUnderTest,
  request: OpenRequest,
  signal: AbortSignal,
): Promise<{ readonly attempt: OpenAttempt; readonly template: FundingTemplate; readonly psbt: string }> {
  const attempt = node.port.openChannel(request, signal)
  // Whoever is told by one of the two need not listen to the other.
  attempt.pending.catch(() => undefined)
  const template = await settled(node, 'psbt_fund', attempt.template)
  const psbt = await settled(
    node,
    'FundPsbt',
    node.port.fundPsbt(fundRequest(template, request.pendingChannelId), signal),
  )
  return { attempt, template, psbt }
}

/** Steps 1 to 6 of the recipe. */
export async function openTo(node: NodeUnderTest, request: OpenRequest, signal: AbortSignal): Promise<Opened> {
  const { attempt, template, psbt } = await negotiate(node, request, signal)
  const { pendingChannelId } = request
  await settled(node, 'psbt_verify', node.port.verifyFunding({ psbt, pendingChannelId }, signal))
  const outpoint = await settled(node, 'chan_pending', attempt.pending)
  attempt.detach()
  return { request, template, psbt, outpoint }
}

/** The channel once it is active. */
export function activeChannel(
  node: NodeUnderTest,
  { request, outpoint }: Pick<Opened, 'request' | 'outpoint'>,
  signal: AbortSignal,
): Promise<Channel> {
  return until(node, `channel ${outpoint} to be active`, async () => {
    const channels = await node.port.listChannels(signal, request.peer)
    return channels.find((channel) => channel.active && channel.outpoint === outpoint)
  })
}

/** A channel to a new wallet, with an alias. */
export async function channelWithAlias(node: NodeUnderTest, signal: AbortSignal) {
  const wallet = await node.addWallet()
  const opened = await openTo(node, openRequest(wallet.nodeId), signal)
  const channel = await activeChannel(node, opened, signal)
  const scid = newScid()
  await node.port.addAlias({ base: channel.chanId, alias: scidToNumber(scid) }, signal)
  return { wallet, opened, channel, scid }
}

/** An interceptor that keeps what it is offered, until it is stopped. */
export type Listening = {
  readonly offers: readonly HtlcOffer[]
  readonly answer: Interceptor['answer']
  readonly stop: () => Promise<void>
  /** Why the stream ended without being stopped. */
  readonly ended: () => unknown
}

/** Interceptors of a case that failed: lnd would refuse those of all cases after it. */
const attached = new Set<Listening>()

/** Ends what a case has left attached. */
export async function detachAll(): Promise<void> {
  for (const listening of attached) await listening.stop()
}

/** Attaches as soon as lnd lets it: it takes the next interceptor only after it has noticed that the last one left. */
export function intercept(node: NodeUnderTest, signal: AbortSignal): Promise<Listening> {
  return until(node, 'the interceptor to attach', async () => {
    const listening = startInterceptor(node, signal)
    if (await isAttached(node, listening, signal)) return listening
    await listening.stop()
    return undefined
  })
}

/** The interceptor has no greeting; but when a second one is refused and it is not, it is in place. */
async function isAttached(node: NodeUnderTest, listening: Listening, signal: AbortSignal): Promise<boolean> {
  const stopping = childOf(signal)
  // lnd starts streams side by side: the second must not overtake the first.
  await settled(node, 'getInfo', node.port.getInfo(signal))
  let refusal: unknown
  const second = node.port
    .interceptHtlcs(() => undefined, stopping.signal)
    .catch((error: unknown) => {
      refusal = error
    })
  for (let calls = 0; refusal === undefined && calls < REFUSAL_CALLS; calls += 1) {
    await settled(node, 'getInfo', node.port.getInfo(signal))
    await node.step()
  }
  stopping.abort()
  await second
  await settled(node, 'getInfo', node.port.getInfo(signal))
  return refusedWith(refusal, /interceptor already exists/) && listening.ended() === undefined
}

function startInterceptor(node: NodeUnderTest, signal: AbortSignal): Listening {
  const offers: HtlcOffer[] = []
  const stopping = childOf(signal)
  let stream: Interceptor | undefined
  let ended: unknown
  const done = node.port
    .interceptHtlcs((offer, interceptor) => {
      stream = interceptor
      offers.push(offer)
    }, stopping.signal)
    .catch((error: unknown) => {
      ended = error
    })
  const listening: Listening = {
    offers,
    answer: (circuit, answer) => stream?.answer(circuit, answer),
    stop: async () => {
      attached.delete(listening)
      stopping.abort()
      await done
    },
    ended: () => ended,
  }
  attached.add(listening)
  return listening
}

/** The next offer for a scid. */
export function offerFor(node: NodeUnderTest, listening: Listening, scid: Scid): Promise<HtlcOffer> {
  return until(node, `an offer for ${scid}`, () => listening.offers.find((offer) => offer.requestedScid === scid))
}

export function msatOf(amount: bigint): Msat {
  return amount as Msat
}
