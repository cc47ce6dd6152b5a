import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

const A = 1
const AAAA = 28
const HEADER_BYTES = 12
const QUESTION_TAIL_BYTES = 4
const ANSWERED = 0x8180
const NO_SUCH_NAME = 0x8183

/** What is said to a question: addresses (none: the name has none of that kind), that there is no such name, nothing. */
export type Said = readonly string[] | 'no such name' | 'nothing'
/** By name; a name that is not here does not exist. */
export type Zone = Readonly<Record<string, { readonly A: Said; readonly AAAA: Said }>>

export type NameServer = { readonly address: string; readonly asked: string[]; readonly close: () => void }

/** A name server on this machine, over UDP. */
export async function openNameServer(zone: Zone): Promise<NameServer> {
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    const { name, type, end } = readQuestion(query)
    asked.push(`${name} ${type === A ? 'A' : 'AAAA'}`)
    const said = zone[name]?.[type === AAAA ? 'AAAA' : 'A'] ?? 'no such name'
    if (said !== 'nothing') socket.send(answerTo(query.subarray(0, end), type, said), from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { address: `127.0.0.1:${(socket.address() as AddressInfo).port}`, asked, close: () => socket.close() }
}

function readQuestion(query: Buffer): { readonly name: string; readonly type: number; readonly end: number } {
  const labels: string[] = []
  let at = HEADER_BYTES
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 1 + QUESTION_TAIL_BYTES }
}

function answerTo(question: Buffer, type: number, said: readonly string[] | 'no such name'): Buffer {
  const head = Buffer.from(question)
  const addresses = said === 'no such name' ? [] : said
  head.writeUInt16BE(said === 'no such name' ? NO_SUCH_NAME : ANSWERED, 2)
  head.writeUInt16BE(addresses.length, 6)
  head.writeUInt32BE(0, 8) // neither authorities nor additions
  return Buffer.concat([head, ...addresses.map((address) => record(address, type))])
}

/** The name is that of the question; it lives for a minute. */
function record(address: string, type: number): Buffer {
  const bytes =
    type === A ? address.split('.').map(Number) : groupsOf(address).flatMap((group) => [group >> 8, group & 255])
  return Buffer.from([0xc0, HEADER_BYTES, 0, type, 0, 1, 0, 0, 0, 60, 0, bytes.length, ...bytes])
}

/** Of an address with all eight groups. */
function groupsOf(address: string): readonly number[] {
  return address.split(':').map((group) => Number.parseInt(group, 16))
}
