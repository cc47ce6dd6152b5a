import { bytesToHex } from '@noble/hashes/utils.js'
import { describe, expect, it } from 'vitest'
import { featureVector, hasFeature, OPTION_SUPPORTS_LSPS } from '../../../../lsps/lsps0/feature.ts'

describe('the LSPS feature bit', () => {
  it('[L0-50] is bit 729: 92 bytes with the mask 0x02 in the first', () => {
    const vector = featureVector(OPTION_SUPPORTS_LSPS)
    expect(bytesToHex(vector)).toBe(`02${'00'.repeat(91)}`)
    expect(hasFeature(vector, 729)).toBe(true)
    expect([728, 730, 5, 2000].some((bit) => hasFeature(vector, bit))).toBe(false)
  })
})
