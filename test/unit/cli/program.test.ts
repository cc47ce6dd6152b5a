import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { AdminPort } from '../../../src/admin/port.ts'
import { startAdmin } from '../../../src/admin/server.ts'
import { EXIT } from '../../../src/cli/exit-codes.ts'
import { plain } from '../../../src/cli/format.ts'
import { type ProgramDeps, runProgram } from '../../../src/cli/program.ts'
import { SidecarError } from '../../../src/kernel/errors.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { VERSION } from '../../../src/kernel/version.ts'
import { ORDER, ORDER_ID, ORDER_RECORD } from '../admin/order-samples.ts'
import { AGREES, CLOSABLE, HASH, OPEN, PROMISES, QUOTE, RECORD, SALE, STATUS, samplePort } from '../admin/samples.ts'
import { FAILED_TEST, WALLET, WEBHOOK_RECORD, WEBHOOK_TEST, WEBHOOKS } from '../admin/webhook-samples.ts'
import { withTemporaryFolder } from '../config/folder.ts'

/** Runs `sluice`; what it printed where, and its exit code. */
async function sluice(argv: string[], deps: Partial<ProgramDeps> = {}) {
  let out = ''
  let err = ''
  const exitCode = await runProgram(argv, {
    console: {
      print: (text) => {
        out += text
      },
      paint: plain,
      now: () => 1_767_398_400_000,
    },
    complain: (text) => {
      err += text
    },
    inspect: async () => [{ severity: 'ok', what: 'lnd suits' }],
    bakeCommand: async (config) => `lncli bakemacaroon --save_to ${config.lnd.macaroon_path}`,
    ...deps,
  })
  return { exitCode, out, err }
}

/** With the config file of a daemon that runs, or does not. */
async function withConfig(
  use: (file: string) => Promise<void>,
  daemon: Partial<AdminPort> | 'stopped' = {},
): Promise<void> {
  await withTemporaryFolder(async (folder) => {
    const file = `${folder}/sluice.json`
    writeFileSync(file, JSON.stringify({ network: 'regtest', data_dir: '.' }))
    const admin =
      daemon !== 'stopped'
        ? await startAdmin({ port: samplePort(daemon), path: `${folder}/admin.sock`, log: silentLog })
        : undefined
    try {
      await use(file)
    } finally {
      await admin?.close()
    }
  })
}

