import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { withTemporaryFolder } from '../config/folder.ts'

describe.each([
  ['sluice', 'cli/main.js'],
  ['sluiced', 'main.js'],
])('bin/%s.js', (name, main) => {
  it('runs what was built, and says when nothing was', async () => {
    await withTemporaryFolder(async (folder) => {
      mkdirSync(`${folder}/bin`)
      mkdirSync(`${folder}/dist/src/cli`, { recursive: true })
      writeFileSync(`${folder}/package.json`, '{"type": "module"}')
      copyFileSync(`bin/${name}.js`, `${folder}/bin/${name}.js`)
      const run = () => spawnSync(process.execPath, [`${folder}/bin/${name}.js`], { encoding: 'utf8' })

      expect(run()).toMatchObject({ status: 1, stderr: `${name} is not built yet. Run: npm run build\n` })
      writeFileSync(`${folder}/dist/src/${main}`, 'process.exitCode = 7')
      expect(run()).toMatchObject({ status: 7, stderr: '' })
    })
  })
})
