import * as z from 'zod'
import type { Method, MethodTable, NotificationTable } from './method.ts'

/** The names of an object's members, dotted below the first level; optional ones end in `?`. */
function namesOf(schema: z.core.$ZodType, prefix = ''): readonly string[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return namesOf(schema.unwrap(), prefix)
  if (schema instanceof z.ZodPipe) return namesOf(schema.in, prefix)
  if (schema instanceof z.ZodArray) return namesOf(schema.element, prefix)
  if (!(schema instanceof z.ZodObject)) return []
  return Object.entries(schema.shape).flatMap(([name, member]) => {
    const optional = member instanceof z.ZodOptional ? '?' : ''
    return [`${prefix}${name}${optional}`, ...namesOf(member, `${prefix}${name}.`)]
  })
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `\`${name}\``).join(', ')
}

function describeMethod(name: string, { summary, params, result, faults }: Method): string {
  const errors = faults.map(({ code, name: called }) => `${code} ${called}`)
  const facts = [
    `- parameters: ${listed(namesOf(params))}`,
    `- result: ${listed(namesOf(result))}`,
    `- errors of its own: ${errors.length === 0 ? 'none' : errors.join(', ')}`,
  ]
  return [`### ${name}`, summary, facts.join('\n')].join('\n\n')
}

/** A reference of the methods in Markdown, made from what serves them. */
export function describeMethods(tables: readonly MethodTable[]): string {
  const methods = tables.flatMap((table) => Object.entries(table))
  return `${methods.map(([name, method]) => describeMethod(name, method)).join('\n\n')}\n`
}

/** A reference of the notifications that go to webhooks, in Markdown. */
export function describeNotifications(table: NotificationTable): string {
  const rows = Object.entries(table).map(
    ([name, { summary, params }]) => `| \`${name}\` | ${listed(namesOf(params))} | ${summary} |`,
  )
  return `${['| method | parameters | |', '|---|---|---|', ...rows].join('\n')}\n`
}