describe('sluice with a running daemon', () => {
  it('shows status, sales and one sale to people', async () => {
    await withConfig(async (file) => {
      expect((await sluice(['status', '--config', file])).out).toMatch(/^sluiced +0\.1\.0 on regtest/m)
      expect((await sluice(['jit', 'list', '--config', file])).out).toContain(SALE.id)
      expect((await sluice(['jit', 'show', SALE.id, '--config', file])).out).toMatch(/\+312 ms +channel active/)
    })
  })

  it('lists decisions, of all or of one sale', async () => {
    await withConfig(async (file) => {
      const { out } = await sluice(['decisions', '--since', '7d', '--config', file])
      expect(out).toContain('2026-01-02T03:00:00.000Z  prices\n  sat per vbyte 12, price list 0le2ab3c4\n')
      expect(out).toMatch(/fee\s+2,000 sat/)
      expect(out.split('\n').filter((line) => line.length > 80)).toEqual([])
      const { exitCode } = await sluice(['decisions', '--sale', '1x2x3', '--config', file])
      expect(exitCode).toBe(EXIT.NOT_FOUND)
      expect((await sluice(['decisions', '--since', 'yesterday', '--config', file])).exitCode).toBe(EXIT.USAGE)
    })
  })

  it('shows what a customer would be offered', async () => {
    await withConfig(async (file) => {
      const { out } = await sluice(['quote', '--amount', '1500000', '--config', file])
      expect(out).toContain('= ')
      expect(JSON.parse((await sluice(['quote', '--json', '--config', file])).out)).toEqual(QUOTE)
      expect((await sluice(['quote', '--token', 'stranger', '--config', file])).exitCode).toBe(EXIT.NOT_FOUND)
      expect((await sluice(['quote', '--amount', '1.5', '--config', file])).exitCode).toBe(EXIT.USAGE)
    })
  })

  it('shows promises, and what may be closed once they are over', async () => {
    await withConfig(async (file) => {
      const { out } = await sluice(['promises', '--config', file])
      expect(out).toContain('efefefef..efef:1  kept')
      expect(await sluice(['promises', 'list', '--config', file])).toMatchObject({ out })
      expect(JSON.parse((await sluice(['promises', '--json', '--config', file])).out)).toEqual(PROMISES)
      expect((await sluice(['promises', '--state', 'broken', '--config', file])).out).toBe('no promises\n')
      expect((await sluice(['promises', '--state', 'lost', '--config', file])).exitCode).toBe(EXIT.USAGE)
      expect((await sluice(['promises', '--limit', '0', '--config', file])).exitCode).toBe(EXIT.USAGE)
      expect((await sluice(['promises', 'closable', '--config', file])).out).toContain('lncli closechannel')
      expect(JSON.parse((await sluice(['promises', 'closable', '--json', '--config', file])).out)).toEqual(CLOSABLE)
    })
  })

  it('shows orders, and says what it would do to one before it does it', async () => {
    await withConfig(async (file) => {
      expect((await sluice(['orders', 'list', '--config', file])).out).toContain(ORDER_ID)
      expect((await sluice(['orders', 'list', '--limit', '1', '--config', file])).out).toMatch(
        /older ones: sluice orders list --limit 1 \\\n {2}--before 3f9d7c9e-58a1-4c1e-9d3b-0e1a2b3c4d5e\n$/,
      )
      expect(JSON.parse((await sluice(['orders', 'list', '--json', '--config', file])).out)).toEqual({
        orders: [ORDER],
      })
      expect((await sluice(['orders', 'show', ORDER_ID, '--config', file])).out).toContain('48,376 sat')
      expect(JSON.parse((await sluice(['orders', 'show', HASH, '--json', '--config', file])).out)).toEqual(ORDER_RECORD)
      expect(await sluice(['orders', 'show', 'nothing', '--config', file])).toMatchObject({
        exitCode: EXIT.NOT_FOUND,
        err: 'sluice: no order has the id or payment hash nothing\n',
      })
      expect((await sluice(['orders', 'refund', ORDER_ID, '--config', file])).out).toContain('nothing was done yet')
      expect((await sluice(['orders', 'refund', ORDER_ID, '--yes', '--config', file])).out).toContain('is paid\n')
      expect(await sluice(['orders', 'cancel', ORDER_ID, '--yes', '--config', file])).toEqual({
        exitCode: EXIT.FAILED,
        out: '',
        err: `sluice: order ${ORDER_ID} stays as it is: it is paid\n`,
      })
      expect((await sluice(['orders', 'cancel', 'nothing', '--config', file])).exitCode).toBe(EXIT.NOT_FOUND)
    })
  })

  it('shows webhooks, and calls those of a client', async () => {
    await withConfig(async (file) => {
      const { out } = await sluice(['webhooks', '--config', file])
      expect(out).toContain('push.wallet.example.com 1f2e3d4c')
      expect(await sluice(['webhooks', 'list', '--config', file])).toMatchObject({ out })
      expect(JSON.parse((await sluice(['webhooks', '--json', '--config', file])).out)).toEqual(WEBHOOKS)
      expect((await sluice(['webhooks', '--limit', '0', '--config', file])).exitCode).toBe(EXIT.USAGE)
      const shown = await sluice(['webhooks', 'show', WALLET, '--json', '--config', file])
      expect(JSON.parse(shown.out)).toEqual(WEBHOOK_RECORD)
      expect(await sluice(['webhooks', 'show', 'nobody', '--config', file])).toMatchObject({
        exitCode: EXIT.NOT_FOUND,
        err: 'sluice: no client with the node id nobody has a webhook\n',
      })
      expect(await sluice(['webhooks', 'test', WALLET, '--config', file])).toMatchObject({
        exitCode: EXIT.OK,
        out: expect.stringMatching(/My wallet +push\.wallet\.example\.com 1f2e3d4c +200 +87 ms/),
      })
      const one = await sluice(['webhooks', 'test', WALLET, '--app', 'My wallet', '--json', '--config', file])
      expect(JSON.parse(one.out)).toEqual(WEBHOOK_TEST)
      expect(await sluice(['webhooks', 'test', WALLET, '--app', 'none', '--config', file])).toMatchObject({
        exitCode: EXIT.NOT_FOUND,
        err: `sluice: the client ${WALLET} has no webhook with the name "none"\n`,
      })
    })
  })

  it('asks a client for liquidity back, unless it is connected', async () => {
    const ask = (file: string, client = WALLET) => sluice(['webhooks', 'request-liquidity', client, '--config', file])
    await withConfig(async (file) => {
      expect(await ask(file)).toMatchObject({ exitCode: EXIT.OK, out: expect.stringContaining('webhooks are called') })
      expect((await ask(file, 'nobody')).exitCode).toBe(EXIT.NOT_FOUND)
    })
    await withConfig(
      async (file) => {
        expect(await ask(file)).toMatchObject({
          exitCode: EXIT.FAILED,
          out: expect.stringContaining('nothing was sent'),
        })
      },
      { requestLiquidity: async (client) => ({ client, outcome: 'here' }) },
    )
  })

  it('ends with 1 when a webhook did not hear its test', async () => {
    await withConfig(
      async (file) => {
        const test = () => sluice(['webhooks', 'test', WALLET, '--json', '--config', file])
        expect((await test()).exitCode).toBe(EXIT.FAILED)
        expect(JSON.parse((await test()).out)).toEqual(FAILED_TEST)
      },
      { webhookTest: async () => FAILED_TEST },
    )
  })

  it('says which states there are and how long a list may be', async () => {
    await withConfig(async (file) => {
      const list = (...more: string[]) => sluice(['jit', 'list', '--config', file, ...more])
      expect(await list('--state', 'payed')).toMatchObject({
        exitCode: EXIT.USAGE,
        err: expect.stringContaining('paid'),
      })
      expect(await list('--limit', '0')).toMatchObject({
        exitCode: EXIT.USAGE,
        err: 'sluice: --limit 0: write a number from 1 to 1000\n',
      })
    })
  })

  it('tells how to go on after a full page', async () => {
    await withConfig(async (file) => {
      const list = (...more: string[]) => sluice(['jit', 'list', '--config', file, ...more])

      expect((await list('--limit', '1', '--state', 'paid')).out).toMatch(
        /\n\nolder ones: sluice jit list --state paid --limit 1 --before 16123456x7x8\n$/,
      )
      expect((await list()).out).not.toContain('older ones')
    })
  })

  it('prints the same facts as JSON', async () => {
    await withConfig(async (file) => {
      expect(JSON.parse((await sluice(['status', '--json', '--config', file])).out)).toEqual(STATUS)
      expect(JSON.parse((await sluice(['jit', 'list', '--json', '--config', file])).out)).toEqual({ sales: [SALE] })
      expect(JSON.parse((await sluice(['jit', 'show', SALE.id, '--json', '--config', file])).out)).toEqual(RECORD)
    })
  })

  it('says that a sale does not exist, or that a question is wrong', async () => {
    await withConfig(async (file) => {
      expect(await sluice(['jit', 'show', '1x2x3', '--config', file])).toEqual({
        exitCode: EXIT.NOT_FOUND,
        out: '',
        err: 'sluice: no sale has the id, scid or payment hash 1x2x3\n',
      })
      expect((await sluice(['jit', 'list', '--limit', 'x', '--config', file])).exitCode).toBe(EXIT.USAGE)
    })
  })
})

