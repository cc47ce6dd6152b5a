import { SidecarError } from '../kernel/errors.ts'

/** The node answered that it did not do it (or, where a fault says so, that it claims not to have done it). */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}

export function refuse(detail: string): never {
  throw new Refusal(detail)
}

export function refusedBy(call: string, detail: string): SidecarError {
  return new SidecarError({ code: 'LND_REFUSED', call, detail })
}

export function unavailable(call: string, detail: string): SidecarError {
  return new SidecarError({ code: 'LND_UNAVAILABLE', call, detail })
}

/** What the port throws for an error of the simulated node. */
export function toPortError(call: string, error: unknown): unknown {
  return error instanceof Refusal
    ? new SidecarError({ code: 'LND_REFUSED', call, detail: error.message }, error)
    : error
}
