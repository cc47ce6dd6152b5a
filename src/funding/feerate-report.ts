import type { Timestamp } from '../../lsps/base/datetime.ts'
import type { Estimate, FeerateFacts } from './feerate-verdict.ts'

/** What an operator is told of feerates: satoshi per virtual byte, ages in seconds. */
export function reportFeerate({ now, own, ceiling, second }: FeerateFacts) {
  return {
    ...reportEstimate(own, now),
    ceiling_sat_per_vbyte: ceiling,
    ...(second === undefined
      ? {}
      : {
          second: {
            url: second.url,
            ...reportEstimate(second.latest, now),
            max_ratio: second.maxRatio,
            on_unreachable: second.onUnreachable,
          },
        }),
  }
}

function reportEstimate(estimate: Estimate | undefined, now: Timestamp) {
  if (estimate === undefined) return {}
  const seconds = Math.floor((now - estimate.at) / 1000)
  return { sat_per_vbyte: estimate.satPerVbyte, age_seconds: Math.max(0, seconds) }
}
