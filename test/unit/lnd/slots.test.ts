import { describe, expect, it } from 'vitest'
import type { NodeId } from '../../../lsps/base/node-id.ts'
import { checkSlots, countSlots } from '../../../src/lnd/slots.ts'

const node = (index: number) => `02${index.toString(16).padStart(64, '0')}` as NodeId

describe('access slots', () => {
  it('are taken by inbound peers without a channel', () => {
    const peers = [
      { nodeId: node(1), inbound: true },
      { nodeId: node(2), inbound: true },
      { nodeId: node(3), inbound: false },
    ]

    expect(countSlots({ peers, withChannel: new Set([node(2)]) }, 100)).toEqual({ used: 1, limit: 100 })
  })

  it('are worth a warning from four fifths on', () => {
    expect(checkSlots({ used: 79, limit: 100 })).toBeUndefined()
    expect(checkSlots({ used: 80, limit: 100 })).toMatchObject({ severity: 'warning', id: 'slots' })
    expect(checkSlots({ used: 120, limit: 100 })?.what).toContain("120 of lnd's 100 slots")
  })
})
