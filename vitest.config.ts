import { defineConfig } from 'vitest/config'

const project = (name: string, extra: object = {}) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], ...extra },
})

/** Real daemons are slow to start and share one machine: one file at a time, generous deadlines. */
const STACK = { fileParallelism: false, testTimeout: 180_000, hookTimeout: 300_000, pool: 'forks' as const }

export default defineConfig({
  test: {
    projects: [
      {
        extends: true as const,
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], exclude: ['test/unit/architecture.test.ts'] },
      },
      { extends: true as const, test: { name: 'architecture', include: ['test/unit/architecture.test.ts'] } },
      project('conformance'),
      project('integration', { testTimeout: 120_000 }),
      project('compliance', STACK),
      project('stack', STACK),
    ],
  },
})
