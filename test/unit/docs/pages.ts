import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const ROOT = resolve(import.meta.dirname, '../../..')
export const PAGES = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'docs/lsps.md',
  'docs/config.md',
  'docs/http.md',
  'docs/clients.md',
  'docs/relay.md',
] as const

export const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
export const exists = (path: string): boolean => existsSync(join(ROOT, path))
const isFolder = (path: string): boolean => statSync(join(ROOT, path)).isDirectory()

/** The names in a folder of the repository, folders with a slash; what git ignores is left out. */
export function list(folder: string): readonly string[] {
  const ignored = read('.gitignore').split('\n')
  return readdirSync(join(ROOT, folder))
    .filter(
      (name) => name !== '.git' && !ignored.some((line) => line === name || line === `${name}/` || line === `/${name}`),
    )
    .map((name) => (isFolder(join(folder, name)) ? `${name}/` : name))
}

/** Fenced blocks of a language, in order. */
export function blocks(page: string, language: string): readonly string[] {
  const pattern = new RegExp(`^( *)\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\`$`, 'gm')
  return [...page.matchAll(pattern)].map(([, , text = '']) => text)
}

/** What stands between single backticks, outside of fenced blocks. */
export function codeIn(page: string): readonly string[] {
  const prose = page.replace(/^ *```[\s\S]*?^ *```$/gm, '')
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
}

/** How GitHub names a heading in links. */
export function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}
