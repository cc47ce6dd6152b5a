import { describe, expect, it } from 'vitest'
import { LSPS0_KINDS } from './kinds/lsps0.ts'
import { LSPS1_KINDS } from './kinds/lsps1.ts'
import { LSPS1_STATE_KINDS } from './kinds/lsps1-states.ts'
import { LSPS2_KINDS } from './kinds/lsps2.ts'
import { LSPS2_MONEY_KINDS } from './kinds/lsps2-money.ts'
import { LSPS5_KINDS } from './kinds/lsps5.ts'
import { SCHEMA_KINDS } from './kinds/schema.ts'
import { TLV_KINDS } from './kinds/tlv.ts'
import { REASONS, reasonFor } from './reasons.ts'
import { areOwn, type KindChecks, kindOf, loadVectors, titleRows } from './vectors.ts'

const KINDS: KindChecks = {
  ...LSPS0_KINDS,
  ...SCHEMA_KINDS,
  ...LSPS1_KINDS,
  ...LSPS1_STATE_KINDS,
  ...LSPS2_KINDS,
  ...LSPS2_MONEY_KINDS,
  ...LSPS5_KINDS,
  ...TLV_KINDS,
}

const vectors = loadVectors()

describe('the vectors', () => {
  it('are there, and each has an id of its own', () => {
    expect(vectors.length).toBeGreaterThan(0)
    expect(new Set(vectors.map(({ id }) => id)).size).toBe(vectors.length)
  })

  if (areOwn) {
    it('need every reason for which one is not run', () => {
      const unused = REASONS.filter(({ concerns }) => !vectors.some(concerns)).map(({ reason }) => reason)
      expect(unused).toEqual(['a closed draft that is not served'])
    })
  }

  for (const vector of vectors.filter((one) => reasonFor(one) === undefined)) {
    const kind = KINDS[kindOf(vector)]
    it(`${vector.id}: ${vector.name} ${titleRows(kind, vector)}`, async () => {
      if (kind === undefined) throw new Error(`no check for vectors of the kind ${kindOf(vector)}, and no reason why`)
      await kind.check(vector)
    })
  }
})
