import * as z from 'zod'
import { type InvalidParams, invalidParams, type RpcFault } from './fault.ts'
import { isJsonObject, type JsonObject } from './framing.ts'

/** Parameter names that are known at each level; undefined where the value is not an object of named members. */
type Names = ReadonlyMap<string, Names | undefined>

/** What is accepted of real clients though no spec allows it (D6). */
export type Tolerance = {
  /** Parameters that no spec names: they are ignored. Dotted below the first level. */
  readonly unknown?: readonly string[]
  /** Parameters of the first level that may be the empty text where they should be absent. */
  readonly blank?: readonly string[]
}

/** Decodes the parameters of one method, or tells the fault. */
export type ParamsReader = (params: unknown) => { readonly params: unknown } | { readonly fault: RpcFault }

const NONE: JsonObject = {}

/** Of the names that `unrecognized` lists, as they stand in the answer: with id and the rest it fits into one message. */
export const MAX_UNRECOGNIZED_BYTES = 60_000

const utf8Encoder = new TextEncoder()

function namesOf(schema: z.ZodObject): Names {
  return new Map(Object.entries(schema.shape).map(([name, member]) => [name, nestedNames(member)]))
}

function nestedNames(schema: z.core.$ZodType): Names | undefined {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return nestedNames(schema.unwrap())
  if (schema instanceof z.ZodPipe) return nestedNames(schema.in)
  return schema instanceof z.ZodObject ? namesOf(schema) : undefined
}

/** Every name that the method does not know, dotted below the first level (L0-32). */
function unknownNames(params: JsonObject, names: Names, prefix = ''): string[] {
  const unknown: string[] = []
  for (const name of Object.keys(params)) {
    if (!names.has(name)) {
      unknown.push(prefix + name)
      continue
    }
    const inner = names.get(name)
    const value = params[name]
    if (inner !== undefined && isJsonObject(value)) unknown.push(...unknownNames(value, inner, `${prefix}${name}.`))
  }
  return unknown
}

/**
 * -32602 that names them, or as many as fit: a nested name is longer in the answer than in the question, so a question
 * full of them would have none (L0-02, L0-31).
 */
function unrecognizedFault(names: readonly string[]): RpcFault {
  let left = MAX_UNRECOGNIZED_BYTES
  const fitting = names.filter((name) => {
    const bytes = utf8Encoder.encode(JSON.stringify(name)).length + 1
    if (bytes > left) return false
    left -= bytes
    return true
  })
  if (fitting.length > 0) return invalidParams({ unrecognized: fitting })
  return invalidParams({ unrecognized: fitting, message: 'an unknown parameter whose name is too long to be repeated' })
}

/** A copy without what the method does not know: the strict codec would refuse even tolerated names. */
function withoutUnknown(params: JsonObject, names: Names): JsonObject {
  const known: Record<string, unknown> = {}
  for (const [name, inner] of names) {
    if (!Object.hasOwn(params, name)) continue
    const value = params[name]
    known[name] = inner !== undefined && isJsonObject(value) ? withoutUnknown(value, inner) : value
  }
  return known
}

function withoutBlank(params: JsonObject, names: readonly string[]): JsonObject {
  if (!names.some((name) => params[name] === '')) return params
  return Object.fromEntries(Object.entries(params).filter(([name, value]) => value !== '' || !names.includes(name)))
}

function valueAt(params: JsonObject, path: readonly PropertyKey[]): unknown {
  let value: unknown = params
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}

function firstFault(params: JsonObject, error: z.core.$ZodError): InvalidParams {
  const issue = error.issues[0]
  if (issue === undefined) return { unrecognized: [] }
  const message = valueAt(params, issue.path) === undefined ? 'required' : issue.message
  return { unrecognized: [], property: issue.path.join('.'), message }
}

/** Steps 5 to 7 of the dispatch order: an object, names, values. */
export function createParamsReader(schema: z.ZodObject, { unknown: tolerated, blank }: Tolerance = {}): ParamsReader {
  const names = namesOf(schema)
  const ignored: ReadonlySet<string> = new Set(tolerated)
  return (received) => {
    const given = received ?? NONE
    if (!isJsonObject(given)) {
      return { fault: invalidParams({ unrecognized: [], message: 'params is not an object' }) }
    }
    const params = blank === undefined ? given : withoutBlank(given, blank)
    const unknown = unknownNames(params, names)
    const unrecognized = unknown.length === 0 ? unknown : unknown.filter((name) => !ignored.has(name))
    if (unrecognized.length > 0) return { fault: unrecognizedFault(unrecognized) }
    const decoded = z.safeDecode(schema, (unknown.length === 0 ? params : withoutUnknown(params, names)) as never)
    return decoded.success ? { params: decoded.data } : { fault: invalidParams(firstFault(params, decoded.error)) }
  }
}
