import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'

const Vector = z.object({
  id: z.string(),
  protocol: z.string(),
  kind: z.string(),
  name: z.string(),
  /** Where it was taken from. */
  source: z.string(),
  input: z.unknown(),
  expected: z.unknown(),
  note: z.string().optional(),
})

export type Vector = z.output<typeof Vector>

const VectorFile = z.object({ vectors: z.array(Vector) })

const OWN_FOLDER = join(import.meta.dirname, 'vectors')
const { SLUICE_VECTORS: namedByUser } = process.env

/** Whether the vectors are those of this repository. */
export const areOwn = namedByUser === undefined

function filesIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  const names = readdirSync(path).filter((name) => name.endsWith('.json'))
  return names.toSorted().map((name) => join(path, name))
}

/** Every vector of our folder, or of the file or folder that SLUICE_VECTORS names. */
export function loadVectors(path = namedByUser ?? OWN_FOLDER): readonly Vector[] {
  return filesIn(path).flatMap((file) => {
    const parsed = z.safeParse(VectorFile, JSON.parse(readFileSync(file, 'utf8')))
    if (!parsed.success) throw new Error(`${file} is no file of vectors: ${z.prettifyError(parsed.error)}`)
    return parsed.data.vectors
  })
}

/** `protocol/kind`, by which a vector finds its check. */
export function kindOf({ protocol, kind }: Vector): string {
  return `${protocol}/${kind}`
}

/** A member of a vector's input or expectation; the vector is at fault when it is not of the wanted shape. */
export function shaped<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = z.safeParse(schema, value)
  if (parsed.success) return parsed.data
  throw new Error(`no check knows this shape of vector: ${z.prettifyError(parsed.error)}\n${JSON.stringify(value)}`)
}

/** The rows of a vector as they stand in the title of its test. */
export function titleRows(kind: KindCheck | undefined, vector: Vector): string {
  try {
    const rows = typeof kind?.rows === 'function' ? kind.rows(vector) : (kind?.rows ?? [])
    return rows.map((row) => `[${row}]`).join(' ')
  } catch {
    return '' // its shape is unknown: its test says so
  }
}

/** How vectors of one kind are checked. */
export type KindCheck = {
  /** The rows that such a vector shows. */
  readonly rows: readonly string[] | ((vector: Vector) => readonly string[])
  readonly check: (vector: Vector) => void | Promise<void>
}

export type KindChecks = Readonly<Record<string, KindCheck>>
