import * as z from 'zod'
import { method } from '../base/method.ts'
import { LSPS1_FAULTS, lsps1Faults } from '../lsps1/methods.ts'
import { STANDARD_FAULTS } from '../rpc/fault.ts'
import { CreateExtensionParams, ExtendableChannel, ExtensionResult } from './schema.ts'

/** The errors of LSPS7 are those of LSPS1, their codes included (L7-04, L7-05). */
export const LSPS7_FAULTS = LSPS1_FAULTS

/** Makes the errors of LSPS7, ready to throw. */
export const lsps7Faults = lsps1Faults

/** LSPS7, a draft (bLIP-57): a channel that was bought is kept open for longer. */
export const lsps7 = {
  'lsps7.get_extendable_channels': method({
    summary: 'Lists the channels of this client that can be kept open for longer.',
    params: z.strictObject({}),
    result: z.object({ extendable_channels: z.array(ExtendableChannel) }),
    faults: [],
  }),
  'lsps7.create_order': method({
    summary: 'Orders a longer life for a channel and answers how to pay for it. Each call makes another order.',
    params: CreateExtensionParams,
    result: ExtensionResult,
    faults: [STANDARD_FAULTS.clientRejected, LSPS7_FAULTS.optionMismatch, LSPS7_FAULTS.unrecognizedToken],
  }),
  'lsps7.get_order': method({
    summary: 'Tells how an extension that this client ordered stands.',
    params: z.strictObject({ order_id: z.string() }),
    result: ExtensionResult,
    faults: [LSPS7_FAULTS.notFound],
  }),
}
