import { describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import { createLogger, type LogLevel } from '../../../src/kernel/logger.ts'

type Line = { readonly level: string; readonly time: string; readonly msg: string; readonly err?: unknown }

function recorded(level: LogLevel = 'info') {
  const lines: Line[] = []
  const log = createLogger({ level, destination: { write: (line) => void lines.push(JSON.parse(line)) } })
  return { log, lines }
}

describe('the logger', () => {
  it('writes one JSON line with level, time, fields and message', () => {
    const { log, lines } = recorded()
    log.child({ part: 'jit' }).info({ peer: '02ab' }, 'channel opened')

    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({ level: 'info', part: 'jit', peer: '02ab', msg: 'channel opened' })
    expect(lines[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  })

  it('writes amounts as exact decimal strings, also inside', () => {
    const { log, lines } = recorded()
    log
      .child({ base: 1n })
      .info({ feeMsat: msat(2n ** 64n - 1n), parts: [{ amount: 9_007_199_254_740_993n }] }, 'fee earned')

    expect(lines[0]).toMatchObject({
      base: '1',
      feeMsat: '18446744073709551615',
      parts: [{ amount: '9007199254740993' }],
    })
  })

  it('writes errors with their message and keeps secrets out', () => {
    const { log, lines } = recorded()
    log.error({ err: new Error('boom'), preimage: 'aa', lnd: { macaroon: 'bb' } }, 'call failed')

    expect(lines[0]?.err).toMatchObject({ type: 'Error', message: 'boom' })
    expect(JSON.stringify(lines)).not.toMatch(/"aa"|"bb"/)
  })

  it('is silent below its level', () => {
    const { log, lines } = recorded('warn')
    log.info({}, 'quiet')
    log.warn({}, 'loud')

    expect(lines.map((line) => line.msg)).toEqual(['loud'])
  })
})