describe('sluice with a daemon that is not well', () => {
  it('passes on what it says', async () => {
    const status = async () => {
      throw new Error('lnd is away')
    }
    await withConfig(
      async (file) => {
        expect(await sluice(['status', '--config', file])).toEqual({
          exitCode: EXIT.FAILED,
          out: '',
          err: 'sluice: sluiced could not answer: lnd is away\n',
        })
      },
      { status },
    )
  })

  it('asks about the versions when it does not understand the answer', async () => {
    const { sales: _, ...partial } = STATUS
    await withConfig(
      async (file) => {
        const { exitCode, err } = await sluice(['status', '--config', file])

        expect(exitCode).toBe(EXIT.FAILED)
        expect(err).toMatch(/are both of one version\?[\s\S]*sales/)
      },
      { status: async () => partial as typeof STATUS },
    )
  })
})

describe('sluice without a daemon', () => {
  it('says so, and how to start it', async () => {
    await withConfig(async (file) => {
      const { exitCode, out, err } = await sluice(['status', '--config', file])

      expect(exitCode).toBe(EXIT.UNREACHABLE)
      expect(out).toBe('')
      expect(err).toMatch(/^sluice: sluiced is not running: nobody listens at .*admin\.sock\.\nStart it with `sluiced`/)
      const json = await sluice(['status', '--json', '--config', file])
      expect(JSON.parse(json.err).error.exit_code).toBe(EXIT.UNREACHABLE)
    }, 'stopped')
  })

  it('checks the config', async () => {
    await withConfig(async (file) => {
      const { exitCode, out } = await sluice(['check-config', '--config', file])

      expect(exitCode).toBe(EXIT.OK)
      expect(JSON.parse(out)).toMatchObject({ network: 'regtest', lsps2: { htlc_minimum_msat: '1000' } })
      writeFileSync(file, '{"network": "regtest", "lnd": {"socket": 1}}')
      expect(await sluice(['check-config', '--config', file])).toMatchObject({
        exitCode: EXIT.CONFIG,
        err: 'sluice: config lnd.socket: is 1; write host:port like "localhost:10009".\n',
      })
    }, 'stopped')
  })

  it('prints the command that bakes the macaroon', async () => {
    await withConfig(async (file) => {
      const text = await sluice(['macaroon', '--config', file])
      const json = await sluice(['macaroon', '--json', '--config', file])

      expect(text.out).toMatch(/^lncli bakemacaroon --save_to \S+lnd\.macaroon\n$/)
      expect(JSON.parse(json.out)).toEqual({ command: text.out.trim() })
    }, 'stopped')
  })

  it('lets the doctor end with 1 only for errors', async () => {
    await withConfig(async (file) => {
      const look = (severity: 'ok' | 'warning' | 'error') =>
        sluice(['doctor', '--json', '--config', file], { inspect: async () => [{ severity, what: 'x', fix: 'y' }] })

      expect((await look('ok')).exitCode).toBe(EXIT.OK)
      expect((await look('warning')).exitCode).toBe(EXIT.OK)
      expect(await look('error')).toMatchObject({ exitCode: EXIT.FAILED, err: '' })
      expect(JSON.parse((await look('error')).out)).toEqual({ findings: [{ severity: 'error', what: 'x', fix: 'y' }] })
    }, 'stopped')
  })

  it('tells when lnd does not answer the doctor', async () => {
    await withConfig(async (file) => {
      const inspect = async () => {
        throw new SidecarError({ code: 'LND_UNAVAILABLE', call: 'getInfo', detail: 'refused' })
      }
      const { exitCode, err } = await sluice(['doctor', '--config', file], { inspect })

      expect(exitCode).toBe(EXIT.UNREACHABLE)
      expect(err).toBe(
        'sluice: lnd did not answer getInfo: refused. Is lnd running and reachable at the configured address?\n',
      )
    }, 'stopped')
  })
})

