import type { Msat, Sat } from '../../../lsps/base/amount.ts'
import type { NodeId } from '../../../lsps/base/node-id.ts'
import { type Scid, scidToNumber } from '../../../lsps/base/scid.ts'
import { SidecarError } from '../../../src/kernel/errors.ts'
import type { HtlcOffer, Interceptor, LndPort, OpenRequest } from '../../../src/lnd/port.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { createWorld, type WorldOptions } from '../../../src/sandbox/world.ts'

export const AMOUNT = 50_000_000n
export const FEE = 546_000n
export const SCID = '16100000x5x7' as Scid
export const SKIM = { type: 'resume-modified', amountOut: (AMOUNT - FEE) as Msat, extraFee: FEE as Msat } as const

/** A world with a connected wallet, a client, and a signal that nobody aborts. */
export function stage(options: Partial<WorldOptions> = {}) {
  const clock = new ManualClock()
  const world = createWorld({ seed: 7, ...options, clock })
  const wallet = world.addWallet()
  wallet.connect()
  const { signal } = new AbortController()
  return { clock, world, wallet, signal, port: world.attach() }
}

export type Stage = ReturnType<typeof stage>

export function idOf(n: number): string {
  return n.toString(16).padStart(64, '0')
}

export function request(peer: NodeId, id = idOf(1)): OpenRequest {
  return {
    peer,
    capacity: 150_000n as Sat,
    pendingChannelId: id,
    memo: `sluice1:jit:${id}:sale-${id.slice(-4)}:${FEE}`,
    private: true,
    zeroConf: true,
    scidAlias: true,
  }
}

export async function negotiate({ port, signal }: Pick<Stage, 'port' | 'signal'>, order: OpenRequest) {
  const attempt = port.openChannel(order, signal)
  attempt.pending.catch(() => undefined)
  const { template } = await attempt.template
  const lockId = order.pendingChannelId
  const psbt = await port.fundPsbt({ template, satPerVbyte: 2, lockId, lockSeconds: 600, minConfs: 1 }, signal)
  return { attempt, psbt }
}

/** An open channel to the wallet that the jit scid names. */
export async function openAndBind(at: Stage, order = request(at.wallet.nodeId)) {
  const { attempt, psbt } = await negotiate(at, order)
  await at.port.verifyFunding({ psbt, pendingChannelId: order.pendingChannelId }, at.signal)
  const outpoint = await attempt.pending
  await at.clock.settle()
  const channels = await at.port.listChannels(at.signal, at.wallet.nodeId)
  const channel = channels.find((listed) => listed.outpoint === outpoint)
  if (channel === undefined) throw new Error('the channel is not listed')
  await at.port.addAlias({ base: channel.chanId, alias: scidToNumber(SCID) }, at.signal)
  return { psbt, outpoint, channel }
}

export async function publish({ port, signal }: Pick<Stage, 'port' | 'signal'>, psbt: string): Promise<void> {
  await port.publishTransaction({ raw: await port.finalizePsbt(psbt, signal), label: 'test' }, signal)
}

export type Tap = { readonly offers: HtlcOffer[]; stream: Interceptor | undefined; ended: unknown; stop: () => void }

/** An interceptor that keeps what it is offered. */
export function tap(port: LndPort): Tap {
  const stopping = new AbortController()
  const state: Tap = { offers: [], stream: undefined, ended: undefined, stop: () => stopping.abort() }
  port
    .interceptHtlcs((offer, stream) => {
      state.offers.push(offer)
      state.stream = stream
    }, stopping.signal)
    .catch((error: unknown) => {
      state.ended = error
    })
  return state
}

/** Code and words of the refusal. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'no refusal'
  } catch (error) {
    if (!(error instanceof SidecarError)) throw error
    return `${error.failure.code} ${'detail' in error.failure ? error.failure.detail : ''}`
  }
}
