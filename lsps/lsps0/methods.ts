import * as z from 'zod'
import { method } from '../base/method.ts'

/** LSPS numbers; 0 is never listed, since every server speaks it (L0-53). */
const ProtocolNumber = z.int().min(1).max(65_535)

/** bLIP-50: the methods that every LSPS server has. */
export const lsps0 = {
  'lsps0.list_protocols': method({
    summary: 'Lists the LSPS protocols that the server offers.',
    params: z.strictObject({}),
    result: z.object({ protocols: z.array(ProtocolNumber) }),
    faults: [],
  }),
}
