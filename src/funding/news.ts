import type { FundingNews } from './states.ts'

/** The step of a sale's flight record that news of its funding are; undefined for what the sale records itself. */
export function describeNews(
  news: FundingNews,
): { readonly what: string; readonly detail: Readonly<Record<string, string>> } | undefined {
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
        what:
          news.reason === 'in-use'
            ? 'channel not taken back: its peer was paid over it'
            : 'channel not taken back: its peer did not come back in time',
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