describe('the command line', () => {
  it.each([
    ['an unknown command', ['stats'], 'status'],
    ['an unknown option', ['status', '--jsno'], '--json'],
    ['a missing argument', ['jit', 'show'], "missing required argument 'sale'"],
    ['no command', [], 'Usage: sluice'],
  ])('explains %s', async (_, argv, help) => {
    const { exitCode, out, err } = await sluice(argv)

    expect(exitCode).toBe(EXIT.USAGE)
    expect(out).toBe('')
    expect(err).toContain(help)
  })

  it('has help and --json and --config on every command', async () => {
    for (const argv of [
      ['status'],
      ['jit', 'list'],
      ['jit', 'show'],
      ['doctor'],
      ['macaroon'],
      ['check-config'],
      ['drain'],
      ['reconcile'],
      ['webhooks', 'list'],
      ['webhooks', 'show'],
      ['webhooks', 'test'],
    ]) {
      const { exitCode, out } = await sluice([...argv, '--help'])
      expect(exitCode).toBe(EXIT.OK)
      expect(out).toContain('--json')
      expect(out).toContain('--config <file>')
    }
  })

  it('tells the version of the package', async () => {
    expect((await sluice(['--version'])).out).toBe(`${VERSION}\n`)
    expect(JSON.parse(readFileSync('package.json', 'utf8')).version).toBe(VERSION)
  })
})

