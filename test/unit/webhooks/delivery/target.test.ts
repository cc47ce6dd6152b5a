import { describe, expect, it } from 'vitest'
import { judgeUrl, type TargetRules } from '../../../../src/webhooks/delivery/target.ts'

const RULES: TargetRules = { loopback: 'refused', reached: 'by-address' }
const target = (url: string, rules = RULES) => {
  const judged = judgeUrl(url, rules)
  return 'target' in judged ? judged.target : undefined
}
const refused = (url: string, rules = RULES) => {
  const judged = judgeUrl(url, rules)
  return 'refused' in judged ? judged.refused : undefined
}

describe('the URL of a webhook', () => {
  it('is read to host, port and path; what a host is called does not depend on how it is written', () => {
    expect(target('https://push.example.com/lsps5/v1?token=a%2Fb')).toEqual({
      host: 'push.example.com',
      hostKind: 'name',
      port: 443,
      origin: 'https://push.example.com',
      path: '/lsps5/v1?token=a%2Fb',
    })
    expect(target('HTTPS://Push.Example.COM:443')).toMatchObject({ origin: 'https://push.example.com', path: '/' })
    expect(target('https://xn--bcher-kva.example.com:8443/')).toMatchObject({
      origin: 'https://xn--bcher-kva.example.com:8443',
      port: 8443,
    })
  })

  it('keeps path and query byte for byte: they carry the token of the wallet', () => {
    const paths = ['/a/../b/./c', '/%7Euser?x=%20y', '/a//b', '/?q="<>`{}|^', "/it's?a=b?c", '/a\\b', '/%zz']
    expect(paths.map((path) => target(`https://push.example.com${path}`)?.path)).toEqual(paths)
    expect(target('https://push.example.com?token=1')?.path).toBe('/?token=1')
    expect(target('https://push.example.com/a?b#secret')?.path).toBe('/a?b')
  })

  it('may name a public address, in full notation', () => {
    expect(target('https://93.184.215.14:8443/')).toMatchObject({ host: '93.184.215.14', hostKind: 'address' })
    expect(target('https://[2606:4700:0:0::1111]/')).toMatchObject({
      host: '2606:4700::1111',
      hostKind: 'address',
      origin: 'https://[2606:4700::1111]',
    })
  })

  it('is refused with a reason that does not repeat it', () => {
    expect(refused('http://push.example.com/')).toBe('not an https URL')
    expect(refused('https:push.example.com')).toBe('not an https URL')
    expect(refused('https://push.example.com\\@10.0.0.1/')).toBe('not an https URL')
    expect(refused('https://user:secret@push.example.com/')).toBe('contains a user name or password')
    expect(refused('https://push.example.com/\u00e9')).toBe('contains other characters than visible ASCII')
    expect(refused(' https://push.example.com/')).toBe('contains other characters than visible ASCII')
    expect(refused(`https://push.example.com/${'a'.repeat(1001)}`)).toBe('longer than 1024 characters')
    expect(refused('https://push.example.com:22/')).toBe('port 22 is neither 443 nor above 1023')
    expect(refused('https://metadata.google.internal/')).toBe('its host is a name of private networks')
    expect(refused('https://2130706433/')).toBe('its host is not a full DNS name')
  })

  it('needs a port that is 443 or above 1023', () => {
    const urls = [1, 25, 80, 442, 444, 1023, 65_536, 99_999].map((port) => `https://push.example.com:${port}/`)
    const odd = ['0', '00443', '+443', '-1', '443a', '', '4 43'].map((port) => `https://push.example.com:${port}/`)
    expect([...urls, ...odd].filter((url) => target(url) !== undefined)).toEqual([])
    expect([443, 1024, 8443, 65_535].map((port) => target(`https://push.example.com:${port}/`)?.port)).toEqual([
      443, 1024, 8443, 65_535,
    ])
  })

  it('needs a full DNS name', () => {
    const labels = Array.from({ length: 5 }, () => 'a'.repeat(60)).join('.')
    const hosts = ['push', 'push.example.com.', '.example.com', 'push..com', '-a.example.com', 'a-.example.com']
    const more = [
      'a_b.example.com',
      'push.example.c0m1.1',
      `${'a'.repeat(64)}.com`,
      labels,
      'xn--a.example.com',
      '*.com',
    ]
    expect([...hosts, ...more].filter((host) => target(`https://${host}/`) !== undefined)).toEqual([])
  })

  it('names no IP address where a proxy is used, which would look anything up', () => {
    const rules: TargetRules = { loopback: 'allowed', reached: 'by-name' }
    expect(refused('https://93.184.215.14/', rules)).toBe('its host is an IP address, which a proxy is not asked for')
    expect(refused('https://[2606:4700::1]/', rules)).toBe('its host is an IP address, which a proxy is not asked for')
    expect(refused('https://localhost:8443/', rules)).toBe('its host is a name of private networks')
    expect(target('https://push.example.com/', rules)?.host).toBe('push.example.com')
  })

  it('may be localhost where loopback is allowed', () => {
    const rules: TargetRules = { loopback: 'allowed', reached: 'by-address' }
    expect(target('https://localhost:8443/x', rules)?.host).toBe('localhost')
    expect(target('https://127.0.0.1:8443/x', rules)?.host).toBe('127.0.0.1')
    expect(refused('https://other.localhost:8443/x', rules)).toBe('its host is a name of private networks')
  })
})
