import { describe, expect, it } from 'vitest'
import { msat } from '../../../../lsps/base/amount.ts'
import type { Timestamp } from '../../../../lsps/base/datetime.ts'
import type { Scid } from '../../../../lsps/base/scid.ts'
import {
  acceptsExtraFees,
  EXTRA_FINAL_CLTV_BLOCKS,
  jitRouteHint,
  longestInvoiceExpiry,
} from '../../../../lsps/lsps2/invoice.ts'
import { NODE } from '../arbitraries.ts'

const part = (onion: bigint, htlc: bigint, extra?: bigint) => ({
  onionAmount: msat(onion),
  htlcAmount: msat(htlc),
  extraFee: extra === undefined ? undefined : msat(extra),
})

describe("a wallet's invoice", () => {
  it('[L2-55] has one hint with one hop through the server, free of routing fees', () => {
    const bought = { jit_channel_scid: '29451x4815x1' as Scid, lsp_cltv_expiry_delta: 144 }
    expect(jitRouteHint(NODE, bought)).toEqual({
      nodeId: NODE,
      scid: '29451x4815x1',
      baseFeeMsat: 0,
      feeProportionalMillionths: 0,
      cltvExpiryDelta: 144,
    })
  })

  it('[L2-55] does not outlive the offer', () => {
    const expiry = (until: number, now: number) =>
      longestInvoiceExpiry({ valid_until: until as Timestamp }, now as Timestamp)
    expect([expiry(10_999, 1000), expiry(1999, 1000), expiry(500, 1000)]).toEqual([9, 0, 0])
  })

  it('[L2-56] asks for two blocks more than it enforces', () => {
    expect(EXTRA_FINAL_CLTV_BLOCKS).toBe(2)
  })
})

describe('the parts that reach a wallet', () => {
  it('[L2-95] [L2-97] may lack what was declared, up to the agreed fee', () => {
    expect(acceptsExtraFees([part(500n, 400n, 100n), part(500n, 500n)], msat(100n))).toBe(true)
    expect(acceptsExtraFees([part(500n, 400n, 100n), part(500n, 499n, 1n)], msat(100n))).toBe(false)
  })

  it.each([
    ['undeclared', part(500n, 400n)],
    ['declared too low', part(500n, 400n, 99n)],
    ['declared too high', part(500n, 400n, 101n)],
  ])('[L2-95] are refused when what is missing is %s', (_name, received) => {
    expect(acceptsExtraFees([received], msat(1000n))).toBe(false)
  })
})
