import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
// biome-ignore lint/correctness/noUndeclaredDependencies: only its types, of the version that lightning brings along
import type * as Protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'
import { METHODS } from '../../../src/lnd/methods.ts'
import { PROTOS } from '../../../src/lnd/protos.ts'

const here = createRequire(import.meta.url)
const fromLightning = createRequire(here.resolve('lightning/package.json'))
const protobuf = createRequire(fromLightning.resolve('@grpc/proto-loader'))('protobufjs') as typeof Protobuf

function ours(): Protobuf.Root {
  const root = new protobuf.Root()
  for (const source of PROTOS) protobuf.parse(source, root, { keepCase: true })
  root.resolveAll()
  return root
}

function lightnings(): Protobuf.Root {
  const folder = join(dirname(here.resolve('lightning/package.json')), 'grpc', 'protos')
  const root = new protobuf.Root()
  root.resolvePath = (_, file) => join(folder, file)
  root.loadSync(['lightning.proto', 'router.proto', 'walletkit.proto', 'invoices.proto', 'chainnotifier.proto'], {
    keepCase: true,
  })
  root.resolveAll()
  return root
}

/** Every fact of a proto that decides what stands on the wire, one line each. */
function facts(namespace: Protobuf.NamespaceBase): string[] {
  return namespace.nestedArray.flatMap((item) => {
    const name = item.fullName
    if (item instanceof protobuf.Type) return [`message ${name}`, ...item.fieldsArray.map(fieldFact), ...facts(item)]
    if (item instanceof protobuf.Enum)
      return Object.entries(item.values).map(([key, value]) => `${name} ${key} = ${value}`)
    if (item instanceof protobuf.Service) return item.methodsArray.map(methodFact)
    return item instanceof protobuf.Namespace ? facts(item) : []
  })
}

function fieldFact(field: Protobuf.Field): string {
  const type = field.resolvedType?.fullName ?? field.type
  const key = field instanceof protobuf.MapField ? `map<${field.keyType}> ` : ''
  const group = field.partOf === null ? '' : ` of ${field.partOf.name}`
  return `${field.parent?.fullName}.${field.name} = ${field.id}: ${field.repeated ? 'repeated ' : ''}${key}${type}${group}`
}

function methodFact(method: Protobuf.Method): string {
  const { resolvedRequestType: request, resolvedResponseType: response } = method
  const asks = `${method.requestStream ? 'stream ' : ''}${request?.fullName}`
  return `${method.fullName}: ${asks} -> ${method.responseStream ? 'stream ' : ''}${response?.fullName}`
}

/** Every name that an answer of lnd can have for a part of it: of fields, and of groups of which one is set. */
function names(namespace: Protobuf.NamespaceBase): string[] {
  return namespace.nestedArray.flatMap((item) => {
    if (item instanceof protobuf.Type)
      return [...Object.keys(item.fields), ...Object.keys(item.oneofs ?? {}), ...names(item)]
    return item instanceof protobuf.Namespace ? names(item) : []
  })
}

const RAW = new URL('../../../src/lnd/raw.ts', import.meta.url)

describe('the protos of the adapter', () => {
  it('have each field that is read: what they lack is decoded as if lnd had not said it', () => {
    const read = [...readFileSync(RAW, 'utf8').matchAll(/readonly ([a-z_0-9]+)\??:/g)].map(([, name]) => name)
    const known: ReadonlySet<string | undefined> = new Set(names(ours()))

    expect(read.length).toBeGreaterThan(100)
    expect(read.filter((name) => !known.has(name))).toEqual([])
  })

  it('say nothing that those of lightning do not say', () => {
    const theirs = new Set(facts(lightnings()))

    expect(facts(ours()).length).toBeGreaterThan(200)
    expect(facts(ours()).filter((fact) => !theirs.has(fact))).toEqual([])
  })

  it('have each method that is called, and no other', () => {
    const services = [
      'lnrpc.Lightning',
      'routerrpc.Router',
      'walletrpc.WalletKit',
      'invoicesrpc.Invoices',
      'chainrpc.ChainNotifier',
    ]
    const methods = services.flatMap((service) =>
      ours()
        .lookupService(service)
        .methodsArray.map(({ name }) => `${service}/${name}`),
    )

    expect(methods.toSorted()).toEqual(Object.values(METHODS).toSorted())
  })
})