describe('sluice drain', () => {
  const done = { ...OPEN, done: true, sales: {}, funding: {}, held_htlcs: 0, waits_for: [] }

  it('begins and ends it, and says what is open', async () => {
    const said: string[] = []
    const port: Partial<AdminPort> = {
      beginDrain: async () => {
        said.push('begin')
        return OPEN
      },
      endDrain: async () => {
        said.push('end')
        return done
      },
    }
    await withConfig(async (file) => {
      expect((await sluice(['drain', '--config', file])).out).toContain('open     1 sale awaiting')
      expect(JSON.parse((await sluice(['drain', '--json', '--config', file])).out)).toEqual(OPEN)
      expect((await sluice(['drain', '--end', '--config', file])).exitCode).toBe(EXIT.OK)
      expect(said).toEqual(['begin', 'begin', 'end'])
    }, port)
  })

  it('waits until nothing is open, and tells what it waits for when that changes', async () => {
    const answers = [OPEN, { ...OPEN, sales: { owed: 1 } }, done]
    await withConfig(
      async (file) => {
        const { exitCode, out } = await sluice(['drain', '--wait', '--config', file], { sleep: async () => undefined })

        expect(exitCode).toBe(EXIT.OK)
        expect(out.split('\n').slice(0, 4)).toEqual([
          'waits for  1 sale awaiting, 1 sale forwarding, 1 channel standing, 1 HTLC held',
          'waits for  1 sale owed, 1 channel standing, 1 HTLC held',
          'selling  no, draining since 2026-01-03T05:07:00Z (in 5 h)',
          'open     nothing: sluiced may be stopped',
        ])
      },
      { drain: async () => answers.shift() ?? done },
    )
  })

  it('gives up at its deadline, with what is open', async () => {
    let now = 0
    const console = { print: () => undefined, paint: plain, now: () => now }
    const sleep = async (ms: number) => {
      now += ms
    }
    await withConfig(
      async (file) => {
        const { exitCode, err } = await sluice(['drain', '--wait', '--timeout', '0.5', '--config', file], {
          console,
          sleep,
        })

        expect(exitCode).toBe(EXIT.TIMED_OUT)
        expect(err).toMatch(/^sluice: something is still open after 0\.5 min:\n\nselling[\s\S]*16077122x14676279x35511/)
        expect(now).toBe(30_000)
      },
      { drain: async () => OPEN },
    )
  })

  it('does not go on waiting when somebody ends the drain', async () => {
    const { draining_since: _, ...ended } = OPEN
    await withConfig(
      async (file) => {
        const { exitCode, err } = await sluice(['drain', '--wait', '--config', file], { sleep: async () => undefined })
        expect({ exitCode, err }).toEqual({ exitCode: EXIT.FAILED, err: 'sluice: the drain was ended meanwhile\n' })
      },
      { drain: async () => ended },
    )
  })

  it('waits over a restart of the daemon, not over its absence', async () => {
    let now = 0
    const console = { print: () => undefined, paint: plain, now: () => now }
    await withTemporaryFolder(async (folder) => {
      const file = `${folder}/sluice.json`
      writeFileSync(file, JSON.stringify({ network: 'regtest', data_dir: '.' }))
      const port = samplePort({ drain: async () => done })
      const listen = () => startAdmin({ port, path: `${folder}/admin.sock`, log: silentLog })
      let admin: Awaited<ReturnType<typeof listen>> | undefined = await listen()
      let comesBack = true
      const sleep = async (ms: number) => {
        now += ms
        if (admin !== undefined) await admin.close()
        admin = comesBack && now >= 10_000 ? await listen() : undefined
      }
      const wait = () => sluice(['drain', '--wait', '--config', file], { console, sleep })

      expect((await wait()).exitCode).toBe(EXIT.OK)
      expect(now).toBe(10_000)
      comesBack = false
      admin ??= await listen()
      expect((await wait()).exitCode).toBe(EXIT.UNREACHABLE)
      expect(now).toBeLessThan(80_000)
    })
  })

  it.each([
    ['an end to wait for', ['--end', '--wait']],
    ['a deadline for nothing', ['--timeout', '5']],
    ['no time', ['--wait', '--timeout', '0']],
    ['a word for a time', ['--wait', '--timeout', 'soon']],
  ])('refuses %s', async (_, options) => {
    await withConfig(async (file) => {
      expect((await sluice(['drain', ...options, '--config', file])).exitCode).toBe(EXIT.USAGE)
    })
  })
})

describe('sluice reconcile', () => {
  const difference = {
    kind: 'alias-missing',
    thing: 'sale 1x2x3',
    ours: 'leads on',
    theirs: 'leads nowhere',
    todo: 'restart',
  }

  it('ends with 0 when nothing differs, with 6 when something does', async () => {
    await withConfig(async (file) => {
      expect(await sluice(['reconcile', '--config', file])).toMatchObject({
        exitCode: EXIT.OK,
        out: 'compared 2 open sales, 1 opening, 40 channels, 1,234 fees: nothing differs\n',
      })
    })
    await withConfig(
      async (file) => {
        const { exitCode, out } = await sluice(['reconcile', '--config', file])
        expect(exitCode).toBe(EXIT.DIFFERS)
        expect(out).toContain('1 difference\n')
        const json = await sluice(['reconcile', '--json', '--config', file])
        expect(json.exitCode).toBe(EXIT.DIFFERS)
        expect(JSON.parse(json.out).differences).toEqual([difference])
      },
      { reconcile: async () => ({ ...AGREES, differences: [difference] }) },
    )
  })
})
