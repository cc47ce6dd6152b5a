import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { SidecarError } from '../../../src/kernel/errors.ts'
import type { Connection } from '../../../src/lnd/connect.ts'
import { loadGrpc } from '../../../src/lnd/grpc.ts'
import { type Permission, readPermissions } from '../../../src/lnd/macaroon.ts'
import { METHODS } from '../../../src/lnd/methods.ts'
import { macaroonCommand, missingPermissions, permissionsFor, probePermissions } from '../../../src/lnd/permissions.ts'
import { FakeCall } from './fake-call.ts'

const field = (tag: number, bytes: Uint8Array) => {
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 0x7f) | 0x80, bytes.length >> 7]
  return Buffer.from([tag, ...length, ...bytes])
}
function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}
const text = (value: string) => new TextEncoder().encode(value)

/** A macaroon as lnd bakes it: version 2, location, identifier (bakery version 3), signature. */
function bake(permissions: readonly Permission[]): Uint8Array {
  const operations = permissions.map(({ entity, actions }) =>
    field(0x1a, Buffer.concat([field(0x0a, text(entity)), ...actions.map((action) => field(0x12, text(action)))])),
  )
  const identifier = Buffer.concat([
    Buffer.from([3]),
    field(0x0a, Buffer.alloc(16, 5)),
    field(0x12, text('0')),
    ...operations,
  ])
  return Buffer.concat([
    Buffer.from([2]),
    field(1, text('lnd')),
    field(2, identifier),
    Buffer.from([0, 0]),
    field(6, Buffer.alloc(32)),
  ])
}

const ours = (uris: readonly string[]) => [{ entity: 'uri', actions: uris.map((uri) => uri.replace(/^uri:/, '')) }]
const ADMIN = [
  { entity: 'address', actions: ['read', 'write'] },
  { entity: 'message', actions: ['read', 'write'] },
  { entity: 'info', actions: ['read', 'write'] },
  { entity: 'invoices', actions: ['read', 'write'] },
  { entity: 'offchain', actions: ['read', 'write'] },
  { entity: 'onchain', actions: ['read', 'write'] },
  { entity: 'peers', actions: ['read', 'write'] },
]

describe('the permissions that are asked for', () => {
  it('are methods that lnd has, by the names in its protos', () => {
    for (const method of Object.values(METHODS)) {
      expect(loadGrpc().method(method).path).toBe(`/${method}`)
    }
  })

  it('are all that the adapter calls when everything is on, and no spending when all is off', () => {
    expect(permissionsFor(['node', 'lsps2', 'orders', 'webhooks']).toSorted()).toEqual(
      Object.values(METHODS)
        .map((method) => `uri:/${method}`)
        .toSorted(),
    )
    expect(permissionsFor(['node']).join()).not.toMatch(/Psbt|OpenChannel|HtlcInterceptor|Publish|Lease|Invoice|Sign/)
  })

  it('are invoices only for orders, and the interceptor and aliases only for sales on the way', () => {
    const [sales, orders] = [permissionsFor(['node', 'lsps2']).join(), permissionsFor(['node', 'orders']).join()]
    expect(sales).toMatch(/HtlcInterceptor.*|XAddLocalChanAliases/)
    expect(sales).not.toMatch(/Invoice|SubscribeTransactions/)
    expect(orders).toMatch(/AddHoldInvoice.*SubscribeTransactions/)
    expect(orders).toMatch(/FundPsbt/)
    expect(orders).not.toMatch(/HtlcInterceptor|Aliases|HtlcEvents/)
  })

  it('are to sign messages only for webhooks, which also hold payments for customers that are away', () => {
    const sign = 'uri:/lnrpc.Lightning/SignMessage'
    const hold = ['uri:/lnrpc.Lightning/ListAliases', 'uri:/routerrpc.Router/HtlcInterceptor']
    expect(permissionsFor(['node', 'lsps2', 'orders'])).not.toContain(sign)
    expect(permissionsFor(['node', 'lsps2', 'webhooks'])).toContain(sign)
    expect(permissionsFor(['node', 'webhooks'])).toEqual([...permissionsFor(['node']), ...hold, sign])
    expect(permissionsFor(['node', 'orders', 'webhooks'])).toEqual(expect.arrayContaining([...hold, sign]))
  })

  it('come as a command that can be pasted', () => {
    const command = macaroonCommand(['node'], { path: '/data/lnd.macaroon', network: 'regtest' })

    expect(command).toMatch(
      /^lncli --network=regtest bakemacaroon --save_to \/data\/lnd\.macaroon \\\n {2}uri:\/lnrpc\.Lightning\/GetInfo \\\n/,
    )
    expect(macaroonCommand(['node'], { path: 'x', network: 'mainnet' })).toMatch(/^lncli bakemacaroon/)
  })
})

