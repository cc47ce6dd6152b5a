import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { holdFolder, removeFolder } from '../stack/leash.ts'
import { reasonOf } from '../stack/wait.ts'
import { boot } from './boot.ts'
import { flood } from './flood.ts'
import { forwards } from './forwards.ts'
import { grpc } from './grpc.ts'
import { describeMachine } from './machine.ts'
import { offers } from './offers.ts'
import type { BenchOptions } from './options.ts'
import { orders } from './orders.ts'
import { purchases } from './purchases.ts'
import { rate } from './rate.ts'
import { sales } from './sales.ts'
import { signatures } from './signatures.ts'
import { type Row, renderTable, verdictOf } from './table.ts'
import { wake } from './wake.ts'
import { webhooks } from './webhooks.ts'

const DEFAULT_ROUNDS = 5

const BENCHES: Readonly<Record<string, (options: BenchOptions) => Promise<Row[]>>> = {
  boot,
  offers,
  grpc,
  purchases,
  flood,
  orders,
  forwards,
  sales,
  rate,
  wake,
  webhooks,
  signatures,
}

const USAGE = `Usage: npm run bench -- [--only NAME]... [--rounds N] [--json FILE] [--folder FOLDER]

  --only NAME      ${Object.keys(BENCHES).join(', ')}; all by default
  --rounds N       how often each is measured; the report shows medians (default: ${DEFAULT_ROUNDS})
  --json FILE      also write the figures there
  --folder FOLDER  where the databases go, to choose the disk (default: the system's folder for temporary files)

A bar that is missed is marked MISSED; the exit code is 0 all the same, as a busy machine is no fault. It is 1 when
something could not be measured at all.
`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      rounds: { type: 'string' },
      json: { type: 'string' },
      folder: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  const chosen = values.only ?? Object.keys(BENCHES)
  const unknown = chosen.find((name) => BENCHES[name] === undefined)
  if (values.help === true || unknown !== undefined) {
    process.stderr.write(unknown === undefined ? USAGE : `no benchmark "${unknown}"\n\n${USAGE}`)
    process.exitCode = unknown === undefined ? 0 : 2
    return
  }
  const folder = mkdtempSync(join(values.folder ?? tmpdir(), 'sluice-bench-'))
  holdFolder(folder)
  const log = (line: string) => process.stderr.write(`${line}\n`)
  try {
    const machine = describeMachine(folder)
    const rows: Row[] = []
    for (const name of chosen) {
      try {
        rows.push(...((await BENCHES[name]?.({ folder, rounds: Number(values.rounds ?? DEFAULT_ROUNDS), log })) ?? []))
      } catch (error) {
        process.exitCode = 1
        log(`${name} could not be measured: ${reasonOf(error)}`)
      }
    }
    const { cores, cpu, memoryGib, platform, node, loadAverage, syncMs } = machine
    process.stdout.write(
      `\n${renderTable(rows)}\n\n${cores} cores (${cpu}), ${memoryGib} GiB, ${platform}, node ${node}, ` +
        `load ${loadAverage.toFixed(1)} at the start, a synced write takes ${syncMs.toFixed(2)} ms\n`,
    )
    if (values.json !== undefined) {
      const figures = rows.map((row) => ({ ...row, verdict: verdictOf(row) }))
      writeFileSync(values.json, `${JSON.stringify({ machine, figures }, undefined, 2)}\n`)
    }
  } finally {
    await removeFolder(folder)
  }
}

await main()
