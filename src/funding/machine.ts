import { assertNever, go, type Step, stay } from '../../lsps/base/machine.ts'
import type { ChannelOrder, Funding, FundingEffect, FundingEvent, FundingNews } from './states.ts'

/** A new order: persisted under its own pending_chan_id before lnd hears of it (D20). */
export function place(order: ChannelOrder): Step<Funding, FundingEffect> {
  return go<Funding, FundingEffect>({ tag: 'opening', order }, [{ type: 'negotiate' }])
}

/** The one funding path of funding.md as a machine: pure, total, and never signing before the channel was seen. */
export function step(funding: Funding, event: FundingEvent): Step<Funding, FundingEffect> {
  switch (funding.tag) {
    case 'opening':
      return onOpening(funding, event)
    case 'funded':
      return onFunded(funding, event)
    case 'standing':
      return onStanding(funding, event)
    case 'confirmed':
    case 'refused':
    case 'lost':
      return stay(funding, `terminal: ${event.type}`)
    default:
      return assertNever(funding)
  }
}

export function isTerminal(funding: Funding): boolean {
  return funding.tag === 'confirmed' || funding.tag === 'refused' || funding.tag === 'lost'
}

function notify(news: FundingNews): FundingEffect {
  return { type: 'notify', news }
}

function onOpening(funding: Extract<Funding, { tag: 'opening' }>, event: FundingEvent): Step<Funding, FundingEffect> {
  const { order } = funding
  switch (event.type) {
    case 'psbt-funded':
      return go<Funding, FundingEffect>({ tag: 'funded', order, psbt: event.psbt, outpoint: event.outpoint }, [
        { type: 'verify' },
      ])
    case 'refused':
      return refuse(funding, event)
    case 'channel-found':
    case 'channel-active':
    case 'channel-closed':
    case 'signed':
    case 'published':
    case 'confirmed':
      return stay(funding, `early: ${event.type}`)
    default:
      return assertNever(event)
  }
}

function onFunded(funding: Extract<Funding, { tag: 'funded' }>, event: FundingEvent): Step<Funding, FundingEffect> {
  switch (event.type) {
    case 'psbt-funded':
      // Recovery proved the earlier transaction dead: it was never signed, and no channel names its outpoint.
      return go<Funding, FundingEffect>({ ...funding, psbt: event.psbt, outpoint: event.outpoint }, [
        { type: 'verify' },
      ])
    case 'channel-found': {
      const { order, psbt, outpoint } = funding
      if (event.outpoint !== outpoint) return stay(funding, `not our outpoint: ${event.outpoint}`)
      const tx = { stage: 'unsigned', psbt } as const
      return go<Funding, FundingEffect>({ tag: 'standing', order, outpoint, tx }, [{ type: 'watch-active' }])
    }
    case 'refused':
      return refuse(funding, event)
    case 'channel-closed':
      return lose(funding, funding.outpoint)
    case 'channel-active':
    case 'signed':
    case 'published':
    case 'confirmed':
      return stay(funding, `early: ${event.type}`)
    default:
      return assertNever(event)
  }
}

function onStanding(funding: Extract<Funding, { tag: 'standing' }>, event: FundingEvent): Step<Funding, FundingEffect> {
  const { tx, outpoint, order } = funding
  switch (event.type) {
    case 'channel-active': {
      if (funding.chanId !== undefined) return stay(funding, 'already active')
      const news = notify({ type: 'channel-active', outpoint, chanId: event.chanId })
      if (tx.stage !== 'unsigned') return go<Funding, FundingEffect>({ ...funding, chanId: event.chanId }, [news])
      // The sale goes on beside signing and publishing (D20); both start from this one commit.
      const signing = { stage: 'signing', psbt: tx.psbt } as const
      return go<Funding, FundingEffect>({ ...funding, chanId: event.chanId, tx: signing }, [news, { type: 'sign' }])
    }
    case 'signed':
      if (tx.stage !== 'signing') return stay(funding, `already ${tx.stage}`)
      return go<Funding, FundingEffect>({ ...funding, tx: { stage: 'signed', raw: event.raw } }, [{ type: 'publish' }])
    case 'published':
      if (tx.stage !== 'signed') return stay(funding, `transaction is ${tx.stage}`)
      return go<Funding, FundingEffect>({ ...funding, tx: { stage: 'published', raw: tx.raw } }, [
        notify({ type: 'published', outpoint }),
      ])
    case 'confirmed':
      if (tx.stage !== 'published') return stay(funding, `transaction is ${tx.stage}`)
      return go<Funding, FundingEffect>({ tag: 'confirmed', order, outpoint, chanId: funding.chanId }, [
        notify({ type: 'confirmed', outpoint }),
      ])
    case 'channel-closed':
      // Once signed, the transaction has to confirm whatever became of the channel: its closing spends from it.
      if (tx.stage === 'unsigned' || tx.stage === 'signing') return lose(funding, outpoint)
      return stay(funding, 'closed, but its funding still has to confirm')
    case 'psbt-funded':
    case 'channel-found':
    case 'refused':
      return stay(funding, `late: ${event.type}`)
    default:
      return assertNever(event)
  }
}

function refuse(
  funding: Extract<Funding, { tag: 'opening' | 'funded' }>,
  { reason, detail }: Extract<FundingEvent, { type: 'refused' }>,
): Step<Funding, FundingEffect> {
  return go<Funding, FundingEffect>({ tag: 'refused', order: funding.order, reason, detail }, [
    notify({ type: 'refused', reason, detail }),
  ])
}

function lose(
  funding: Extract<Funding, { tag: 'funded' | 'standing' }>,
  outpoint: string,
): Step<Funding, FundingEffect> {
  return go<Funding, FundingEffect>({ tag: 'lost', order: funding.order, outpoint }, [
    { type: 'release' },
    notify({ type: 'channel-closed', outpoint }),
  ])
}
