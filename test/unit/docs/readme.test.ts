import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { lsps2 } from '../../../lsps/lsps2/methods.ts'
import { EXIT } from '../../../src/cli/exit-codes.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { parseConfig } from '../../../src/config/load.ts'
import { ConfigFile } from '../../../src/config/schema.ts'
import { Sale } from '../../../src/jit/states.ts'
import { checkNode, RECOMMENDED } from '../../../src/lnd/gate.ts'
import { NODE } from '../lsps/arbitraries.ts'
import { blocks, codeIn, read } from './pages.ts'

const README = fileURLToPath(new URL('../../../README.md', import.meta.url))
const page = read('README.md')
/** Look like keys of the config. */
const NOT_KEYS = new Set(['lnd.conf', 'lnd.macaroon', ...Object.keys(lsps2)])
const EXAMPLE = 'test/unit/docs/wallet-example.ts'

describe('the example for wallets', () => {
  it('is the one that is tested; `npx vitest run --project unit test/unit/docs -u` writes it anew', async () => {
    const source = read(EXAMPLE).replaceAll("'../../../lsps/index.ts'", "'sluice/lsps'")
    const pattern = new RegExp(`(<!-- ${EXAMPLE} -->\n\`\`\`ts\n)[\\s\\S]*?(\`\`\`)`)
    expect(page).toMatch(pattern)
    await expect(page.replace(pattern, (_, begin, end) => `${begin}${source}${end}`)).toMatchFileSnapshot(README)
  })
})

describe('the config that suffices', () => {
  it('is a config, with the price that the text says', () => {
    const [json = ''] = blocks(page, 'json')
    const config = parseConfig(JSON.parse(json), 'README.md')
    expect(config.lsps2.offers).toMatchObject([{ min_fee_msat: 2_000_000n, proportional: 4000 }])
    expect(page).toContain('0.4 % of the payment, at least 2,000 sat, for payments of 10,000 to 1,000,000 sat')
    expect(page).toContain(`num-restricted-slots=${config.lnd.restricted_slots}`)
  })
})

describe('the lines for lnd.conf', () => {
  it('are what the doctor asks for when nothing is set', () => {
    const [conf = ''] = blocks(page, 'ini')
    const bare = {
      nodeId: NODE,
      alias: '',
      version: `${RECOMMENDED.major}.${RECOMMENDED.minor}.${RECOMMENDED.patch}-beta`,
      network: 'mainnet',
      blockHeight: 1,
      syncedToChain: true,
      requireInterceptor: false,
      features: [],
      uris: [],
    }
    const options = { network: 'mainnet', lsps2: true, acceptFundingDeadlock: false, withoutRequireInterceptor: false }
    const asked = checkNode(bare, options).flatMap(({ fix }) =>
      [...fix.matchAll(/`([\w.-]+=\w+)`/g)].map(([, line]) => line),
    )
    expect(asked.length).toBeGreaterThan(4)
    const written = conf.split('\n').map((line) => line.trim())
    expect(asked.filter((line) => line !== undefined && !written.includes(line))).toEqual([])
  })

  it('are for the recommended version', () => {
    const { major, minor, patch } = RECOMMENDED
    expect(page).toContain(`| ${major}.${minor}.${patch} and later ${major}.${minor} | recommended`)
  })
})

describe('what the README names', () => {
  it('are keys that the config has', () => {
    const keys = codeIn(page).filter((code) =>
      /^(lnd|log|peer|funding|inventory|lsps2|promises|webhooks|admin)\.[a-z_]+$/.test(code),
    )
    expect(keys.length).toBeGreaterThan(10)
    const shape = ConfigFile.shape
    const unknown = keys.filter((key) => {
      const [section = '', name = ''] = key.split('.')
      const inner = shape[section as keyof typeof shape]
      const object = 'unwrap' in inner ? inner.unwrap() : inner
      return !NOT_KEYS.has(key) && !('shape' in object && name in (object.shape as object))
    })
    expect(unknown).toEqual([])
  })

  it('are commands that there are', async () => {
    const named = new Set(codeIn(page).flatMap((code) => /^sluice ((?:jit )?[a-z-]+)/.exec(code)?.[1] ?? []))
    expect(named.size).toBeGreaterThan(5)
    for (const command of named) {
      let said = ''
      const say = (text: string) => {
        said += text
      }
      const never = () => Promise.reject(new Error('not for help'))
      const console = { print: say, paint: (_: unknown, text: string) => text, now: () => 0 }
      const code = await runProgram([...command.split(' '), '--help'], {
        console,
        complain: say,
        inspect: never,
        bakeCommand: never,
      })
      expect({ command, code }).toEqual({ command, code: EXIT.OK })
      expect(said).toContain(`Usage: sluice ${command}`)
    }
  })

  it('are all exit codes', () => {
    const sentence = /Exit codes of both programs: ([^.]+)\./.exec(page.replaceAll('\n', ' '))?.[1] ?? ''
    const numbers = [...sentence.matchAll(/\d+/g)].map(([number]) => Number(number))
    expect(numbers).toEqual(Object.values(EXIT))
  })

  it('are all states of a sale', () => {
    const sentence = /States of a sale: ([\s\S]+?)\.\n/.exec(page)?.[1] ?? ''
    const tags = Sale.options.map(({ shape }) => shape.tag.value)
    expect(tags.filter((tag) => !sentence.includes(`\`${tag}\``))).toEqual([])
  })
})
