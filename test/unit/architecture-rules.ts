/** For each place, longest match first: what it may import besides its own folder. `npm:` names a package. */
export const RULES: readonly (readonly [place: string, allowed: readonly string[]])[] = [
  ['lsps/', ['lsps/', 'npm:zod', 'npm:json-rpc-2.0', 'npm:@noble/']],

  ['src/kernel/logger.ts', ['src/kernel/', 'npm:pino']],
  ['src/kernel/', ['lsps/base/', 'src/store/port.ts', 'node:']],
  ['src/store/', ['lsps/base/', 'src/kernel/', 'npm:level', 'npm:zod', 'node:']],
  ['src/lnd/', ['lsps/', 'src/kernel/', 'npm:lightning', 'npm:@grpc/', 'node:']],

  ['src/funding/', ['lsps/', 'src/kernel/', 'src/store/', 'src/lnd/port.ts', 'npm:zod', 'npm:bitcoinjs-lib']],
  ['src/inventory/', ['lsps/', 'src/kernel/', 'src/store/', 'src/lnd/port.ts', 'npm:zod']],
  ['src/journal/', ['lsps/', 'src/kernel/', 'src/store/', 'npm:zod']],
  ['src/promises/', ['lsps/', 'src/kernel/', 'src/store/', 'src/lnd/port.ts', 'npm:zod']],

  ['src/held/', ['lsps/', 'src/kernel/', 'src/lnd/port.ts']],

  [
    'src/jit/',
    ['lsps/', 'src/kernel/', 'src/store/', 'src/lnd/port.ts', 'src/held/', 'src/journal/', 'npm:zod', 'node:crypto'],
  ],

  ['src/orders/', ['lsps/', 'src/kernel/', 'src/store/', 'src/lnd/port.ts', 'src/journal/', 'npm:zod', 'node:crypto']],

  ['src/wake/', ['lsps/', 'src/kernel/', 'src/store/', 'src/lnd/port.ts', 'src/held/', 'npm:zod']],

  ['src/webhooks/', ['lsps/', 'src/kernel/', 'src/store/', 'src/lnd/port.ts', 'npm:zod']],
  // What a wallet names is called by this folder alone.
  ['src/webhooks/delivery/', ['lsps/', 'src/kernel/', 'npm:undici', 'npm:ipaddr.js', 'node:']],

  // Above the features, since it speaks of all of them; known by the wiring only.
  [
    'src/operate/',
    [
      'lsps/',
      'src/kernel/',
      'src/store/',
      'src/lnd/port.ts',
      'src/jit/',
      'src/orders/',
      'src/funding/',
      'src/journal/',
      'src/promises/',
      'npm:zod',
    ],
  ],
  // What every surface for wallets needs to know of its callers.
  ['src/callers/', ['lsps/', 'src/kernel/']],
  ['src/peer/', ['lsps/', 'src/kernel/', 'src/callers/', 'src/lnd/port.ts']],
  ['src/rest/', ['lsps/', 'src/kernel/', 'src/callers/', 'npm:fastify', 'node:']],
  ['src/admin/', ['lsps/', 'src/kernel/', 'npm:fastify', 'npm:zod', 'node:']],
  ['src/cli/', ['lsps/', 'src/kernel/', 'src/config/', 'src/admin/', 'src/lnd/', 'npm:commander', 'npm:zod', 'node:']],
  ['src/config/', ['lsps/', 'src/kernel/', 'npm:zod', 'node:']],

  ['src/sandbox/', ['lsps/', 'src/kernel/', 'src/lnd/port.ts', 'npm:bitcoinjs-lib', 'npm:@noble/', 'node:']],
  // The wiring: knows everything, is known by nobody but main, tests and the demo.
  ['src/fitness.ts', ['lsps/', 'src/']],
  ['src/openings.ts', ['lsps/', 'src/']],
  ['src/ordering.ts', ['lsps/', 'src/']],
  ['src/selling.ts', ['lsps/', 'src/']],
  ['src/waking.ts', ['lsps/', 'src/']],
  ['src/extending.ts', ['lsps/', 'src/']],
  ['src/order-reports.ts', ['lsps/', 'src/']],
  ['src/webhook-reports.ts', ['lsps/', 'src/']],
  ['src/lifetimes.ts', ['lsps/', 'src/']],
  ['src/slices.ts', ['src/']],
  ['src/report.ts', ['lsps/', 'src/']],
  ['src/sidecar.ts', ['lsps/', 'src/', 'node:events']],
  ['src/daemon.ts', ['lsps/', 'src/', 'node:']],
  ['src/main.ts', ['src/']],
]
