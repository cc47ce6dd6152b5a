import { afterEach, describe, expect, it } from 'vitest'
import { msat } from '../../../lsps/base/amount.ts'
import { keptOf, readJournal, waitKept } from '../books.ts'
import type { Stage } from '../ldk/wallet.ts'
import type { Network } from '../network.ts'
import { payInvoice, resetMissionControl } from '../payments.ts'
import { invoiceOptions, type Purchase } from '../purchase.ts'
import { renewedSelling } from '../renewed.ts'
import { type Attempt, payParts } from '../routes.ts'
import type { Sluiced } from '../sluiced.ts'
import { channelsTo } from '../sold.ts'
import { Story, type StoryOptions } from '../story.ts'
import { waitFor } from '../wait.ts'

const AMOUNT = msat(100_000_000n)
/** Payments that may fail because lnd loaded the channel's link before its fees. */
const MOST_RELINKS = 2
const THIRDS = [40_000_000n, 35_000_001n, 24_999_999n]
const STEP_MS = 60_000

type Variant = {
  readonly name: string
  readonly wanted: NonNullable<StoryOptions['wanted']>
  /** Nobody tries again. */
  readonly pay: (story: Story, bought: Purchase) => Promise<readonly Attempt[]>
}

const VARIANTS: readonly Variant[] = [
  {
    name: 'an invoice without an amount',
    wanted: { amount: { likely: AMOUNT } },
    pay: async ({ network }, { invoice }) => {
      await resetMissionControl(network.payer)
      return (await payInvoice(network.payer, { invoice, amountMsat: AMOUNT })).attempts
    },
  },
  {
    name: 'a payment in three parts',
    wanted: { amount: AMOUNT },
    pay: ({ network, wallet }, bought) => payParts({ network, wallet, bought }, THIRDS),
  },
]