describe('a macaroon', () => {
  it('tells what it permits', () => {
    expect(readPermissions(bake(ADMIN))).toEqual(ADMIN)
    expect(missingPermissions(bake(ADMIN), ['node', 'lsps2'])).toEqual([])
    expect(missingPermissions(bake(ours(permissionsFor(['node', 'lsps2']))), ['node', 'lsps2'])).toEqual([])
  })

  it('shows what is missing: one baked for less, or read-only', () => {
    const forNode = bake(ours(permissionsFor(['node'])))
    const readonly = bake(ADMIN.map(({ entity }) => ({ entity, actions: ['read'] })))

    expect(missingPermissions(forNode, ['node'])).toEqual([])
    expect(missingPermissions(forNode, ['node', 'lsps2'])).toContain('htlcInterceptor')
    expect(missingPermissions(readonly, ['node'])).toEqual(['sendCustomMessage'])
  })

  it('that cannot be read tells nothing', () => {
    const whole = bake(ADMIN)

    expect(readPermissions(new Uint8Array())).toBeUndefined()
    expect(readPermissions(text('not a macaroon at all'))).toBeUndefined()
    for (let length = 1; length < 40; length += 1) expect(readPermissions(whole.subarray(0, length))).toBeUndefined()
  })
})

describe('probing', () => {
  const refuse = (detail: string) => new SidecarError({ code: 'LND_REFUSED', call: 'probe', detail })

  function fake(macaroon: Uint8Array, answer: (method: string) => void) {
    const called: string[] = []
    const requests = new Map<string, object>()
    const lnd = {
      macaroon,
      unary: async (method: string, request: object) => {
        called.push(method)
        requests.set(method, request)
        answer(method)
      },
      stream: (method: string) => {
        called.push(method)
        const call = new FakeCall()
        setImmediate(() => {
          try {
            answer(method)
            call.emit('end')
          } catch (error) {
            call.emit('error', error)
          }
        })
        return call
      },
      interceptor: () => {
        throw new Error('only one interceptor may be attached: a probe must not take its place')
      },
    } as unknown as Connection
    return { lnd, called, requests }
  }
  const signal = new AbortController().signal

  it('finds nothing when lnd refuses only what it was asked to do', async () => {
    const { lnd, called } = fake(bake(ADMIN), () => {
      throw refuse('not a valid alias')
    })

    expect(await probePermissions(lnd, ['node', 'lsps2'], signal)).toEqual([])
    expect(called).toContain('openChannel')
  })

  it('has lnd read no list of channels: they may be thousands, and payments may be held meanwhile', async () => {
    const { lnd, requests } = fake(bake(ADMIN), () => undefined)
    await probePermissions(lnd, ['node', 'lsps2'], signal)

    expect(requests.get('listChannels')).toEqual({ peer: Buffer.from([0]) })
  })

  it('names every method that lnd denies or the macaroon does not have', async () => {
    const macaroon = bake(ours(permissionsFor(['node', 'lsps2']).filter((uri) => !uri.endsWith('HtlcInterceptor'))))
    const { lnd } = fake(macaroon, (method) => {
      if (method === 'fundPsbt' || method === 'blocks') throw refuse('permission denied')
    })
    const [finding, ...others] = await probePermissions(lnd, ['node', 'lsps2'], signal)

    expect(others).toEqual([])
    expect(finding).toMatchObject({ id: 'permissions', severity: 'error' })
    expect(finding?.what).toBe(
      'the macaroon does not permit routerrpc.Router/HtlcInterceptor, walletrpc.WalletKit/FundPsbt, ' +
        'chainrpc.ChainNotifier/RegisterBlockEpochNtfn',
    )
    expect(finding?.fix).toContain('sluice macaroon')
  })

  it('ends its wait for a subscription that stays silent, also when memory is collected meanwhile', async () => {
    const { lnd } = fake(bake(ADMIN), () => undefined)
    const silent = { ...lnd, stream: () => new FakeCall() } as unknown as Connection
    const probed = probePermissions(silent, ['node'], signal)
    await new Promise((resolve) => setTimeout(resolve, 50))
    collectGarbage()

    expect(await probed).toEqual([])
  })

  it('takes the word of the macaroon for subscriptions when told to', async () => {
    const { lnd, called } = fake(bake(ADMIN), () => undefined)

    expect(await probePermissions(lnd, ['node', 'lsps2'], signal, { subscriptions: 'read' })).toEqual([])
    expect(called).toContain('fundPsbt')
    expect(called).not.toContain('openChannel')
  })

  it('asks for subscriptions all the same when the macaroon cannot be read', async () => {
    const { lnd, called } = fake(Uint8Array.of(7), () => undefined)
    await probePermissions(lnd, ['node', 'lsps2'], signal, { subscriptions: 'read' })

    expect(called).toContain('openChannel')
  })

  it('fails when lnd does not answer', async () => {
    const gone = new SidecarError({ code: 'LND_UNAVAILABLE', call: 'probe', detail: 'gone' })
    const { lnd } = fake(bake(ADMIN), () => {
      throw gone
    })

    await expect(probePermissions(lnd, ['node'], signal)).rejects.toBe(gone)
  })
})
