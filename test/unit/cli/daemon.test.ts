import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Clock } from '../../../lsps/base/clock.ts'
import { type Host, runDaemon, type Sidecar, type SidecarDeps, STOP_DEADLINE_MS } from '../../../src/cli/daemon.ts'
import { EXIT } from '../../../src/cli/exit-codes.ts'
import type { Config } from '../../../src/config/schema.ts'
import { systemClock } from '../../../src/kernel/clock.ts'
import { SidecarError } from '../../../src/kernel/errors.ts'
import { createLogger } from '../../../src/kernel/logger.ts'
import { withTemporaryFolder } from '../config/folder.ts'

/** A process that records what the daemon does to it. */
function fakeHost(argv: string[], clock: Clock = systemClock) {
  const signals = new Map<string, () => void>()
  const seen = { out: '', err: '', log: '', exits: [] as number[] }
  const host: Host = {
    argv,
    clock,
    onSignal: (signal, handler) => signals.set(signal, handler),
    print: (text) => {
      seen.out += text
    },
    complain: (text) => {
      seen.err += text
    },
    exit: (code) => seen.exits.push(code),
    createLogger: ({ level }) =>
      createLogger({
        level,
        destination: {
          write: (line) => {
            seen.log += line
          },
        },
      }),
  }
  return { host, seen, send: (signal: 'SIGINT' | 'SIGTERM') => signals.get(signal)?.() }
}

type Started = { readonly config: Config; readonly deps: SidecarDeps }

/** A sidecar that starts at once; `started` resolves when it was. */
function fakeSidecar(sidecar: Sidecar) {
  let tell: (value: Started) => void = () => {}
  const started = new Promise<Started>((resolve) => {
    tell = resolve
  })
  const start = async (config: Config, deps: SidecarDeps): Promise<Sidecar> => {
    tell({ config, deps })
    return sidecar
  }
  return { start, started }
}

async function withConfig(use: (file: string) => Promise<void>): Promise<void> {
  await withTemporaryFolder(async (folder) => {
    writeFileSync(`${folder}/sluice.json`, '{"network": "regtest"}')
    await use(`${folder}/sluice.json`)
  })
}

const notStarted = async (): Promise<Sidecar> => {
  throw new Error('must not be started')
}

describe('sluiced', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('starts with its config and stops in order on %s', async (signal) => {
    await withConfig(async (file) => {
      let stops = 0
      const { start, started } = fakeSidecar({
        stop: async () => {
          stops += 1
        },
      })
      const { host, seen, send } = fakeHost(['--config', file])
      const run = runDaemon(start, host)
      const { config, deps } = await started

      expect(config.network).toBe('regtest')
      expect(deps.signal.aborted).toBe(false)
      send(signal)
      expect(await run).toBe(EXIT.OK)
      expect(stops).toBe(1)
      expect(deps.signal.aborted).toBe(true)
      expect(seen.exits).toEqual([])
      expect(seen.log).toMatch(/"msg":"starting".*\n.*"msg":"stopping".*\n.*"msg":"stopped"/)
    })
  })

  it('ends at once on the second signal', async () => {
    await withConfig(async (file) => {
      const { start, started } = fakeSidecar({ stop: () => new Promise(() => {}) })
      const { host, seen, send } = fakeHost(['--config', file])
      void runDaemon(start, host)
      await started

      send('SIGTERM')
      expect(seen.exits).toEqual([])
      send('SIGINT')
      expect(seen.exits).toEqual([EXIT.INTERRUPTED])
    })
  })

  it('does not wait for a stop for ever', async () => {
    await withConfig(async (file) => {
      const waits: number[] = []
      const hurried: Clock = {
        now: systemClock.now,
        sleep: async (ms) => {
          waits.push(ms)
        },
      }
      const { start, started } = fakeSidecar({ stop: () => new Promise(() => {}) })
      const { host, seen, send } = fakeHost(['--config', file], hurried)
      const run = runDaemon(start, host)
      await started
      send('SIGTERM')

      expect(await run).toBe(EXIT.TIMED_OUT)
      expect(waits).toEqual([STOP_DEADLINE_MS])
      expect(seen.err).toBe(`sluiced: waited ${STOP_DEADLINE_MS} ms for an orderly stop\n`)
    })
  })

  it('can be told to stop while it starts', async () => {
    await withConfig(async (file) => {
      const { host, send } = fakeHost(['--config', file])
      const start = (_: Config, { signal }: SidecarDeps) =>
        new Promise<Sidecar>((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
          send('SIGTERM')
        })

      expect(await runDaemon(start, host)).toBe(EXIT.OK)
    })
  })

  it('tells plainly why it cannot start', async () => {
    await withConfig(async (file) => {
      const { host, seen } = fakeHost(['--config', file])
      const start = async () => {
        throw new SidecarError({ code: 'NOT_READY', findings: ['lnd 0.21.0 strands payments: install 0.21.3'] })
      }

      expect(await runDaemon(start, host)).toBe(EXIT.NOT_READY)
      expect(seen.err).toBe('sluiced: not ready to start:\n  - lnd 0.21.0 strands payments: install 0.21.3\n')
    })
  })

  it('ends at once, with a number of its own, when it must not go on', async () => {
    await withConfig(async (file) => {
      const { start, started } = fakeSidecar({ stop: async () => {} })
      const { host, seen } = fakeHost(['--config', file])
      void runDaemon(start, host)
      const { deps } = await started
      deps.onFatal(new SidecarError({ code: 'STORE_FAILED', detail: 'disk full' }))

      expect(seen.exits).toEqual([EXIT.STORE])
      expect(seen.err).toContain('sluiced: the database could not be written: disk full.')
      expect(seen.log).toContain('cannot go on')
    })
  })

  it('explains itself and its mistakes without starting', async () => {
    const help = fakeHost(['--help'])
    expect(await runDaemon(notStarted, help.host)).toBe(EXIT.OK)
    expect(help.seen.out).toContain('Usage: sluiced [--config FILE]')

    const wrong = fakeHost(['--conf', 'x'])
    expect(await runDaemon(notStarted, wrong.host)).toBe(EXIT.USAGE)
    expect(wrong.seen.err).toContain("Unknown option '--conf'")

    const missing = fakeHost(['--config', '/nowhere/sluice.json'])
    expect(await runDaemon(notStarted, missing.host)).toBe(EXIT.CONFIG)
    expect(missing.seen.err).toContain('config /nowhere/sluice.json: does not exist.')
  })
})
