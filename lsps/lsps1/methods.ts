import * as z from 'zod'
import type { FaultDefinition } from '../base/method.ts'
import { method } from '../base/method.ts'
import { fault, type RpcFault, STANDARD_FAULTS } from '../rpc/fault.ts'
import { CreateOrderParams, Lsps1Options, OrderResult } from './schema.ts'

/** The errors of bLIP-51; 101 and 102 come without `data`, which the bLIP leaves empty (L0-39). */
export const LSPS1_FAULTS = {
  optionMismatch: { code: 100, name: 'option_mismatch', message: 'The order does not fit what is offered.' },
  notFound: { code: 101, name: 'not_found', message: 'There is no such order.' },
  unrecognizedToken: {
    code: 102,
    name: 'unrecognized_or_stale_token',
    message: 'The token is unknown or no longer valid.',
  },
} as const satisfies Readonly<Record<string, FaultDefinition>>

/** Which option does not fit, by its name in the answer that lists the options, and why, for people (L1-32). */
export type Mismatch = { readonly property: string; readonly message: string }

/** Makes the errors of bLIP-51, ready to throw. */
export const lsps1Faults = {
  /** 100, `lsps1.create_order` */
  optionMismatch: ({ property, message }: Mismatch): RpcFault =>
    fault(LSPS1_FAULTS.optionMismatch, { property, message }),
  /** 101, `lsps1.get_order`: also for the order of another client (L1-52) */
  notFound: (): RpcFault => fault(LSPS1_FAULTS.notFound),
  /** 102, `lsps1.create_order` */
  unrecognizedToken: (): RpcFault => fault(LSPS1_FAULTS.unrecognizedToken),
}

/** bLIP-51: channels that are ordered and paid for before they are opened. */
export const lsps1 = {
  'lsps1.get_info': method({
    summary: 'Tells which channels may be ordered.',
    params: z.strictObject({}),
    result: Lsps1Options,
    faults: [],
  }),
  'lsps1.create_order': method({
    summary: 'Orders a channel and answers how to pay for it. Each call makes another order.',
    params: CreateOrderParams,
    result: OrderResult,
    faults: [STANDARD_FAULTS.clientRejected, LSPS1_FAULTS.optionMismatch, LSPS1_FAULTS.unrecognizedToken],
  }),
  'lsps1.get_order': method({
    summary: 'Tells how an order of this client stands.',
    params: z.strictObject({ order_id: z.string() }),
    result: OrderResult,
    faults: [LSPS1_FAULTS.notFound],
  }),
}
