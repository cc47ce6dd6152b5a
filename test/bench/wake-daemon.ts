import { msat } from '../../lsps/base/amount.ts'
import type { Scid } from '../../lsps/base/scid.ts'
import type { RpcClient } from '../../lsps/index.ts'
import type { LndPort } from '../../src/lnd/port.ts'
import type { SimWallet } from '../../src/sandbox/wallet.ts'
import { coreWaitMs, monotonicMs } from './machine.ts'
import { benchConfig, LSPS2 } from './node-setup.ts'
import { atRate } from './offer-schedule.ts'
import { product } from './product.ts'
import { simulated } from './simulated.ts'

/**
 * The sidecar with its database on disk, on the simulated node, in a process of its own. Its customers have set a
 * webhook, bought a channel and gone; then payments come for them.
 */

export type WakeDaemonOptions = {
  readonly folder: string
  /** `buyers` have no channel yet, `channels` have one. */
  readonly customers: 'buyers' | 'channels'
  /** A webhook for each customer. */
  readonly urls: readonly string[]
}
export type OfferCommand = {
  readonly type: 'offer'
  readonly perSecond: number
  readonly from: number
  readonly count: number
}
export type WakeAnswer =
  | { readonly type: 'ready' }
  /** When the node offered each payment, by the number of its customer; and how long the main thread got no core. */
  | { readonly type: 'offered'; readonly at: ReadonlyMap<number, number>; readonly waitedMs: number }

const HASH_BYTES = 32
const AMOUNT = msat(10_000_000n)
/** Customers that set their webhook and buy at a time. */
const AT_ONCE = 32
const HELD = 10_000
/** So that no more wait at once than may, however long a round is. */
const HOLD = { seconds: 4, max_htlcs: 300 }
const ASK_MS = 60_000

async function main({ folder, customers: kind, urls }: WakeDaemonOptions): Promise<void> {
  const { world, start, systemClock, systemEntropy } = await simulated()
  const node = world.attach()
  const customers = new Map<Scid, number>()
  let at = new Map<number, number>()
  const lnd: LndPort = {
    ...node,
    interceptHtlcs: (onOffer, signal) =>
      node.interceptHtlcs((offer, stream) => {
        const customer = customers.get(offer.requestedScid)
        if (customer !== undefined) at.set(customer, monotonicMs())
        onOffer(offer, stream)
      }, signal),
  }
  const config = await benchConfig(folder, {
    lsps2: { ...LSPS2, max_held_htlcs: HELD },
    webhooks: { enabled: true, hold: HOLD, delivery: { allow_loopback: true } },
  })
  // Before the start: nobody tells of channels that were always there.
  const settled = urls.map((): { readonly wallet: SimWallet; readonly scid?: Scid } =>
    kind === 'channels' ? world.addDestination(undefined, 'unannounced') : { wallet: world.addWallet() },
  )
  await start(config, { folder, lnd })

  const { createRpcClient, lsps2, lsps5, requestIds } =
    await product<typeof import('../../lsps/index.ts')>('lsps/index')
  const buy = async (client: RpcClient, signal: AbortSignal): Promise<Scid> => {
    const { opening_fee_params_menu: menu } = await client.call(lsps2, 'lsps2.get_info', {}, signal)
    const [offer] = menu
    if (offer === undefined) throw new Error('the menu is empty')
    const wanted = { opening_fee_params: offer, payment_size_msat: AMOUNT }
    const bought = await client.call(lsps2, 'lsps2.buy', wanted, signal)
    return bought.jit_channel_scid
  }
  const settle = async (number: number) => {
    const { wallet, scid } = settled[number] as (typeof settled)[number]
    wallet.connect()
    const client = createRpcClient({
      transport: wallet.transport(),
      clock: systemClock,
      newId: requestIds(systemEntropy),
    })
    const signal = AbortSignal.timeout(ASK_MS)
    await client.call(lsps5, 'lsps5.set_webhook', { app_name: 'wallet', webhook: urls[number] ?? '' }, signal)
    customers.set(scid ?? (await buy(client, signal)), number)
    client.close()
    wallet.disconnect()
  }
  const rest = urls.map((_, number) => number)
  const worker = async () => {
    for (let number = rest.shift(); number !== undefined; number = rest.shift()) await settle(number)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))

  const scids = new Map([...customers].map(([scid, number]) => [number, scid]))
  const offer = async ({ perSecond, from, count }: OfferCommand) => {
    at = new Map()
    const waited = coreWaitMs()
    await atRate({ perSecond, count }, (number) => {
      const hash = Buffer.from(systemEntropy(HASH_BYTES)).toString('hex')
      world.payer.pay({ hash, scid: scids.get(from + number) as Scid, amount: AMOUNT })
    })
    return { waitedMs: coreWaitMs() - waited }
  }
  process.on('message', (command: OfferCommand) => {
    void offer(command).then(({ waitedMs }) => tell({ type: 'offered', at, waitedMs }))
  })
  process.once('disconnect', () => process.exit()) // never outlives the benchmark
  tell({ type: 'ready' })
}

function tell(answer: WakeAnswer): void {
  process.send?.(answer)
}

await main(JSON.parse(process.argv[2] ?? '') as WakeDaemonOptions)
