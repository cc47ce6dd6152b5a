import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { getPublicKey } from '@noble/secp256k1'
import { signMessage } from '../../lsps/base/ln-signature.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import { refuse } from './failures.ts'
import type { SeededRandom } from './random.ts'

const KEY_BYTES = 32

/** The key of a simulated node, which is its id: what it signs can be verified as of any other node. */
export type Identity = { readonly nodeId: NodeId; readonly sign: (text: string) => string }

/** From as much chance as any other node id, so that what else follows from a seed does not depend on this. */
export function drawIdentity(random: SeededRandom): Identity {
  const secretKey = random.bytes(1 + KEY_BYTES).subarray(1)
  return {
    nodeId: bytesToHex(getPublicKey(secretKey)) as NodeId,
    sign: (text) => (text === '' ? refuse('need a message to sign') : signMessage(utf8ToBytes(text), secretKey)),
  }
}
