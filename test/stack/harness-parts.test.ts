import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ensureBinaries } from './binaries.ts'
import { buildFolder, exists, withLock } from './cache.ts'
import { encodeInvoice } from './ldk/bolt11.ts'
import { ensureLdkNode } from './ldk-node-build.ts'
import { removeFolder, temporaryFolder } from './leash.ts'
import { waitFor } from './wait.ts'

const log = () => undefined

/** Gone, or dead and only not collected yet by a container's first process. */
async function hasEnded(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch {
    return true
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return / [ZX] /.test(stat)
}

describe('the parts of the harness', () => {
  let folder: string | undefined

  afterEach(async () => {
    vi.unstubAllEnvs()
    if (folder !== undefined) await removeFolder(folder)
    folder = undefined
  })

  it('names the fix when the daemons can be neither found nor built', async () => {
    folder = temporaryFolder('parts')
    vi.stubEnv('SLUICE_CACHE', folder)
    vi.stubEnv('BTCD_BIN', '')
    vi.stubEnv('LND_BIN', join(folder, 'lnd'))
    await expect(ensureBinaries({ log })).rejects.toThrow(/LND_BIN=.*Correct or unset it/)
    vi.stubEnv('LND_BIN', '')
    vi.stubEnv('PATH', folder)
    await expect(ensureBinaries({ log })).rejects.toThrow(
      /install Go 1\.25\.13 or newer, or point LND_BIN and BTCD_BIN/,
    )
  })

  it('goes without ldk-node where there is no cargo, but not in CI', async () => {
    folder = temporaryFolder('parts')
    vi.stubEnv('SLUICE_CACHE', folder)
    vi.stubEnv('LDK_NODE_BIN', '')
    vi.stubEnv('PATH', folder)
    vi.stubEnv('CI', '')
    expect(await ensureLdkNode({ log })).toBeUndefined()
    vi.stubEnv('CI', 'true')
    await expect(ensureLdkNode({ log })).rejects.toThrow(/cargo is missing/)
  })

  it('builds one at a time, and takes over from a run that was killed', async () => {
    folder = temporaryFolder('parts')
    const path = join(folder, 'lock')
    let inside = 0
    let most = 0
    const work = async () => {
      inside += 1
      most = Math.max(most, inside)
      await new Promise((resolve) => setImmediate(resolve))
      inside -= 1
    }
    await Promise.all([withLock(path, log, work), withLock(path, log, work)])
    expect(most).toBe(1)

    await mkdir(path)
    const longAgo = new Date(Date.now() - 60_000)
    await utimes(path, longAgo, longAgo)
    expect(await withLock(path, log, async () => 'taken over')).toBe('taken over')
    expect(await exists(path)).toBe(false)
  })

  it('leaves nothing of a build that failed', async () => {
    folder = temporaryFolder('parts')
    const target = join(folder, 'built')
    const failing = buildFolder(target, async (unfinished) => {
      await writeFile(join(unfinished, 'half'), '')
      throw new Error('out of disk')
    })
    await expect(failing).rejects.toThrow('out of disk')
    expect(await exists(target)).toBe(false)
    await buildFolder(target, (unfinished) => writeFile(join(unfinished, 'whole'), ''))
    expect(await exists(join(target, 'whole'))).toBe(true)
  })

  it('ends the daemons and removes the folders of a process that was killed', async () => {
    const here = (file: string) => JSON.stringify(pathToFileURL(join(import.meta.dirname, file)).href)
    const script = `
      const { temporaryFolder } = await import(${here('leash.ts')})
      const { Daemon } = await import(${here('daemon.ts')})
      const folder = temporaryFolder('killed')
      const daemon = await Daemon.start({ name: 'sleep', command: 'sleep', args: ['600'], logFile: folder + '/log' })
      console.log(JSON.stringify({ folder, pid: daemon.pid }))
      setInterval(() => undefined, 60_000) // it must not end before it is killed
    `
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const left = JSON.parse(line.toString('utf8')) as { folder: string; pid: number }
    expect(await hasEnded(left.pid)).toBe(false)

    child.kill('SIGKILL')
    await waitFor(() => hasEnded(left.pid), { deadline: 60_000, what: 'the daemon to end' })
    await waitFor(async () => !(await exists(left.folder)), { deadline: 60_000, what: 'its folder to be removed' })
  })

  it('encodes the invoice of a known key and hash', () => {
    const text = encodeInvoice(
      {
        paymentHash: new Uint8Array(32).fill(1),
        paymentSecret: new Uint8Array(32).fill(2),
        description: 'coffee',
        timestamp: 1_496_314_658,
        expirySeconds: 3600,
        minFinalCltvDelta: 40,
        amountMsat: 1_234_567n,
      },
      new Uint8Array(32).fill(3),
    )
    expect(text).toMatch(/^lnbcrt12345670p1pvjluez/)
  })
})
