import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { RULES } from './architecture-rules.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const MAX_LINES = 400

const WIRING = [
  'src/fitness.ts',
  'src/openings.ts',
  'src/ordering.ts',
  'src/selling.ts',
  'src/waking.ts',
  'src/lifetimes.ts',
  'src/extending.ts',
  'src/order-reports.ts',
  'src/slices.ts',
  'src/report.ts',
  'src/sidecar.ts',
  'src/daemon.ts',
  'src/main.ts',
]
/** Only these may be told the time, or to wait, by the machine. */
const CLOCKS = ['src/kernel/clock.ts']
/** gRPC deadlines are absolute wall-clock times; liveness of a socket is the machine's own matter. */
const CLOCK_EXCEPTIONS = ['src/lnd/connect.ts']

type Import = { readonly from: string; readonly to: string; readonly line: string }

function filesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder)).flatMap((name) => {
    const path = join(folder, name)
    if (statSync(join(ROOT, path)).isDirectory()) return filesUnder(path)
    return path.endsWith('.ts') ? [path] : []
  })
}

const IMPORT = /(?:^\s*(?:import|export)\b[^'"]*?from\s*|^\s*import\s*|\bimport\()['"]([^'"]+)['"]/gm

function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), 'utf8')
  return [...text.matchAll(IMPORT)].map(([line, specifier = '']) => {
    const isRelative = specifier.startsWith('.')
    const isNode = specifier.startsWith('node:')
    const target = isRelative ? relative(ROOT, resolve(ROOT, dirname(file), specifier)) : specifier
    return { from: file, to: isRelative || isNode ? target : `npm:${specifier}`, line: line.trim() }
  })
}

function ruleFor(file: string): readonly [string, readonly string[]] | undefined {
  return RULES.filter(([place]) => file.startsWith(place)).sort((a, b) => b[0].length - a[0].length)[0]
}

const files = [...filesUnder('lsps'), ...filesUnder('src')]

describe('the storeys', () => {
  it('import only downwards, and only what their folder may', () => {
    const broken = files.flatMap((file) => {
      const rule = ruleFor(file)
      if (rule === undefined) return [`${file}: no rule for this place, add one to the table`]
      const [place, allowed] = rule
      const folder = place.endsWith('/') ? place : `${dirname(place)}/`
      return importsOf(file)
        .filter(({ to }) => !to.startsWith(folder) && !allowed.some((prefix) => to.startsWith(prefix)))
        .map(({ to }) => `${file} imports ${to}: ${place} may import ${allowed.join(', ')}`)
    })
    expect(broken).toEqual([])
  })

  it('are wired in one place that nobody imports', () => {
    const broken = files
      .filter((file) => !WIRING.includes(file))
      .flatMap((file) => importsOf(file).filter(({ to }) => WIRING.includes(to)))
      .map(({ from, to }) => `${from} imports ${to}`)
    expect(broken).toEqual([])
  })

  it('know time and chance only through their ports', () => {
    const machine = /\b(Date\.now|new Date\(|Math\.random|setTimeout|setInterval|performance\.now)\b/
    const broken = files
      .filter((file) => !CLOCKS.includes(file) && !CLOCK_EXCEPTIONS.includes(file))
      .filter((file) => machine.test(readFileSync(join(ROOT, file), 'utf8')))
    expect(broken).toEqual([])
  })

  it('keep lsps/ free of the platform', () => {
    const broken = files
      .filter((file) => file.startsWith('lsps/'))
      .filter((file) =>
        /\b(Buffer|process|globalThis\.setTimeout|require)\b\s*[.(]/.test(readFileSync(join(ROOT, file), 'utf8')),
      )
    expect(broken).toEqual([])
  })
})

describe('files', () => {
  it(`are at most ${MAX_LINES} lines long`, () => {
    const long = files
      .map((file) => ({ file, lines: readFileSync(join(ROOT, file), 'utf8').split('\n').length }))
      .filter(({ lines }) => lines > MAX_LINES)
      .map(({ file, lines }) => `${file}: ${lines} lines`)
    expect(long).toEqual([])
  })

  it('are no barrels, except the public surface for wallets', () => {
    const barrels = files
      .filter((file) => file !== 'lsps/index.ts')
      .filter((file) => /^export \* from/m.test(readFileSync(join(ROOT, file), 'utf8')))
    expect(barrels).toEqual([])
  })
})
