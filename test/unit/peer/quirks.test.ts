import { describe, expect, it } from 'vitest'
import { NodeId } from '../../../lsps/base/node-id.ts'
import type { Request } from '../../../lsps/rpc/message.ts'
import { MAX_RECOGNISED_PEERS, Quirks } from '../../../src/peer/quirks.ts'

/** What ldk-node 0.7.1 sent over the wire, byte for byte; its further requests differ in the id only. */
const LDK_NODE =
  '{"jsonrpc":"2.0","id":"ead72b1787aa7f72983bcceb371910cb","method":"lsps2.get_info","params":{"token":null}}'

const peer = (n: number) => NodeId.parse(`02${n.toString(16).padStart(64, '0')}`)

function request(text: string): Request {
  const { id, method, params } = JSON.parse(text)
  return { type: 'request', id, method, params }
}

function omits(text: string): boolean {
  const quirks = new Quirks()
  quirks.observe(peer(1), request(text))
  return quirks.omitsErrorData(peer(1))
}

describe('the recogniser of client libraries', () => {
  it('knows ldk-node by its first request, and only the peer that sent it', () => {
    const quirks = new Quirks()
    quirks.observe(peer(1), request(LDK_NODE))
    expect(quirks.omitsErrorData(peer(1))).toBe(true)
    expect(quirks.omitsErrorData(peer(2))).toBe(false)
  })

  it.each([
    ['a token', LDK_NODE.replace('null', '"abc"')],
    ['no token', LDK_NODE.replace('"token":null', '')],
    ['an id of another shape', LDK_NODE.replace('ead7', 'EAD7')],
    ['another method', LDK_NODE.replace('lsps2.get_info', 'lsps2.buy')],
  ])('takes a client with %s for one that follows the specs', (_, text) => {
    expect(omits(text)).toBe(false)
  })

  it('forgets the one that was recognised first when there are too many', () => {
    const quirks = new Quirks()
    for (let n = 0; n <= MAX_RECOGNISED_PEERS; n += 1) quirks.observe(peer(n), request(LDK_NODE))
    expect(quirks.omitsErrorData(peer(0))).toBe(false)
    expect(quirks.omitsErrorData(peer(1))).toBe(true)
    expect(quirks.omitsErrorData(peer(MAX_RECOGNISED_PEERS))).toBe(true)
  })
})
