import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { beforeEach, describe, expect, it } from 'vitest'
import { ALICE, createLsp, type Lsp, outcome } from './lsp.ts'

const PARSE_ERROR = { jsonrpc: '2.0', id: null, error: { code: -32700, message: expect.any(String) } }
const LIST = { jsonrpc: '2.0', id: 'list', method: 'lsps0.list_protocols', params: {} }
const text = JSON.stringify(LIST)

let lsp: Lsp

beforeEach(() => {
  lsp = createLsp()
  return async () => {
    expect(lsp.sold).toEqual([])
    expect(lsp.unexpected).toEqual([])
    expect(outcome(await lsp.send(LIST))).toBe('ok')
  }
})

const bytesAround = (before: number[], middle: string, after: number[]) =>
  concatBytes(Uint8Array.from(before), utf8ToBytes(middle), Uint8Array.from(after))

describe('probes of LSPS0', () => {
  it('[L0-04] [L0-10] P01: an empty payload', async () => {
    expect(await lsp.send(new Uint8Array())).toEqual(PARSE_ERROR)
  })

  it.each(['{', '[]', 'null', '"x"', '{}{}', '{}x'])('[L0-04] [L0-10] [L0-11] P02: %s', async (message) => {
    expect(await lsp.send(message)).toEqual(PARSE_ERROR)
  })

  it.each([
    ['at the end', bytesAround([], text, [0])],
    ['inside a string', bytesAround([], text.replace('list_', 'list\0'), [])],
  ])('[L0-04] P03: a zero byte %s', async (_where, payload) => {
    expect(await lsp.send(payload)).toEqual(PARSE_ERROR)
  })

  it.each([
    ['0xff in a string', bytesAround([], text.slice(0, 20), [0xff, ...utf8ToBytes(text.slice(20))])],
    ['a byte order mark', bytesAround([0xef, 0xbb, 0xbf], text, [])],
    ['a lone continuation byte', bytesAround([], text.slice(0, 20), [0x80, ...utf8ToBytes(text.slice(20))])],
  ])('[L0-04] [L0-05] P04: %s', async (_what, payload) => {
    expect(await lsp.send(payload)).toEqual(PARSE_ERROR)
  })

  it('[L0-03] P05: whitespace around', async () => {
    expect(await lsp.send(` \t\r\n${text}\n `)).toEqual({ jsonrpc: '2.0', id: 'list', result: { protocols: [2] } })
  })

  it('[L0-22] P06: a batch', async () => {
    expect(await lsp.send(`[${text},${text}]`)).toEqual(PARSE_ERROR)
  })

  it('[L0-11] P07: a request without an id', async () => {
    const { id: _id, ...notification } = LIST
    expect(await lsp.send(notification)).toEqual(PARSE_ERROR)
  })

  it('[L0-12] P08: our own error, and a response', async () => {
    expect(await lsp.send(await lsp.send('{'))).toBeUndefined()
    expect(await lsp.send('{"jsonrpc":"2.0","id":"a","result":{}}')).toBeUndefined()
  })

  it.each([undefined, '1.0', 2.0])('[L0-25] P09: jsonrpc %j', async (jsonrpc) => {
    expect(await lsp.send({ ...LIST, jsonrpc })).toEqual(PARSE_ERROR)
  })

  it('[L0-26] [L0-43] P10: a long id with quotes and emoji', async () => {
    const id = '"\\😀'.repeat(75)
    expect(id).toHaveLength(300)
    expect(await lsp.send({ ...LIST, id })).toMatchObject({ id, result: { protocols: [2] } })
  })

  it.each(['lsps0.List_Protocols', 'lsps9.x', ''])('[L0-29] P11: the method "%s"', async (method) => {
    expect(await lsp.send({ ...LIST, method })).toMatchObject({ id: 'list', error: { code: -32601 } })
  })

  it('[L0-23] [L0-31] P12: positional parameters', async () => {
    const wanted = { id: 'list', error: { code: -32602, data: { unrecognized: [] } } }
    expect(await lsp.send({ ...LIST, params: [] })).toMatchObject(wanted)
  })

  it('[L0-07] [L0-30] [L0-32] [L0-53] P13: parameters of a method that has none', async () => {
    const answer = await lsp.send(text.replace('"params":{}', '"params":{"a":1,"__proto__":{}}'))
    expect(answer).toMatchObject({ error: { code: -32602, data: { unrecognized: ['a', '__proto__'] } } })
  })

  it('[L0-24] [L0-53] [L0-54] [L0-55] P14: list_protocols without params', async () => {
    const { params: _params, ...request } = LIST
    const answer = await lsp.send(request)
    const protocols = answer?.result?.protocols as number[]
    expect(protocols.every((n) => Number.isInteger(n) && n > 0 && n <= 255)).toBe(true)
    expect(protocols).toEqual([...new Set(protocols)].toSorted((a, b) => a - b))
  })

  it('[L0-26] [L0-28] P15: fifty requests at once, each answered once', async () => {
    const ids = Array.from({ length: 50 }, (_, i) => `id ${(i * 37) % 50}`)
    const answers = await Promise.all(ids.map((id) => lsp.send({ ...LIST, id }, ALICE)))
    expect(answers.map((answer) => answer?.id)).toEqual(ids)
  })
})
