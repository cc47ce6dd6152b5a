import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HOSTILE } from './hostile-table.ts'
import { PUBLIC, type Surroundings, surround } from './surroundings.ts'

let world: Surroundings
beforeAll(async () => {
  world = await surround({ own: ['93.184.215.99'] })
})
afterAll(() => world.close())

const rows = HOSTILE.map(({ url, answers }, index) => {
  const leads = answers === undefined ? '' : ` -> ${answers.map((one) => String(one)).join(' then ')}`
  return { row: index + 1, shown: `${JSON.stringify(url.slice(0, 80))}${leads}`, url, answers }
})

describe('a hostile webhook [L5-14]', () => {
  it.each(rows)('$row: $shown: nothing is connected to', async ({ url, answers }) => {
    world.dns(answers ?? [[PUBLIC]])
    const before = world.dialed.length
    const outcome = await world.send(url.replaceAll('PORT', String(world.trapPort)))
    expect(world.dialed.slice(before)).toEqual([])
    expect(outcome).toMatchObject({ kind: 'no-answer', why: expect.stringMatching(/^(refused|unresolved)$/) })
    expect(world.trapped).toEqual([])
    expect(world.received).toEqual([])
  })

  it('is one of many: the table has at least 60', () => {
    expect(new Set(rows.map(({ shown }) => shown)).size).toBeGreaterThanOrEqual(60)
    expect(rows.filter(({ answers }) => answers !== undefined).length).toBeGreaterThanOrEqual(30)
  })

  it('would be seen if it were connected to: the trap works', async () => {
    const open = await surround({ config: { loopback: 'allowed' } })
    try {
      expect(await open.send(`https://127.0.0.1:${open.trapPort}/`)).toMatchObject({ why: 'tls' })
      expect(open.trapped).toHaveLength(1)
      expect(open.dialed).toEqual([{ host: '127.0.0.1', port: open.trapPort }])
    } finally {
      await open.close()
    }
  })
})
