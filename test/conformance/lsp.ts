import { utf8ToBytes } from '@noble/hashes/utils.js'
import { type Msat, msat, type Ppm } from '../../lsps/base/amount.ts'
import type { Timestamp } from '../../lsps/base/datetime.ts'
import { type NodeId, parseNodeId } from '../../lsps/base/node-id.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import { lsps0 } from '../../lsps/lsps0/methods.ts'
import { orderMenu } from '../../lsps/lsps2/menu.ts'
import { lsps2, lsps2Faults } from '../../lsps/lsps2/methods.ts'
import { createPromiseKey, makePromise, verifyPromise } from '../../lsps/lsps2/promise.ts'
import type { FeeTerms } from '../../lsps/lsps2/schema.ts'
import { validateBuy } from '../../lsps/lsps2/validate-buy.ts'
import { createRpcServer, type ReceiveOptions, service } from '../../lsps/rpc/server.ts'

/** The fields of all results that the tests look at. */
export type Result = {
  readonly protocols?: unknown
  readonly opening_fee_params_menu?: unknown
  readonly jit_channel_scid?: unknown
  readonly lsp_cltv_expiry_delta?: unknown
  readonly client_trusts_lsp?: unknown
}

/** An offer as it stands on the wire. */
export type WireOffer = Readonly<Record<string, unknown>> & {
  readonly promise?: unknown
  readonly valid_until?: unknown
}

/** An answer as a client reads it. */
export type Answer = {
  readonly jsonrpc: string
  readonly id: unknown
  readonly result?: Result
  readonly error?: {
    readonly code: number
    readonly message: string
    readonly data?: Readonly<Record<string, unknown>>
  }
}

/** Half an hour before the sample offers of bLIP-52 end. */
export const START = 1_677_140_250_511
export const ALICE = nodeId('0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798')
export const BOB = nodeId('02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5')

export const TERMS: FeeTerms = {
  min_fee_msat: msat(546_000n),
  proportional: 1200 as Ppm,
  valid_until: (START + 1_800_000) as Timestamp,
  min_lifetime: 1008,
  max_client_to_self_delay: 2016,
  min_payment_size_msat: msat(1000n),
  max_payment_size_msat: msat(1_000_000_000n),
}

export function nodeId(text: string): NodeId {
  const id = parseNodeId(text)
  if (id === undefined) throw new Error(`not a node id: ${text}`)
  return id
}

export type LspConfig = {
  readonly terms?: readonly FeeTerms[]
  readonly secret?: Uint8Array
  readonly tokens?: readonly string[]
  readonly rejected?: readonly NodeId[]
  readonly receivable?: Msat
}

/** The protocol of a server without a node behind it: what it sells is only written down. */
export function createLsp(config: LspConfig = {}) {
  const { terms = [TERMS], secret = new Uint8Array(32).fill(0x42), tokens = [], rejected = [], receivable } = config
  const key = createPromiseKey(secret)
  const sold: { readonly peer: NodeId; readonly fee: Msat | undefined }[] = []
  const unexpected: unknown[] = []
  let now = START

  const server = createRpcServer<{ readonly peer: NodeId }>({
    services: [
      service(lsps0, { 'lsps0.list_protocols': async () => ({ protocols: [2] }) }),
      service(lsps2, {
        'lsps2.get_info': async ({ peer }: { readonly peer: NodeId }, { token }) => {
          if (token !== undefined && !tokens.includes(token)) throw lsps2Faults.unrecognizedToken()
          const { menu } = orderMenu(terms)
          return { opening_fee_params_menu: menu.map((one) => ({ ...one, promise: makePromise(key, peer, one) })) }
        },
        'lsps2.buy': async ({ peer }: { readonly peer: NodeId }, { opening_fee_params: offer, payment_size_msat }) => {
          const verdict = validateBuy({
            offer,
            paymentSize: payment_size_msat,
            now: now as Timestamp,
            promiseHolds: () => verifyPromise([key], peer, offer, offer.promise),
            rejection: rejected.includes(peer) ? 'not served' : undefined,
            receivable,
          })
          if ('fault' in verdict) throw verdict.fault
          sold.push({ peer, fee: verdict.fee })
          return { jit_channel_scid: `16100000x${sold.length}x1` as Scid, lsp_cltv_expiry_delta: 144 }
        },
      }),
    ],
    onUnexpected: (error) => unexpected.push(error),
  })

  async function send(message: unknown, peer = ALICE, options?: ReceiveOptions): Promise<Answer | undefined> {
    const text = typeof message === 'string' ? message : JSON.stringify(message)
    const payload = message instanceof Uint8Array ? message : utf8ToBytes(text)
    const answer = await server.receive({ peer }, payload, options)
    return answer === undefined ? undefined : JSON.parse(new TextDecoder().decode(answer))
  }

  return {
    sold,
    unexpected,
    send,
    call: (method: string, params: unknown, peer = ALICE) =>
      send({ jsonrpc: '2.0', id: `${method} of ${peer}`, method, params }, peer),
    passTime(ms: number) {
      now += ms
    },
  }
}

export type Lsp = ReturnType<typeof createLsp>

/** The menu that the server offers to a peer, as it stands in the answer. */
export async function menuOf(lsp: Lsp, peer = ALICE): Promise<readonly WireOffer[]> {
  const answer = await lsp.call('lsps2.get_info', {}, peer)
  const { opening_fee_params_menu: menu } = answer?.result ?? {}
  if (!Array.isArray(menu)) throw new Error(`no menu: ${JSON.stringify(answer)}`)
  return menu
}

/** The error code of an answer, or 'ok'. */
export function outcome(answer: Answer | undefined): number | 'ok' | 'no answer' {
  if (answer === undefined) return 'no answer'
  return answer.error?.code ?? 'ok'
}
