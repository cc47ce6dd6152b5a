import { Transaction } from 'bitcoinjs-lib'
import type { Clock } from '../../lsps/base/clock.ts'
import { refusedWith } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { LndPort } from '../lnd/port.ts'
import { type BumpLimits, planBump } from './bump.ts'
import { FINAL_CONFIRMATIONS } from './follow.ts'
import { HURRY_AFTER_MS } from './payout-machine.ts'
import { dearer, lockIdOf, paymentIndex } from './payout-psbt.ts'
import type { Payout, PayoutEvent } from './payout-states.ts'
import { inputsOf } from './psbt.ts'

export type FollowPayoutDeps = {
  readonly lnd: LndPort
  readonly clock: Clock
  readonly log: Log
  readonly dispatch: (id: string, event: PayoutEvent) => Promise<unknown>
}

export type FollowPayoutConfig = {
  readonly leaseSeconds: number
  readonly confTarget: number
  readonly bumpLimits: BumpLimits
}

type Signed = Extract<Payout, { tag: 'signed' }>

/**
 * What is done for a signed payout at each block. Derived from the state on disk and from what lnd lists; doing it twice
 * is harmless.
 */
export async function followPayout(
  deps: FollowPayoutDeps,
  config: FollowPayoutConfig,
  payout: Signed,
  signal: AbortSignal,
): Promise<void> {
  const { lnd, dispatch } = deps
  const { id } = payout.order
  for (const { txid } of payout.versions) {
    const confirmations = (await lnd.confirmations(txid, signal)) ?? 0
    if (confirmations === 0) continue
    await dispatch(id, { type: confirmations >= FINAL_CONFIRMATIONS ? 'confirmed' : 'mined', txid })
    return
  }
  await dispatch(id, { type: 'unconfirmed' })
  await keepCoins(deps, config, payout, signal)
  await publishAgain(deps, payout, signal)
  await hurry(deps, config, payout, signal)
}

/** While no mempool has it, nothing but a lock keeps its coins. */
async function keepCoins(
  { lnd, log }: FollowPayoutDeps,
  { leaseSeconds: seconds }: FollowPayoutConfig,
  payout: Signed,
  signal: AbortSignal,
): Promise<void> {
  const id = lockIdOf(payout.order.id)
  for (const outpoint of inputsOf(payout.versions[0]?.raw ?? '')) {
    await lnd.leaseOutput({ id, outpoint, seconds }, signal).catch((error: unknown) => {
      if (!refusedWith(error, /./)) throw error
      // Refused: the wallet counts it as spent, by this payout or, see below, by another transaction.
      log.debug({ payout: payout.order.id, coin: outpoint, err: error }, 'a coin of a payout is not locked for it')
    })
  }
}

/** A refusal is looked into: coins that another transaction spent, deep in the chain, never come back. */
async function publishAgain(
  { lnd, log, dispatch }: FollowPayoutDeps,
  payout: Signed,
  signal: AbortSignal,
): Promise<void> {
  const { id } = payout.order
  const ours = payout.versions.map(({ txid }) => txid)
  let refused: unknown
  for (const { raw } of payout.versions.toReversed()) {
    try {
      await lnd.publishTransaction({ raw, label: `sluice1:payout:${id}` }, signal)
      await dispatch(id, { type: 'published' })
      return
    } catch (error) {
      if (!refusedWith(error, /./)) throw error
      refused = error
    }
  }
  const spends = await lnd.spends(inputsOf(payout.versions[0]?.raw ?? ''), signal)
  const rival = spends.find(({ txid, confirmations }) => confirmations > 0 && !ours.includes(txid))
  if (rival === undefined) {
    log.warn({ payout: id, err: refused }, 'payout not taken by the mempool, next block tries again')
    return
  }
  const { txid: spentBy, confirmations } = rival
  log.warn({ payout: id, spentBy, confirmations }, 'the coins of a payout were spent by another transaction')
  if (confirmations >= FINAL_CONFIRMATIONS) await dispatch(id, { type: 'conflicted', spentBy })
}

/** Its change pays for it (CPFP); without change a dearer transaction that spends the same coins replaces it. */
async function hurry(
  { lnd, log, clock, dispatch }: FollowPayoutDeps,
  { confTarget, bumpLimits }: FollowPayoutConfig,
  payout: Signed,
  signal: AbortSignal,
): Promise<void> {
  const { order, draft, versions, since, hurried } = payout
  if (draft.psbt === '') return // it was found at lnd, which is all that is known of it
  const last = versions.at(-1)
  const at = clock.now()
  if (last === undefined || at - (hurried?.at ?? since) < HURRY_AFTER_MS) return
  const wanted = await lnd.estimateFeerate(confTarget, signal)
  const outpoint = `${last.txid}:${paymentIndex(draft.psbt, order)}`
  const bump = planBump({ raw: last.raw, outpoint, satPerVbyte: last.satPerVbyte }, wanted, bumpLimits)
  if (typeof bump === 'object') {
    await dispatch(order.id, { type: 'stuck', at, ...bump })
    return
  }
  const rate = Math.min(wanted, bumpLimits.maxSatPerVbyte)
  const vbytes = Transaction.fromHex(last.raw).virtualSize()
  const next = bump === 'no-change' ? dearer(payout, rate, { vbytes, fee: bumpLimits.maxSat }) : undefined
  if (next !== undefined) await dispatch(order.id, { type: 'replace', at, draft: next })
  else log.info({ payout: order.id, wanted, why: bump }, 'a payout waits for long, and nothing can help')
}
