import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openDataFolder } from '../../../src/config/data-folder.ts'
import { withTemporaryFolder } from './folder.ts'

const ones = (length: number) => new Uint8Array(length).fill(1)
const twos = (length: number) => new Uint8Array(length).fill(2)
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)

describe('the data folder', () => {
  it('gets a seed of 32 bytes once, and only its owner can read it', async () => {
    await withTemporaryFolder(async (folder) => {
      const data_dir = `${folder}/a/regtest`
      const first = openDataFolder({ data_dir }, ones)
      const second = openDataFolder({ data_dir }, twos)

      expect(first.seed).toEqual(ones(32))
      expect(second.seed).toEqual(ones(32))
      expect(new Uint8Array(readFileSync(first.paths.seed))).toEqual(ones(32))
      expect(mode(first.paths.seed)).toBe('600')
      expect(mode(data_dir)).toBe('700')
      expect(readdirSync(data_dir)).toEqual(['seed'])
    })
  })

  it('does not get a new seed beside an old database', async () => {
    await withTemporaryFolder(async (folder) => {
      mkdirSync(`${folder}/db`)

      expect(() => openDataFolder({ data_dir: folder }, ones)).toThrow(
        `config ${folder}/seed: is missing although there is a database. Restore the seed from your backup.`,
      )
      expect(readdirSync(folder)).toEqual(['db'])
    })
  })

  it('refuses a seed that others can read, and a cut one', async () => {
    await withTemporaryFolder(async (folder) => {
      writeFileSync(`${folder}/seed`, ones(31), { mode: 0o600 })
      expect(() => openDataFolder({ data_dir: folder }, ones)).toThrow('has 31 bytes instead of 32')

      writeFileSync(`${folder}/seed`, ones(32))
      chmodSync(`${folder}/seed`, 0o640)
      expect(() => openDataFolder({ data_dir: folder }, ones)).toThrow(`Run: chmod 600 ${folder}/seed`)
    })
  })

  it('says why a folder cannot be used', async () => {
    await withTemporaryFolder(async (folder) => {
      writeFileSync(`${folder}/file`, '')
      expect(() => openDataFolder({ data_dir: `${folder}/file/x` }, ones)).toThrow(/cannot be used: ENOTDIR.*Check/)
    })
  })
})
