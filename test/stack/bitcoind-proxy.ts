import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Btcd, ChainError } from './btcd.ts'
import { freePort } from './ports.ts'

const NOT_FOUND = -5
const UNKNOWN_METHOD = -32601
/** btcd's words for a transaction that is in the mempool or the chain already. */
const KNOWN_TRANSACTION = /already (have|exists)/

/** Satoshi per kvB in BTC: 1 sat/vB, the lowest that relays. */
const FEERATE = 0.00001

type Call = (btcd: Btcd, params: readonly unknown[]) => Promise<unknown>

/** Calls that btcd answers differently from bitcoind, or not at all. The others go through as they are. */
const CALLS: Readonly<Record<string, Call>> = {
  getblockheader: async (btcd, params) => {
    const header = await btcd.call<{ height: number }>('getblockheader', ...params)
    return { ...header, chainwork: chainwork(header.height) }
  },
  getblockchaininfo: async (btcd) => {
    const info = await btcd.call<{ blocks: number }>('getblockchaininfo')
    return { ...info, chainwork: chainwork(info.blocks) }
  },
  getmempoolinfo: async (btcd) => ({ ...(await btcd.call<object>('getmempoolinfo')), mempoolminfee: FEERATE }),
  getmempoolentry: async (btcd, [txid]) => {
    const entries = await btcd.call<Record<string, { height: number }>>('getrawmempool', true)
    const entry = entries[String(txid)]
    if (entry === undefined) throw new ChainError('getmempoolentry', NOT_FOUND, 'Transaction not in mempool')
    // One more than the truth: entries of the same second would be ignored as seen already.
    return { ...entry, height: entry.height + 1 }
  },
  estimatesmartfee: async () => ({ feerate: FEERATE, blocks: 1 }),
  getnetworkinfo: async () => ({ version: 270_000, subversion: '/btcd/', relayfee: FEERATE, warnings: '' }),
  sendrawtransaction: async (btcd, [raw]) => {
    try {
      return await btcd.call<string>('sendrawtransaction', raw, true)
    } catch (error) {
      if (!(error instanceof ChainError) || !KNOWN_TRANSACTION.test(error.message)) throw error
      return (await btcd.call<{ txid: string }>('decoderawtransaction', raw)).txid
    }
  },
}

/** Regtest's difficulty is the lowest: each block stands for two hashes. */
function chainwork(height: number): string {
  return (2n * (BigInt(height) + 1n)).toString(16).padStart(64, '0')
}

/** btcd as ldk-node expects bitcoind: JSON-RPC over plain HTTP with keep-alive. Any user and password will do. */
export class BitcoindProxy {
  readonly port: number
  readonly #server: Server

  private constructor(server: Server, port: number) {
    this.#server = server
    this.port = port
  }

  static async start(btcd: Btcd): Promise<BitcoindProxy> {
    const port = await freePort()
    const server = createServer((request, response) => void answer(btcd, request, response))
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return new BitcoindProxy(server, port)
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

async function answer(btcd: Btcd, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let id: unknown
  try {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const call = JSON.parse(body) as { id: unknown; method: string; params?: readonly unknown[] }
    id = call.id
    const { method, params = [] } = call
    const result = await (CALLS[method]?.(btcd, params) ?? btcd.call(method, ...params))
    send(response, 200, { id, result, error: null })
  } catch (error) {
    const code = error instanceof ChainError ? error.code : UNKNOWN_METHOD
    send(response, 500, { id, result: null, error: { code, message: String(error) } })
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.end(text)
}
