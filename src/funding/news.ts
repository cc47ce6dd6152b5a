import type { FundingNews } from './states.ts'

type Told = { readonly what: string; readonly detail: Readonly<Record<string, string>> }

/** How the title of each of these steps begins, and of no other step of a sale. */
const TITLES = /^(funding|channel not taken back)\b/

const KEPT = {
  'in-use': 'its peer was paid over it',
  'client-away': 'its peer did not come back in time',
  promised: 'its lifetime is promised',
} as const

/**
 * Whether the record has this news already: they are told again after a crash. What comes once more in earnest, such as
 * a confirmation after a reorganisation, has other news of the funding between.
 */
export function isTold(steps: readonly Told[], { what, detail }: Told): boolean {
  const { outpoint } = detail
  const last = steps.findLast((step) => TITLES.test(step.what) && outpointOf(step) === outpoint)
  if (last === undefined || last.what !== what) return false
  return Object.entries(detail).every(([name, value]) => last.detail[name] === value)
}

function outpointOf({ detail: { outpoint } }: Told): string | undefined {
  return outpoint
}

/** The step of a sale's flight record that news of its funding are; undefined for what the sale records itself. */
export function describeNews(news: FundingNews): Told | undefined {
  switch (news.type) {
    case 'published':
      return { what: 'funding published', detail: { outpoint: news.outpoint } }
    case 'confirmed':
      return {
        what: 'funding confirmed',
        detail: {
          outpoint: news.outpoint,
          ...(news.childFee === undefined ? {} : { child_fee_sat: `${news.childFee}` }),
        },
      }
    case 'bumped':
      return {
        what: 'funding hurried along by a child transaction',
        detail: {
          outpoint: news.outpoint,
          sat_per_vbyte: `${news.satPerVbyte}`,
          budget_sat: `${news.budget}`,
        },
      }
    case 'kept':
      return {
        what: `channel not taken back: ${KEPT[news.reason]}`,
        detail: { outpoint: news.outpoint },
      }
    case 'reorganised':
      return { what: 'funding taken out of the chain by a reorganisation', detail: { outpoint: news.outpoint } }
    case 'conflicted':
      return {
        what: 'funding can never confirm: its coins were spent by another transaction',
        detail: { outpoint: news.outpoint, spent_by: news.spentBy },
      }
    case 'channel-active':
    case 'channel-closed':
    case 'refused':
      return undefined
  }
}
