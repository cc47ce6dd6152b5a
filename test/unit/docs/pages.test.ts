import { describe, expect, it } from 'vitest'
import { anchorOf, blocks, codeIn, exists, list, PAGES, read } from './pages.ts'

const headings = (page: string) => [...page.matchAll(/^#+ (.+)$/gm)].map(([, text = '']) => anchorOf(text))

describe.each(PAGES)('%s', (path) => {
  const page = read(path)
  const folder = path.includes('/') ? `${path.slice(0, path.lastIndexOf('/'))}/` : ''

  it('names only files and folders that are there', () => {
    const named = codeIn(page).filter((code) => /^(src|lsps|test|docs|scripts|bin)\/[\w./-]*$/.test(code))
    expect(named.filter((file) => !exists(file))).toEqual([])
  })

  it('links only to what is there', () => {
    const links = [...page.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
    const broken = links.filter((target) => {
      if (/^https?:/.test(target)) return false
      const [file = '', anchor] = target.split('#')
      const place = file === '' ? path : `${folder}${file}`
      return !exists(place) || (anchor !== undefined && !headings(read(place)).includes(anchor))
    })
    expect(broken).toEqual([])
  })

  it('names only scripts that package.json has', () => {
    const { scripts } = JSON.parse(read('package.json'))
    const named = [...page.matchAll(/npm (?:run ([\w:]+)|(test)\b)/g)].map(([, script, test]) => script ?? test)
    expect(named.filter((script) => script !== undefined && !(script in scripts))).toEqual([])
  })
})

describe('ARCHITECTURE.md', () => {
  const page = read('ARCHITECTURE.md')

  it('names only tests that are there', () => {
    const named = [...page.matchAll(/`(test\/[^`]+\.ts)` "([^"]+)"/g)].map(([, file = '', title = '']) => ({
      file,
      title,
    }))
    expect(named.length).toBeGreaterThan(20)
    expect(named.filter(({ file, title }) => !read(file).includes(title))).toEqual([])
  })

  it('has a test for every invariant', () => {
    const rows = page.split('\n').filter((line) => /^\| \d+ \|/.test(line))
    expect(rows.map((row) => Number(row.split('|')[1]))).toEqual(rows.map((_, index) => index + 1))
    for (const row of rows) expect(row).toMatch(/`test\/[^`]+\.test\.ts`/)
  })

  it('names members that the files have', () => {
    const named = [...page.matchAll(/`((?:src|lsps)\/[\w./-]+\.ts)`: `(#?\w+)`/g)]
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter(([, file = '', member = '']) => !read(file).includes(member)).map(([all]) => all)).toEqual([])
  })

  it('has a map with everything that is there, and nothing else', () => {
    const [map = ''] = blocks(page, 'text')
    const shown: string[] = []
    let parent = ''
    for (const [, indent = '', name = ''] of map.matchAll(/^( *)(\S+)/gm)) {
      if (indent === '' && name.endsWith('/')) parent = name
      shown.push(indent === '' ? name : `${parent}${name}`)
    }
    expect(shown.filter((path) => !exists(path))).toEqual([])
    const hidden = ['package-lock.json', '.gitignore', '.npmrc']
    const missing = (folder: string) =>
      list(folder)
        .map((name) => (folder === '.' ? name : `${folder}/${name}`))
        .filter((path) => !shown.includes(path) && !hidden.includes(path))
    expect(['.', 'lsps', 'src', 'test'].flatMap(missing)).toEqual([])
  })

  it('has every table of the database', () => {
    const text = [
      'src/jit/records.ts',
      'src/orders/records.ts',
      'src/funding/records.ts',
      'src/journal/journal.ts',
      'src/journal/flight.ts',
      'src/operate/drain.ts',
    ]
      .map(read)
      .join('\n')
    const tables = [...text.matchAll(/new Table\(\s*'([\w-]+)'|= '((?:jit|orders)-[\w-]+)'/g)].map(
      ([, one, other]) => one ?? other ?? '',
    )
    expect(tables.length).toBeGreaterThan(9)
    expect(tables.filter((table) => !page.includes(`\`${table}\``))).toEqual([])
  })
})
