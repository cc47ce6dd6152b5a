import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { connect } from '../../../src/lnd/connect.ts'

/** Self-signed, for localhost; its key was thrown away. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBlDCCATugAwIBAgIULNOnXk6rHJ6A+dEP8y2iCPUOBzEwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA2MTYwOFoYDzIxMjYxMDI4
MDYxNjA4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAR/K/JG+5jxQOIfojNoxBWDA69r1EMVuLjp/glTB4YUMvSoWRG1UkGw
D+A4ynPyVduN6vMWEW+nzn9szPsbgrJzo2kwZzAdBgNVHQ4EFgQUX6EiYcdY1Wio
ShdL0/c723MvNxQwHwYDVR0jBBgwFoAUX6EiYcdY1WioShdL0/c723MvNxQwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
RwAwRAIgLTcJM90j1ofdVO/xdp1NpDtZuM3Y+pBWMA+nSw6wOecCIF0PqTtGBjvJ
kIyWeWMu3FjyKe+/5COWCsT3Tlxkl/VR
-----END CERTIFICATE-----
`
const folder = mkdtempSync(join(tmpdir(), 'connect-'))
const write = (name: string, content: string) => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
const certPath = write('tls.cert', CERTIFICATE)
const macaroonPath = write('lnd.macaroon', 'macaroon')

afterAll(() => rmSync(folder, { recursive: true }))

describe('connecting to lnd', () => {
  const missing = join(folder, 'missing')
  const socket = 'localhost:1'

  it.each([
    ['lnd.cert_path', { socket, certPath: missing, macaroonPath }, `${missing} does not exist`],
    ['lnd.cert_path', { socket, certPath: macaroonPath, macaroonPath }, 'is not a PEM certificate'],
    ['lnd.cert_path', { socket, certPath: folder, macaroonPath }, 'EISDIR'],
    ['lnd.macaroon_path', { socket, certPath, macaroonPath: missing }, 'sluice macaroon'],
    ['lnd.macaroon_path', { socket, certPath, macaroonPath: write('empty', '') }, 'is empty'],
    ['lnd.socket', { socket: 'localhost', certPath, macaroonPath }, 'localhost is not host:port'],
  ])('names %s and the fix when it cannot be used', (path, options, detail) => {
    try {
      connect(options).close()
    } catch (error) {
      expect(error).toMatchObject({
        failure: { code: 'CONFIG_INVALID', path, detail: expect.stringContaining(detail) },
      })
      return
    }
    throw new Error('it connected')
  })

  it.each(['localhost:1', '127.0.0.1:1', '[::1]:1'])('to %s where nobody listens is reported as such', async (at) => {
    const connection = connect({ socket: at, certPath, macaroonPath })
    try {
      await expect(connection.unary('getInfo', {}, new AbortController().signal)).rejects.toMatchObject({
        failure: {
          code: 'LND_UNAVAILABLE',
          call: 'getInfo',
          detail: expect.stringMatching(/ECONNREFUSED|EADDRNOTAVAIL|EACCES/),
        },
      })
    } finally {
      connection.close()
    }
  })

  it('gives up with the caller', async () => {
    const connection = connect({ socket, certPath, macaroonPath })
    try {
      const stop = new AbortController()
      stop.abort()
      await expect(connection.unary('getInfo', {}, stop.signal)).rejects.toMatchObject({
        failure: { code: 'LND_UNAVAILABLE' },
      })
    } finally {
      connection.close()
    }
  })
})
