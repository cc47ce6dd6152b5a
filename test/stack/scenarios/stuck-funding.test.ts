import { afterEach, describe, expect, it } from 'vitest'
import type { FlightRecord } from '../../../src/admin/schema.ts'
import type { ChainTransaction } from '../btcd.ts'
import { EmptyBlocks } from '../empty-blocks.ts'
import { FeeSource } from '../fee-source.ts'
import { type Network, startNetwork } from '../network.ts'
import { renewedAfterFailure } from '../renewed.ts'
import { Sluiced } from '../sluiced.ts'
import { channelsTo, confirmFundings, waitNoLease } from '../sold.ts'
import { Story } from '../story.ts'
import { waitFor } from '../wait.ts'

const HURRIED = 'funding hurried along by a child transaction'
const CHEAP = 5
const DEAR = 40
const DEARER = 60
const AFTER_BLOCKS = 2
/** Blocks after which a child may be replaced (`REBUMP_BLOCKS`), and one more. */
const REPLACED_AFTER = 7
const STEP_MS = 60_000
const SAT_PER_BTC = 100_000_000

describe('a published funding that gets into no block, on the real stack', () => {
  let network: Network
  let source: FeeSource
  let empty: EmptyBlocks
  let sluiced: Sluiced
  let story: Story | undefined

  renewedAfterFailure({
    begin: async () => {
      source = await FeeSource.start(CHEAP)
      network = await startNetwork({
        lsp: { flags: [source.flag] },
        log: (line) => process.stderr.write(`${line}\n`),
      })
      empty = await EmptyBlocks.start(network)
    },
    end: async () => {
      await sluiced?.stop()
      await empty?.stop()
      await network?.stop()
      source?.stop()
    },
  })

  afterEach(async () => {
    story?.wallet.close()
    await sluiced?.stop()
  })

  /** A channel is sold and paid at a low feerate; then blocks get dear, and none takes the funding. */
  async function sellWith(funding: object): Promise<FlightRecord> {
    source.satPerVbyte = CHEAP
    sluiced = new Sluiced(network, { config: { funding: { cpfp_after_blocks: AFTER_BLOCKS, ...funding } } })
    await sluiced.start()
    story = await Story.begin(network, sluiced)
    expect(await story.pay()).toMatchObject({ succeeded: true })
    const sale = await story.waitForState('paid')
    await network.waitInMempool(sale.funding_txid ?? '')
    source.satPerVbyte = DEAR
    return sale
  }

  /** One by one, so that sluiced sees each. */
  async function mineEmpty(count: number): Promise<void> {
    for (let block = 0; block < count; block += 1) {
      await empty.mine(1)
      await sluiced.waitForBlock(await network.btcd.height())
    }
  }

  /** What stands in the mempool beside the funding. */
  async function children({ funding_txid }: FlightRecord): Promise<readonly ChainTransaction[]> {
    const waiting = await network.btcd.mempool()
    expect(waiting).toContain(funding_txid)
    const others = await Promise.all(
      waiting.filter((txid) => txid !== funding_txid).map((txid) => network.btcd.transaction(txid)),
    )
    return others.filter((tx) => tx !== undefined)
  }

  async function childOf(sale: FlightRecord): Promise<ChainTransaction> {
    const [child, ...more] = await waitFor(
      async () => {
        const found = await children(sale)
        return found.length > 0 ? found : undefined
      },
      { deadline: STEP_MS, what: 'a child of the funding in the mempool' },
    )
    expect(more).toEqual([])
    if (child === undefined) throw new Error('no child')
    expect(child.vin.map(({ txid }) => txid)).toEqual([sale.funding_txid])
    return child
  }

  const sum = ({ vout }: ChainTransaction) =>
    vout.reduce((total, { value }) => total + Math.round(value * SAT_PER_BTC), 0)

  /** Satoshi. */
  async function feeOf(tx: ChainTransaction): Promise<number> {
    const values = await Promise.all(
      tx.vin.map(async ({ txid, vout }) => {
        const parent = await network.btcd.transaction(txid)
        return Math.round((parent?.vout[vout]?.value ?? 0) * SAT_PER_BTC)
      }),
    )
    return values.reduce((total, value) => total + value, 0) - sum(tx)
  }

  /** Miners take both; one channel, nothing left to do, and the next sale works. */
  async function expectConfirmed(sale: FlightRecord): Promise<void> {
    await confirmFundings(network, sluiced)
    expect(await network.btcd.mempool()).toEqual([])
    const channels = await channelsTo(network.lsp, story?.wallet.nodeId ?? '')
    expect(channels.map(({ channel_point }) => channel_point)).toEqual([sale.funding_outpoint])
    await waitNoLease(network.lsp)
    await sluiced.waitIdle()
  }

  it('is lifted by a child to the feerate of the day, and both confirm', async () => {
    const sale = await sellWith({ cpfp_max_sat: '50000' })
    await mineEmpty(1)
    expect(await children(sale)).toEqual([])
    await mineEmpty(AFTER_BLOCKS)
    const child = await childOf(sale)
    const parent = await network.btcd.transaction(sale.funding_txid ?? '')
    if (parent === undefined) throw new Error('no funding')
    const [ofChild, ofParent] = await Promise.all([feeOf(child), feeOf(parent)])
    const vbytes = child.vsize + parent.vsize
    expect((ofChild + ofParent) / vbytes).toBeGreaterThan(DEAR * 0.95)
    expect((ofChild + ofParent) / vbytes).toBeLessThan(DEAR * 1.15)
    expect((await sluiced.show(sale.scid)).steps.map(({ what }) => what)).toContain(HURRIED)
    await expectConfirmed(sale)
  })

  it('costs no more than the budget, also when the child is replaced', async () => {
    const budget = 5_000
    const sale = await sellWith({ cpfp_max_sat: String(budget) })
    await mineEmpty(1 + AFTER_BLOCKS)
    const first = await feeOf(await childOf(sale))
    expect(first).toBeGreaterThan(budget * 0.8)
    expect(first).toBeLessThanOrEqual(budget)
    source.satPerVbyte = DEARER
    await mineEmpty(REPLACED_AFTER)
    expect(await feeOf(await childOf(sale))).toBeLessThanOrEqual(budget)
    await expectConfirmed(sale)
  })

  it('is left alone with a budget of 0, and confirms by itself', async () => {
    const sale = await sellWith({ cpfp_max_sat: '0' })
    await mineEmpty(AFTER_BLOCKS + 3)
    expect(await children(sale)).toEqual([])
    await expectConfirmed(sale)
  })
})
