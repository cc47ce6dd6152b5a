import { permissionsFor } from '../../src/lnd/permissions.ts'
import { RealNode, realLnd } from './real-node.ts'
import { describeNodePort } from './suite.ts'

describeNodePort('lnd', async () => {
  const node = await RealNode.start()
  // With the macaroon of `sluice macaroon` and no other: it is enough, or these tests fail.
  return realLnd(node, node.attach(await node.bake(permissionsFor(['node', 'lsps2', 'orders', 'webhooks']))))
})
