import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import type { FlightRecord } from '../../../src/admin/schema.ts'
import { type Network, startNetwork } from '../network.ts'
import { payInvoice, resetMissionControl } from '../payments.ts'
import { renewedAfterFailure } from '../renewed.ts'
import { OFFER, Sluiced, type SluicedOptions } from '../sluiced.ts'
import { channelsTo, confirmFundings, mineSeen, waitNoLease } from '../sold.ts'
import { Story, type StoryOptions } from '../story.ts'
import { waitFor } from '../wait.ts'

const CLOCK_HOOK = pathToFileURL(join(import.meta.dirname, '..', 'clock-hook.mjs')).href
const RECLAIM_AFTER_SECONDS = 4
/** The shortest that an offer may live. */
const VALID_SECONDS = 600
/** Blocks after which lnd takes a close for final. */
const CLOSED_AFTER = 6
const STEP_MS = 60_000
const LATER_AMOUNT = 5_000_000n
const KEPT = 'channel not taken back: its peer was paid over it'
const AMOUNT = msat(100_000_000n)
/** More than a closing transaction of two outputs costs at regtest's feerates. */
const MOST_CLOSE_SAT = 20_000n

type ClosedChannel = {
  readonly channel_point: string
  readonly settled_balance: string
  readonly capacity: string
  readonly close_type: string
}

type PendingChannels = {
  readonly waiting_close_channels: readonly {
    readonly channel: { readonly channel_point: string }
    readonly closing_txid: string
  }[]
}