describe.each(VARIANTS)('a wallet that does not take $name, on the real stack', ({ wanted, pay }) => {
  let network: Network
  let sluiced: Sluiced
  let stories: Story[] = []
  const chanIds: string[] = []

  renewedSelling({
    begun: (selling) => {
      ;({ network, sluiced } = selling)
      chanIds.length = 0
    },
    current: () => ({ network, sluiced }),
  })

  afterEach(() => {
    for (const { wallet } of stories) wallet.close()
    stories = []
  })

  /** Connected, also when it is disconnected meanwhile, with its channel in use on both sides. */
  async function backOnline({ wallet }: Story): Promise<void> {
    const isBack = async () => {
      if (!wallet.connectedTo(network.lsp.nodeId)) await wallet.reconnect()
      return wallet.channels().some(({ usable }) => usable)
    }
    await waitFor(isBack, { deadline: STEP_MS, pollMs: 250, what: 'the wallet to be back with its channel' })
    await network.waitLspActive(wallet.nodeId)
  }

  /** Some parts may have failed when the wallet went: it waits for them only so long, and the payer sends none again. */
  async function untilGivenUp(story: Story, payment: Promise<readonly Attempt[]>): Promise<readonly Attempt[]> {
    let ended: readonly Attempt[] | undefined
    payment.then((attempts) => {
      ended = attempts
    }, undefined)
    return waitFor(
      async () => {
        if (ended !== undefined) return ended
        await backOnline(story)
        story.wallet.passMinute()
        return ended
      },
      { deadline: STEP_MS, pollMs: 1_000, what: 'the payment to end' },
    )
  }

  /**
   * The wallet went before lnd had the channel in its graph: then the link works with lnd's default fees, and sluiced
   * has the wallet come again, for the price of that payment.
   */
  async function payOnceLoaded(story: Story): Promise<readonly Attempt[]> {
    for (let chances = MOST_RELINKS; ; chances -= 1) {
      await backOnline(story)
      const attempts = await untilGivenUp(story, pay(story, story.bought))
      if (chances === 0 || attempts.every(({ failure }) => failure?.code !== 'FEE_INSUFFICIENT')) return attempts
      await story.waitForState('owed')
    }
  }

  async function prepare(options: StoryOptions = {}): Promise<Story> {
    const story = await Story.begin(network, sluiced, { wanted, ...options })
    stories.push(story)
    return story
  }

  async function expectPaid(story: Story, attempts: readonly Attempt[], bought = story.bought): Promise<void> {
    expect(attempts.map(({ status, failure }) => failure?.code ?? status)).toEqual(attempts.map(() => 'SUCCEEDED'))
    const { paymentHash, amount } = bought
    const sale = await story.expectPaid({ succeeded: true, amount, paymentHash })
    chanIds.push(sale.chan_id ?? '')
  }

  function again({ wallet, bought }: Story): Purchase {
    return { ...bought, ...wallet.createInvoice(invoiceOptions(bought.receivable)) }
  }

  it('[L2-82] refuses the channel: unknown_next_peer, nothing is left', async () => {
    const story = await prepare({ trustsZeroConf: false })
    expectFailed(await pay(story, story.bought), 'UNKNOWN_NEXT_PEER')
    const sale = await story.waitForState('abandoned')
    expect(sale.reason).toMatch(/no zero confirmation channels accepted/i)
    await story.expectNothing()
  })

  it.each<Stage>(['open-request', 'channel-pending'])(
    '[L2-83] vanishes at %s: temporary_channel_failure, nothing is left, sold when it is back',
    async (stage) => {
      const story = await prepare()
      story.wallet.vanishAt(stage)
      const payment = pay(story, story.bought)
      await story.wallet.waitForEvent(({ type }) => type === stage, `the wallet to see ${stage}`)
      expectFailed(await payment, 'TEMPORARY_CHANNEL_FAILURE')
      const waiting = await story.waitForState('awaiting')
      expect(waiting.steps.at(-1)?.detail).toMatchObject({ reason: 'client-gone' })
      await story.expectNothing()
      await story.wallet.reconnect()
      await expectPaid(story, await pay(story, story.bought))
    },
  )

  it('vanishes at channel-ready: one channel, and paid at once or by the next payment', async () => {
    const story = await prepare()
    story.wallet.vanishAt('channel-ready')
    const payment = pay(story, story.bought)
    await story.wallet.waitForEvent(({ type }) => type === 'channel-ready', 'the wallet to see channel-ready')
    await story.waitForGone()
    await story.wallet.reconnect()
    const attempts = await untilGivenUp(story, payment)
    if (attempts.every(({ status }) => status === 'SUCCEEDED')) return expectPaid(story, attempts)
    // The channel was active for a moment: parts were on their way over it when the wallet went.
    expect(attempts.filter(({ status }) => status === 'SUCCEEDED')).toEqual([])
    await story.waitForState('owed')
    await story.expectEarned(0n)
    return expectPaid(story, await payOnceLoaded(story))
  })

  it.each<Stage>(['claimable', 'claimed'])('vanishes at %s: nothing is lost', async (stage) => {
    const story = await prepare()
    story.wallet.vanishAt(stage)
    const payment = pay(story, story.bought)
    await story.wallet.waitForEvent(({ type }) => type === stage, `the wallet to see ${stage}`)
    await story.waitForGone()
    await story.wallet.reconnect()
    await expectPaid(story, await payment)
  })

  it('[L2-100] fails the payment: the channel stays, the fee is owed, and the next payment pays it', async () => {
    const story = await prepare({ onPayment: 'fail' })
    expectFailed(await pay(story, story.bought), 'INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS', 'wallet')
    const owed = await story.waitForState('owed')
    await story.expectEarned(0n)
    expect(story.wallet.owned()).toBe(0n)
    const next = again(story)
    const attempts = await pay(story, next)
    await expectPaid(story, attempts, next)
    expect(await story.show()).toMatchObject({ funding_outpoint: owed.funding_outpoint })
    expect(await channelsTo(network.lsp, story.wallet.nodeId)).toHaveLength(1)
  })

  it('leaves in the journal what is in the history of lnd, each once', async () => {
    await sluiced.stop()
    const journal = keptOf(await readJournal(sluiced))
    expect(await waitKept(network, chanIds, journal.length)).toEqual(journal)
    expect(journal.filter(({ kept }) => kept > 0n)).toHaveLength(chanIds.length)
  })
})

function expectFailed(attempts: readonly Attempt[], code: string, source: 'lsp' | 'wallet' = 'lsp'): void {
  expect(attempts.length).toBeGreaterThan(0)
  const failed = { code, failure_source_index: source === 'lsp' ? 1 : 2 }
  expect(attempts.map(({ failure }) => failure)).toMatchObject(attempts.map(() => failed))
}
