import { writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { SidecarError } from '../../../src/kernel/errors.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { CERTIFICATE_CHECK_MS, MAX_CONNECTIONS_PER_ADDRESS, startRest } from '../../../src/rest/server.ts'
import { ManualClock } from '../../../src/sandbox/manual-clock.ts'
import { withTemporaryFolder } from '../config/folder.ts'
import { CERTIFICATES } from './pem.ts'
import { CONFIG } from './shop.ts'

const { trustedProxy: _, ...PUBLIC } = CONFIG
const port = { services: [], uris: () => [] }

type Pem = (typeof CERTIFICATES)['first']

/** With the files of a certificate in a folder that is gone afterwards. */
async function withPem(
  pem: Pem,
  run: (tls: { certPath: string; keyPath: string }, write: (pem: Pem) => void) => Promise<void>,
): Promise<void> {
  await withTemporaryFolder(async (folder) => {
    const tls = { certPath: `${folder}/cert.pem`, keyPath: `${folder}/key.pem` }
    const write = ({ cert, key }: Pem) => {
      writeFileSync(tls.certPath, cert)
      writeFileSync(tls.keyPath, key)
    }
    write(pem)
    await run(tls, write)
  })
}

/** The fingerprint of what a new connection is shown. */
function shown(address: string): Promise<string> {
  const [host = '', listening] = address.split(':')
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host, port: Number(listening), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256)
      socket.destroy()
    })
    socket.once('error', reject)
  })
}

/** Asks something and waits for an answer, or for the end of the connection. */
function asked(listening: number, host: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(listening, host, () => socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n'))
    socket.on('error', () => undefined)
    socket.once('data', () => socket.destroy())
    socket.once('close', () => resolve())
  })
}

describe('the listener', () => {
  it('serves over TLS whoever comes, by the certificate of the config', async () => {
    await withPem(CERTIFICATES.first, async (tls) => {
      const server = await startRest({ port, config: { ...PUBLIC, tls }, clock: new ManualClock(), log: silentLog })
      try {
        const status = await new Promise((resolve, reject) => {
          const url = `https://${server.address}/api/v1/get_info`
          request(url, { ca: CERTIFICATES.first.cert, servername: 'sluice.test' }, (answer) => {
            answer.resume()
            resolve(answer.statusCode)
          })
            .once('error', reject)
            .end()
        })
        expect(status).toBe(404) // no service is behind it here; who asked was not refused
      } finally {
        await server.close()
      }
    })
  })

  it('uses a renewed certificate without a restart, and keeps the old one while the new one is broken', async () => {
    await withPem(CERTIFICATES.first, async (tls, write) => {
      const clock = new ManualClock()
      const server = await startRest({ port, config: { ...PUBLIC, tls }, clock, log: silentLog })
      try {
        const first = await shown(server.address)
        write({ cert: CERTIFICATES.second.cert, key: CERTIFICATES.first.key })
        await clock.advance(CERTIFICATE_CHECK_MS)
        expect(await shown(server.address)).toBe(first)
        write(CERTIFICATES.second)
        await clock.advance(CERTIFICATE_CHECK_MS)
        expect(await shown(server.address)).not.toBe(first)
      } finally {
        await server.close()
      }
    })
  })

  it.each<[string, Pem, string]>([
    [
      'that is no certificate',
      { cert: 'x', key: CERTIFICATES.first.key },
      'config rest.tls_cert_path: is no certificate',
    ],
    ['whose key is another', { ...CERTIFICATES.first, key: CERTIFICATES.second.key }, 'that fits its key'],
  ])('does not start with a certificate %s, and says where to look', async (_name, pem, message) => {
    await withPem(pem, async (tls) => {
      const starting = startRest({ port, config: { ...PUBLIC, tls }, clock: new ManualClock(), log: silentLog })
      await expect(starting).rejects.toThrow(message)
      await expect(starting).rejects.toBeInstanceOf(SidecarError)
    })
  })

  it('does not start without the files, or where somebody else listens', async () => {
    const tls = { certPath: '/none/cert.pem', keyPath: '/none/key.pem' }
    const start = (changes: object) =>
      startRest({ port, config: { ...PUBLIC, ...changes }, clock: new ManualClock(), log: silentLog })
    await expect(start({ tls })).rejects.toThrow('config rest.tls_cert_path: cannot be read')
    const other = await start({})
    await expect(start({ listen: other.address })).rejects.toThrow(
      `config rest.listen: cannot listen on ${other.address}`,
    )
    await other.close()
  })

  it('bounds the connections of one address, but not those of the proxy', async () => {
    for (const [config, expected] of [
      [PUBLIC, MAX_CONNECTIONS_PER_ADDRESS],
      [CONFIG, MAX_CONNECTIONS_PER_ADDRESS + 5],
    ] as const) {
      const server = await startRest({ port, config, clock: new ManualClock(), log: silentLog })
      const [host = '', listening] = server.address.split(':')
      let [connected, closed] = [0, 0]
      const sockets = Array.from({ length: MAX_CONNECTIONS_PER_ADDRESS + 5 }, () => {
        const socket = connect(Number(listening), host, () => {
          connected += 1
        })
        socket.on('error', () => undefined)
        socket.once('close', () => {
          closed += 1
        })
        return socket
      })
      await expect.poll(() => connected).toBe(sockets.length)
      // Answered, or refused as well: in either case after all that came before it was looked at.
      await asked(Number(listening), host)
      await expect.poll(() => closed).toBe(sockets.length - expected)
      for (const socket of sockets) socket.destroy()
      await server.close()
    }
  })
})
