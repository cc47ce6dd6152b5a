import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { expect, it } from 'vitest'

/** `import ... from '...'` and `export ... from '...'`, but not `import type`, which is gone at run time. */
const STATIC_IMPORT = /^(?:import|export)\s+(?!type\b)(?:[^'"]*?\sfrom\s+)?'([^']+)'/gm

/** All modules that are loaded before the first line of a file runs; packages by name. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file) || !existsSync(file)) return seen
  seen.add(file)
  for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(STATIC_IMPORT)) {
    if (name.startsWith('.')) loadedBy(resolve(dirname(file), name), seen)
    else seen.add(name)
  }
  return seen
}

it('sluiced does not load the admin server or the command parser before it serves: foreign forwards wait for it', () => {
  const loaded = loadedBy(resolve('src/main.ts'))

  expect(loaded).toContain('zod')
  expect([...loaded].filter((name) => ['fastify', 'commander'].includes(name))).toEqual([])
})
