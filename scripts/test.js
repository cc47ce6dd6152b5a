import { spawn, spawnSync } from 'node:child_process'
import { buildStack } from './build-stack.js'
import { ROOT, setUp } from './setup.js'

/** `npm test`: sets up what is missing, then runs every suite; the last line is `N passed, N failed`. */

const INTERRUPTED = 130

/**
 * @param {readonly string[]} args
 * @returns {Promise<number>} the exit code
 */
function vitest(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...args], {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, SLUICE_ROWS: '1' },
    })
    const ignore = () => undefined
    process.on('SIGINT', ignore)
    child.once('error', reject)
    child.once('close', (code) => {
      process.off('SIGINT', ignore)
      resolve(code ?? INTERRUPTED)
    })
  })
}

/** ldk-node is built where cargo is; in continuous integration it has to be there. */
function wantsLdkNode() {
  const { CI } = process.env
  return CI === 'true' || CI === '1' || spawnSync('cargo', ['--version']).status === 0
}

async function test() {
  await setUp()
  await buildStack({ ldkNode: wantsLdkNode() })
  return vitest(process.argv.slice(2))
}

test().then(
  (code) => process.exit(code),
  (error) => {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.stdout.write('0 passed, 1 failed\n')
    process.exit(1)
  },
)
