import * as z from 'zod'
import { ConfigFile } from './schema.ts'

type Node = {
  readonly description?: string
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, Node>>
  readonly required?: readonly string[]
  readonly items?: Node
}

type Row = { readonly key: string; readonly fallback: string; readonly meaning: string }

const HEADER = `# Configuration

One JSON file: \`~/.sluice/sluice.json\`, or the one that \`--config\` names. \`sluice check-config\` prints what it amounts
to. Amounts are decimal strings in quotes; secrets are never written here, only the paths of their files; \`~\` is the
home folder, a relative path starts at the folder of the file; an unknown key is an error.
[\`config.example.json\`](../config.example.json) is complete.

This page is generated from the schema (\`src/config/schema.ts\`).
`

/** The page docs/config.md: every key with its default and its meaning, as the schema tells them. */
export function configReference(): string {
  const root = z.toJSONSchema(ConfigFile, { io: 'input', unrepresentable: 'any' }) as Node
  const sections = Object.entries(root.properties ?? {})
  const top = sections.filter(([, node]) => node.properties === undefined)
  const groups = sections.filter(([, node]) => node.properties !== undefined)
  const parts = [
    HEADER,
    table(top.map(([key, node]) => row(key, node, root))),
    ...groups.map(([key, node]) => `## \`${key}\`\n\n${node.description ?? ''}\n\n${table(rows(key, node))}`),
  ]
  return parts.join('\n')
}

function rows(prefix: string, group: Node): Row[] {
  return Object.entries(group.properties ?? {}).flatMap(([name, node]) => {
    const key = `${prefix}.${name}`
    const own = row(key, node, group, name)
    if (node.items !== undefined) return [own, ...rows(`${key}[]`, node.items)]
    return node.properties === undefined ? [own] : [own, ...rows(key, node)]
  })
}

function row(key: string, node: Node, parent: Node, name: string = key): Row {
  return { key, fallback: fallbackOf(node, parent.required?.includes(name) ?? false), meaning: node.description ?? '' }
}

function fallbackOf(node: Node, required: boolean): string {
  if (required) return 'required'
  if (node.default === undefined || node.properties !== undefined) return ''
  return `\`${JSON.stringify(node.default)}\``
}

function table(lines: readonly Row[]): string {
  const body = lines.map(
    ({ key, fallback, meaning }) => `| \`${key}\` | ${fallback} | ${meaning.replaceAll('|', '\\|')} |`,
  )
  return ['| key | default | meaning |', '|---|---|---|', ...body, ''].join('\n')
}