describe('a channel on the real stack that nobody paid for', () => {
  let network: Network
  let sluiced: Sluiced
  let stories: Story[] = []

  renewedAfterFailure({
    begin: async () => {
      network = await startNetwork({ log: (line) => process.stderr.write(`${line}\n`) })
    },
    end: async () => {
      await sluiced?.stop()
      await network?.stop()
    },
  })

  afterEach(async () => {
    for (const { wallet } of stories) wallet.close()
    stories = []
    await sluiced?.stop()
  })

  async function sellWith(options: SluicedOptions = {}): Promise<void> {
    sluiced = new Sluiced(network, {
      lsps2: {
        offers: [{ ...OFFER, valid_for_seconds: VALID_SECONDS }],
        reclaim_unpaid_after_seconds: RECLAIM_AFTER_SECONDS,
      },
      ...options,
    })
    await sluiced.start()
  }

  /** A sale whose channel stands and whose payment the wallet failed. */
  async function owe(options: StoryOptions = {}): Promise<{ story: Story; owed: FlightRecord }> {
    const story = await Story.begin(network, sluiced, { onPayment: 'fail', ...options })
    stories.push(story)
    const { wanted } = options
    const amountMsat = typeof wanted?.amount === 'object' ? { amountMsat: AMOUNT } : {}
    const payment = await payInvoice(network.payer, { invoice: story.bought.invoice, ...amountMsat })
    expect(payment.succeeded).toBe(false)
    const owed = await story.waitForState('owed')
    await network.waitInMempool(owed.funding_txid ?? '')
    return { story, owed }
  }

  /** sluiced again, with its clock at the end of the offer. */
  async function restartAtEndOf({ terms }: FlightRecord): Promise<void> {
    await sluiced.stop()
    const ahead = Date.parse(terms.valid_until) - Date.now()
    await sluiced.start({ NODE_OPTIONS: `--import=${CLOCK_HOOK}`, SLUICE_CLOCK_AHEAD_MS: String(ahead) })
  }

  async function closedChannel({ funding_outpoint }: FlightRecord): Promise<ClosedChannel | undefined> {
    const { channels } = await network.lsp.call<{ channels: ClosedChannel[] }>('default', 'closedChannels')
    return channels.find(({ channel_point }) => channel_point === funding_outpoint)
  }

  /** Known to btcd too. */
  async function closingTx(owed: FlightRecord): Promise<string | undefined> {
    const { waiting_close_channels: waiting } = await network.lsp.call<PendingChannels>('default', 'pendingChannels')
    const found = waiting.find(({ channel }) => channel.channel_point === owed.funding_outpoint)?.closing_txid ?? ''
    return (await network.btcd.transaction(found))?.txid
  }

  /** The closing transaction is published; mines it, and what the channel held is the LSP's again. */
  async function expectCoinsBack({ story, owed }: { story: Story; owed: FlightRecord }): Promise<ClosedChannel> {
    await waitFor(async () => (await channelsTo(network.lsp, story.wallet.nodeId)).length === 0, {
      deadline: STEP_MS,
      what: 'the channel to be closed',
    })
    await waitFor(async () => (await closingTx(owed)) !== undefined, {
      deadline: STEP_MS,
      what: 'the closing transaction in the mempool or the chain',
    })
    await network.mine(CLOSED_AFTER)
    const closed = await waitFor(() => closedChannel(owed), {
      deadline: STEP_MS,
      what: 'lnd to list the closed channel',
    })
    expect(BigInt(closed.capacity) - BigInt(closed.settled_balance)).toBeLessThan(MOST_CLOSE_SAT)
    await confirmFundings(network, sluiced)
    expect(await story.show()).toMatchObject({ state: 'unearned' })
    await story.expectEarned(0n)
    await waitNoLease(network.lsp)
    await sluiced.waitIdle()
    return closed
  }

  it('closes it with its wallet some seconds after the offer ended: the coins are back, the sale is unearned', async () => {
    await sellWith()
    const sale = await owe()
    await confirmFundings(network, sluiced)
    const before = await walletSat()
    await restartAtEndOf(sale.owed)
    await sale.story.wallet.waitForEvent(({ type }) => type === 'channel-closed', 'the wallet to see the close')
    const record = await sale.story.waitForState('unearned')
    expect(record.steps.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['offer ended, fee not earned', 'channel to be taken back']),
    )
    const [ended, taken] = ['offer ended, fee not earned', 'channel to be taken back'].map((what) =>
      Date.parse(record.steps.find((step) => step.what === what)?.at ?? ''),
    )
    expect((taken ?? 0) - Date.parse(record.terms.valid_until)).toBeGreaterThanOrEqual(RECLAIM_AFTER_SECONDS * 1000)
    expect(ended ?? 0).toBeLessThanOrEqual(taken ?? 0)
    const closed = await expectCoinsBack(sale)
    expect(closed.close_type).toBe('COOPERATIVE_CLOSE')
    expect(await walletSat()).toBe(before + BigInt(closed.settled_balance))
  })

  it('closes one whose funding is not in a block yet, sold with an invoice without an amount', async () => {
    await sellWith()
    const sale = await owe({ wanted: { amount: { likely: AMOUNT } } })
    await restartAtEndOf(sale.owed)
    await sale.story.waitForState('unearned')
    expect((await expectCoinsBack(sale)).close_type).toBe('COOPERATIVE_CLOSE')
  })

  it('waits for a wallet that is away, tries at the blocks, also after a kill, and closes when it is back', async () => {
    await sellWith()
    const sale = await owe()
    await confirmFundings(network, sluiced)
    await sale.story.leave()
    await restartAtEndOf(sale.owed)
    await sale.story.waitForState('unearned')
    await network.mine(2)
    expect(await channelsTo(network.lsp, sale.story.wallet.nodeId)).toHaveLength(1)
    await sluiced.kill()
    await sluiced.start()
    await sale.story.wallet.reconnect()
    await sale.story.wallet.waitSynced()
    await network.waitLspActive(sale.story.wallet.nodeId)
    await network.mine(1)
    expect((await expectCoinsBack(sale)).close_type).toBe('COOPERATIVE_CLOSE')
  })

  it('keeps it after so many blocks without the wallet, unless told to force the close', async () => {
    await sellWith({ config: { funding: { reclaim_within_blocks: 2 } } })
    const kept = await owe()
    await confirmFundings(network, sluiced)
    await kept.story.leave()
    await restartAtEndOf(kept.owed)
    await kept.story.waitForState('unearned')
    await mineSeen(network, sluiced, 5)
    expect(await channelsTo(network.lsp, kept.story.wallet.nodeId)).toHaveLength(1)
    expect(await network.btcd.mempool()).toEqual([])

    await sluiced.stop()
    await sellWith({ config: { funding: { reclaim_within_blocks: 2, reclaim_afterwards: 'force' } } })
    const forced = await owe()
    await confirmFundings(network, sluiced)
    await forced.story.leave()
    await restartAtEndOf(forced.owed)
    await forced.story.waitForState('unearned')
    await mineSeen(network, sluiced, 3)
    await waitFor(async () => (await channelsTo(network.lsp, forced.story.wallet.nodeId)).length === 0, {
      deadline: STEP_MS,
      what: 'the channel to be closed by force',
    })
    expect(await channelsTo(network.lsp, kept.story.wallet.nodeId)).toHaveLength(1)
  })

  it('keeps one over which its wallet was paid otherwise, and says so', async () => {
    await sellWith()
    const { story, owed } = await owe()
    await confirmFundings(network, sluiced)
    await story.wallet.waitSynced()
    // Not over the scid that was sold: lnd's own alias for the channel, of which nobody has bought anything.
    const { invoice } = story.wallet.createInvoice({ amountMsat: LATER_AMOUNT })
    await resetMissionControl(network.payer)
    expect(await payInvoice(network.payer, { invoice })).toMatchObject({ succeeded: true })
    expect(await story.show()).toMatchObject({ state: 'owed' })
    await restartAtEndOf(owed)
    const record = await waitFor(
      async () => {
        const shown = await story.show()
        return shown.steps.some(({ what }) => what === KEPT) ? shown : undefined
      },
      { deadline: STEP_MS, what: `"${KEPT}" in the record of the sale` },
    )
    expect(record).toMatchObject({ state: 'unearned' })
    expect(await channelsTo(network.lsp, story.wallet.nodeId)).toHaveLength(1)
    expect(story.wallet.owned()).toBe(LATER_AMOUNT)
    await story.expectEarned(0n)
  })

  async function walletSat(): Promise<bigint> {
    const { confirmed_balance } = await network.lsp.call<{ confirmed_balance: string }>('default', 'walletBalance')
    return BigInt(confirmed_balance)
  }
})
