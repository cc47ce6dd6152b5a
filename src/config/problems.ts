import type * as z from 'zod'
import type { Failure } from '../kernel/errors.ts'
import { ConfigFile } from './schema.ts'

type Issue = z.core.$ZodIssue
type Place = readonly PropertyKey[]
type Problem = { readonly path: string; readonly detail: string }
export type ConfigInvalid = Extract<Failure, { code: 'CONFIG_INVALID' }>

/** Longer values are cut in messages. */
const MAX_SHOWN = 60
/** More problems than this are not listed: the file is then not what it should be. */
const MAX_LISTED = 20

/** All that is wrong with a config file, each with its place, its value and its fix. */
export function describeProblems(issues: readonly Issue[], file: string): ConfigInvalid {
  const problems = issues.flatMap(problemsOf)
  const [first] = problems
  if (first !== undefined && problems.length === 1) return { code: 'CONFIG_INVALID', ...first }
  const lines = problems.slice(0, MAX_LISTED).map(({ path, detail }) => `  - ${path}: ${detail}`)
  const more = problems.length > MAX_LISTED ? [`  - and ${problems.length - MAX_LISTED} more`] : []
  return { code: 'CONFIG_INVALID', path: file, detail: [`${problems.length} problems`, ...lines, ...more].join('\n') }
}

function problemsOf(issue: Issue): Problem[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(issue.path, key))
  const path = placeName(issue.path)
  if (issue.input === undefined) return [{ path, detail: `is missing; ${fixOf(issue)}.` }]
  return [{ path, detail: `is ${show(issue.input)}; ${fixOf(issue)}.` }]
}

function fixOf(issue: Issue): string {
  if (issue.code === 'invalid_type' && issue.expected === 'object') return 'write an object { ... }'
  return issue.message
}

function unknownKey(parent: Place, key: string): Problem {
  const known = keysAt(parent)
  const near = known.find((candidate) => isNear(candidate, key))
  const hint = near === undefined ? `Known here: ${known.join(', ')}.` : `Did you mean "${near}"?`
  return { path: placeName([...parent, key]), detail: `is not a key of sluice; remove or rename it. ${hint}` }
}

function placeName(place: Place): string {
  if (place.length === 0) return '(top level)'
  return place.reduce<string>((name, part) => {
    if (typeof part === 'number') return `${name}[${part}]`
    return name === '' ? String(part) : `${name}.${String(part)}`
  }, '')
}

function show(value: unknown): string {
  const text = typeof value === 'bigint' ? `"${value}"` : (JSON.stringify(value) ?? String(value))
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text
}

/** The keys that the schema knows at a place. */
function keysAt(place: Place): string[] {
  let schema: unknown = ConfigFile
  for (const part of place) {
    const inner = unwrap(schema)
    schema = typeof part === 'number' ? inner?.element : inner?.shape?.[String(part)]
  }
  return Object.keys(unwrap(schema)?.shape ?? {})
}

type Inner = { readonly shape?: Record<string, unknown>; readonly element?: unknown }

/** Takes defaults and the like off a schema. */
function unwrap(schema: unknown): Inner | undefined {
  let current = schema as { readonly def?: { readonly innerType?: unknown } } | undefined
  while (current?.def?.innerType !== undefined) current = current.def.innerType as typeof current
  return current as Inner | undefined
}

const MAX_TYPING_ERRORS = 2

/** Equal but for case, dashes and a letter or two, and no more than a third of the key. */
function isNear(known: string, written: string): boolean {
  const plain = (key: string) => key.toLowerCase().replaceAll(/[-_]/g, '')
  return distance(plain(known), plain(written)) <= Math.min(MAX_TYPING_ERRORS, Math.floor(known.length / 3))
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries()) {
      const change = (row[j] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
