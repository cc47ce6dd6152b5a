import { existsSync, linkSync, statSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { startAdmin } from '../../../src/admin/server.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { withTemporaryFolder } from '../config/folder.ts'
import { STATUS, samplePort } from './samples.ts'

function ask(socketPath: string, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    get({ socketPath, path }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part) => {
        text += part
      })
      response.on('end', () => resolve(JSON.parse(text)))
    }).on('error', reject)
  })
}

const start = (path: string) => startAdmin({ port: samplePort(), path, log: silentLog })

describe('the admin socket', () => {
  it('serves its owner only, and is gone afterwards', async () => {
    await withTemporaryFolder(async (folder) => {
      const path = `${folder}/admin.sock`
      const admin = await start(path)
      try {
        expect(await ask(path, '/v1/status')).toEqual(STATUS)
        expect((statSync(path).mode & 0o777).toString(8)).toBe('600')
      } finally {
        await admin.close()
      }
      expect(existsSync(path)).toBe(false)
    })
  })

  it('ends connections that are still open', async () => {
    await withTemporaryFolder(async (folder) => {
      const path = `${folder}/admin.sock`
      const port = samplePort({ status: () => new Promise(() => {}) })
      const admin = await startAdmin({ port, path, log: silentLog })
      const waiting = ask(path, '/v1/status').catch((error: Error) => error.message)
      await ask(path, '/v1/jit')
      await admin.close()

      expect(await waiting).toBe('socket hang up')
    })
  })

  it('takes the place of a socket that a killed daemon left', async () => {
    await withTemporaryFolder(async (folder) => {
      const path = `${folder}/admin.sock`
      await leaveSocket(path)
      expect(existsSync(path)).toBe(true)

      const admin = await start(path)
      expect(await ask(path, '/v1/status')).toEqual(STATUS)
      await admin.close()
    })
  })

  it('does not take the place of a daemon that serves, nor of a file', async () => {
    await withTemporaryFolder(async (folder) => {
      const path = `${folder}/admin.sock`
      const admin = await start(path)
      await expect(start(path)).rejects.toThrow('Is another sluiced running?')
      expect(await ask(path, '/v1/status')).toEqual(STATUS)
      await admin.close()

      writeFileSync(path, 'mine')
      await expect(start(path)).rejects.toThrow(`config ${path}: is not a socket`)
    })
  })

  it('says when the path is too long for a socket', async () => {
    await expect(start(`/tmp/${'x'.repeat(120)}`)).rejects.toThrow('set data_dir to a shorter path')
  })
})

/** What a `kill -9` leaves: the file of a socket without a listener. */
async function leaveSocket(path: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(`${path}.first`, resolve))
  linkSync(`${path}.first`, path)
  await new Promise((resolve) => server.close(resolve))
}
