import { afterEach, describe, expect, it } from 'vitest'
import { CONNECT_MS } from '../../../../src/webhooks/delivery/connector.ts'
import { systemResolver } from '../../../../src/webhooks/delivery/resolver.ts'
import { type NameServer, openNameServer, type Zone } from './name-server.ts'

const IPV6 = '2606:4700:0:0:0:0:0:1111'
const SIGNAL = new AbortController().signal

let server: NameServer
afterEach(() => server.close())
const ask = async (zone: Zone, name: string, signal = SIGNAL) => {
  server = await openNameServer(zone)
  return await systemResolver([server.address])(name, signal)
}

describe('the resolver', () => {
  it('tells the addresses of both kinds', async () => {
    const zone: Zone = { 'push.example.com': { A: ['93.184.215.14', '127.0.0.1'], AAAA: [IPV6] } }
    expect(await ask(zone, 'push.example.com')).toEqual(['93.184.215.14', '127.0.0.1', '2606:4700::1111'])
    expect(server.asked.toSorted()).toEqual(['push.example.com A', 'push.example.com AAAA'])
  })

  it('is content with one kind', async () => {
    expect(await ask({ 'a.example.com': { A: ['93.184.215.14'], AAAA: [] } }, 'a.example.com')).toEqual([
      '93.184.215.14',
    ])
    server.close()
    expect(await ask({ 'b.example.com': { A: [], AAAA: [IPV6] } }, 'b.example.com')).toEqual(['2606:4700::1111'])
  })

  it('is content with one kind also when nothing is said of the other, and leaves time to connect', async () => {
    const begin = performance.now()
    const zone: Zone = { 'push.example.com': { A: ['93.184.215.14'], AAAA: 'nothing' } }
    expect(await ask(zone, 'push.example.com')).toEqual(['93.184.215.14'])
    expect(performance.now() - begin).toBeLessThan(CONNECT_MS)
    expect(server.asked.filter((question) => question.endsWith('AAAA')).length).toBeGreaterThan(1)
  })

  it('says that there is no such name', async () => {
    await expect(ask({}, 'push.example.com')).rejects.toMatchObject({ code: 'ENOTFOUND' })
  })

  it('gives up when it is told to', async () => {
    const leaving = new AbortController()
    const asking = ask({ 'push.example.com': { A: 'nothing', AAAA: 'nothing' } }, 'push.example.com', leaving.signal)
    setTimeout(() => leaving.abort(new Error('gone')), 20)
    await expect(asking).rejects.toThrow('gone')
  })

  it('asks nobody for localhost', async () => {
    expect(await ask({}, 'localhost')).toEqual(['127.0.0.1', '::1'])
    expect(server.asked).toEqual([])
  })
})
