import { expect, it } from 'vitest'
import { configReference } from '../../../src/config/reference.ts'

it('docs/config.md is what the schema says; `npx vitest run --project unit -u test/unit/config` writes it anew', async () => {
  await expect(configReference()).toMatchFileSnapshot('../../../docs/config.md')
})

it('every key has a meaning', () => {
  const rows = configReference()
    .split('\n')
    .filter((line) => line.startsWith('| `'))

  expect(rows.length).toBeGreaterThan(30)
  for (const row of rows) expect(row).toMatch(/^\| `[^`]+` \| .* \| .{10,} \|$/)
})
