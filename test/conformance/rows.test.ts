import { describe, expect, it } from 'vitest'
import { reportRows, rowsIn } from '../report/row-table.ts'
import { ROWS } from './rows.ts'

const LSPS0_ROWS = 65
const LSPS1_ROWS = 66
const LSPS2_ROWS = 84
const LSPS5_ROWS = 31
const LSPS7_ROWS = 8

const two = { 'L0-01': { says: 'one' }, 'L0-02': { says: 'two', pending: 'later' } }
const test = (title: string, state: 'passed' | 'failed' | 'skipped' = 'passed') => ({ title, state })

describe('the rows', () => {
  it('are all there, in order', () => {
    const ids = Object.keys(ROWS)
    expect(ids.filter((id) => id.startsWith('L0-'))).toHaveLength(LSPS0_ROWS)
    expect(ids.filter((id) => id.startsWith('L1-'))).toHaveLength(LSPS1_ROWS)
    expect(ids.filter((id) => id.startsWith('L2-'))).toHaveLength(LSPS2_ROWS)
    expect(ids.filter((id) => id.startsWith('L5-'))).toHaveLength(LSPS5_ROWS)
    expect(ids.filter((id) => id.startsWith('L7-'))).toHaveLength(LSPS7_ROWS)
    expect(ids.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))).toEqual(ids)
  })
})

describe('the report of rows', () => {
  it('finds every id in a title', () => {
    expect(rowsIn('a > [L0-01] [L2-110] [L1-97] [L5-40] [L7-08] b L0-02')).toEqual([
      'L0-01',
      'L2-110',
      'L1-97',
      'L5-40',
      'L7-08',
    ])
  })

  it('shows each row with its tests, or the reason why there are none', () => {
    const { lines, problems } = reportRows(two, [test('a [L0-01] b'), test('c [L0-01]'), test('d [L0-01]')])
    expect(problems).toEqual([])
    expect(lines[0]).toMatch(/^L0-01 +3 +one\n +- a b\n +- c$/)
    expect(lines[1]).toMatch(/^L0-02 +0 +two\n +\| later$/)
  })

  it.each(['L0-45', 'L1-45', 'L2-45', 'L7-05'])('lets no row of any spec pass without both, such as %s', (id) => {
    const says = ROWS[id]?.says ?? ''
    expect(reportRows({ [id]: { says } }, []).problems).toEqual([
      `row ${id} has neither a passed test nor a reason why not`,
    ])
    expect(reportRows({ [id]: { says } }, [test(`shown [${id}]`)]).problems).toEqual([])
  })

  it('tells what is still open of a row that is shown in part', () => {
    expect(reportRows(two, [test('a [L0-01]'), test('b [L0-02]')]).lines[1]).toMatch(/- b\n +\| in part: later$/)
  })

  it.each(['failed', 'skipped'] as const)('does not count a test that has %s', (state) => {
    const { problems } = reportRows(two, [test('a [L0-01]', state)])
    expect(problems).toEqual(['row L0-01 has neither a passed test nor a reason why not'])
  })

  it('does not let a test name what is no row', () => {
    const { problems } = reportRows(two, [test('a [L0-01] [L0-99]')])
    expect(problems).toEqual(['a test names L0-99, which is no row'])
  })
})
