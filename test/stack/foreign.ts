import type { Lnd } from './lnd.ts'
import type { Network } from './network.ts'
import { addInvoice, forwardingHistory, type PaymentResult, payInvoice, resetMissionControl } from './payments.ts'

export const FOREIGN_AMOUNT = 1_000_000n
const FORWARD_MS = 60_000

/** A payment over the LSP's node that has nothing to do with us. */
export async function payForeign(network: Network): Promise<PaymentResult> {
  const { invoice } = await addInvoice(network.foreign, { amountMsat: FOREIGN_AMOUNT })
  return payInvoice(network.payer, { invoice })
}

/** Foreign payments one after the other until told to stop; what became of each. */
export function keepPaying(network: Network): { readonly stop: () => Promise<readonly PaymentResult[]> } {
  let going = true
  const results: PaymentResult[] = []
  const ended = (async () => {
    while (going) {
      const result = await payForeign(network)
      results.push(result)
      // The payer must not learn to avoid the node from what fails while no interceptor is attached.
      if (!result.succeeded) await resetMissionControl(network.payer)
    }
  })()
  return {
    stop: async () => {
      going = false
      await ended
      return results
    },
  }
}

type RawHtlcEvent = {
  readonly event_type: string
  readonly forward_event: object | null
  readonly outgoing_channel_id: string
}

/** Resolves when it listens; `at` is the time (of `performance`) at which lnd tells of the next forward to the node. */
export async function nextForwardTo(lsp: Lnd, node: Lnd): Promise<{ readonly at: Promise<number> }> {
  const channel = await channelWith(lsp, node)
  const stream = lsp.rpc.router.subscribeHtlcEvents({})
  const subscribed = new Promise<void>((resolve) => stream.once('data', () => resolve()))
  const at = new Promise<number>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no forward to ${node.name} in ${FORWARD_MS} ms`)), FORWARD_MS)
    stream.on('error', () => undefined) // our own cancel
    stream.on('data', (event: RawHtlcEvent) => {
      if (event.forward_event === null || event.forward_event === undefined) return
      if (event.event_type !== 'FORWARD' || event.outgoing_channel_id !== channel.chan_id) return
      clearTimeout(late)
      resolve(performance.now())
      stream.cancel()
    })
  })
  await subscribed // lnd's first event says that it is
  return { at }
}

type RawChannel = { readonly chan_id: string; readonly remote_pubkey: string }

async function channelWith(node: Lnd, other: Lnd): Promise<RawChannel> {
  const { channels } = await node.call<{ channels: RawChannel[] }>('default', 'listChannels')
  const found = channels.find(({ remote_pubkey }) => remote_pubkey === other.nodeId)
  if (found === undefined) throw new Error(`${node.name} has no channel with ${other.name}`)
  return found
}

/** What lnd wrote down of the forwards to the foreign node: `[amount, fee]` each, millisatoshi. */
export async function foreignRows({ lsp, foreign }: Network): Promise<readonly (readonly [bigint, bigint])[]> {
  const { chan_id } = await channelWith(lsp, foreign)
  const rows = (await forwardingHistory(lsp)).filter(({ chan_id_out }) => chan_id_out === chan_id)
  return rows.map(({ amt_out_msat, fee_msat }) => [BigInt(amt_out_msat), BigInt(fee_msat)] as const)
}
