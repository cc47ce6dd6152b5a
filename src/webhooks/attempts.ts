import { assertNever } from '../../lsps/base/machine.ts'
import type { Outcome } from './delivery/outcome.ts'
import type { AttemptOutcome } from './states.ts'

/** What the machine of a client needs to know of an attempt: whether it was answered, may have been heard, or never can be. */
export function attemptOutcome(outcome: Outcome): AttemptOutcome {
  if (outcome.kind === 'answered') return { type: 'answered', status: outcome.status }
  const { why: reason, detail } = outcome
  const why = `${reason}: ${detail}`
  switch (reason) {
    case 'refused':
      return { type: 'forbidden', why }
    case 'timeout':
    case 'broken':
      return { type: 'silent', why }
    case 'unresolved':
    case 'unreachable':
    case 'proxy':
    case 'tls':
    case 'busy':
      return { type: 'unsent', why }
    default:
      return assertNever(reason)
  }
}
