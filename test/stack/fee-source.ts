import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

const VBYTES_PER_KVBYTE = 1000
/** lnd asks for any target between these. */
const TARGETS = [1, 1008]

/** What lnd's `fee.url` may point to: one feerate for all targets, which a test may change. */
export class FeeSource {
  satPerVbyte: number
  readonly #server: Server

  private constructor(satPerVbyte: number) {
    this.satPerVbyte = satPerVbyte
    this.#server = createServer((_, response) => {
      const rate = this.satPerVbyte * VBYTES_PER_KVBYTE
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          fee_by_block_target: Object.fromEntries(TARGETS.map((target) => [target, rate])),
          min_relay_feerate: VBYTES_PER_KVBYTE,
        }),
      )
    })
  }

  static async start(satPerVbyte: number): Promise<FeeSource> {
    const source = new FeeSource(satPerVbyte)
    source.#server.listen(0, '127.0.0.1')
    await once(source.#server, 'listening')
    return source
  }

  /** The flag of lnd that makes it ask here. */
  get flag(): string {
    return `--fee.url=http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}
