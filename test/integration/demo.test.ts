import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { plain } from '../../src/cli/format.ts'
import { Screen } from '../demo/screen.ts'
import { startSimulatedWorld } from '../demo/simulated-world.ts'
import { Story } from '../demo/story.ts'
import type { DemoWorld } from '../demo/world.ts'

describe('the demo on the simulated node', () => {
  const stops: (() => Promise<void>)[] = []
  const stopAll = async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  }
  afterEach(stopAll)

  async function play(change: (world: DemoWorld) => DemoWorld = (world) => world) {
    const written: string[] = []
    const commands: string[] = []
    const screen = new Screen({
      output: { write: (text) => written.push(text) },
      live: false,
      paint: plain,
      now: () => performance.now(),
    })
    const { signal } = new AbortController()
    const world = await startSimulatedWorld(screen, {
      signal,
      onStarted: (stop) => stops.push(stop),
      onFatal: (error) => written.push(String(error)),
    })
    const sluice = async (args: readonly string[]) => {
      commands.push(args.slice(0, args.indexOf('--config')).join(' '))
    }
    const facts = await new Story({ world: change(world), screen, sluice, signal }).tell()
    return { facts, commands, shown: written.join(''), folder: dirname(world.operator.configFile) }
  }

  it('sells, delivers a second payment without a fee, and all books agree', async () => {
    const { facts, commands, shown, folder } = await play()
    expect(facts).toMatchObject({
      simulated: true,
      agreed: true,
      differences: [],
      payment_msat: '1234567890',
      fee_msat: '3086420',
      received_msat: '1231481470',
      earned_by_lnd_msat: '3086420',
      earned_by_journal_msat: '3086420',
      second_received_msat: '5000000',
      second_fee_msat: '0',
      wallet_owns_msat: '1236481470',
    })
    expect(facts.funding_txid).toMatch(/^[0-9a-f]{64}$/)
    expect(facts.sale_ms).toBeGreaterThan(0)
    expect(facts.steps.map(({ who }) => who)).toEqual(expect.arrayContaining(['payer', 'operator', 'wallet']))
    expect(facts.steps.map(({ at_ms }) => at_ms)).toEqual(facts.steps.map(({ at_ms }) => at_ms).sort((a, b) => a - b))
    expect(commands).toEqual([`jit show ${facts.scid}`, `orders show ${facts.order_id}`, 'promises'])
    expect(shown).toContain(facts.funding_txid)
    expect(shown).toContain('All three books agree to the millisatoshi.')
    expect(shown).toContain('This was a simulation')
    await stopAll()
    expect(existsSync(folder)).toBe(false)
  })

  it('orders a larger channel, pays for it from what was paid, and has it kept longer [L1-93] [L7-06]', async () => {
    const { facts, shown } = await play()
    expect(facts).toMatchObject({
      agreed: true,
      order_lsp_balance_sat: '4000000',
      order_client_balance_sat: '150000',
      order_fee_sat: '18319',
      order_total_sat: '168319',
      order_paid_msat: '168319000',
      order_channel_sat: '4150000',
      order_pushed_msat: '150000000',
      extension_blocks: 4320,
      extension_fee_sat: '18055',
      extension_total_sat: '18055',
      extension_paid_msat: '18055000',
      wallet_owns_at_the_end_msat: '1200107470',
      all_earned_as_agreed_msat: '39460420',
      all_earned_by_wallet_msat: '39460420',
      all_earned_by_lnd_msat: '39460420',
      all_earned_by_journal_msat: '39460420',
    })
    expect(facts.order_expiry_height_after - facts.order_expiry_height_before).toBe(4320)
    expect(facts.order_expires_after > facts.order_expires_before).toBe(true)
    expect(facts.channels.map(({ funded_by, capacity_sat }) => [funded_by, capacity_sat])).toEqual([
      ['sale', facts.capacity_sat],
      ['order', '4150000'],
    ])
    for (const steps of [facts.order_steps, facts.extension_steps]) {
      const told = steps.map(({ what }) => what).join('\n')
      for (const state of ['HOLD: holds', 'COMPLETED: ', 'PAID: has settled', 'reads its order: COMPLETED, PAID'])
        expect(told).toContain(state)
    }
    for (const told of [facts.order_id, facts.extension_id, facts.order_funding_outpoint, '=  fee'])
      expect(shown).toContain(told)
    const tooLong = shown.split('\n').filter((line) => line.length > 80 && !line.startsWith('  waiting for '))
    expect(tooLong).toEqual([])
  })

  it('does not agree when lnd took a millisatoshi less for the order than it says', async () => {
    const { facts } = await play((world) => ({
      ...world,
      operator: {
        ...world.operator,
        takenFor: async (hash, signal) => {
          const taken = await world.operator.takenFor(hash, signal)
          return taken === 168_319_000n ? taken - 1n : taken
        },
      },
    }))
    expect(facts.agreed).toBe(false)
    expect(facts.differences).toEqual([
      "the simulated node's history and invoices: to the wallet 1,200,107,471 msat instead of 1,200,107,470 msat, 1 msat too much",
      "the simulated node's history and invoices: to the operator 39,460,419 msat instead of 39,460,420 msat, 1 msat too little",
    ])
  })

  it('does not agree when a channel is a satoshi off at the node', async () => {
    const { facts } = await play((world) => ({
      ...world,
      operator: {
        ...world.operator,
        channelsTo: async (wallet, signal) => {
          const [first, ...others] = await world.operator.channelsTo(wallet, signal)
          return first === undefined ? [] : [{ ...first, remoteBalance: first.remoteBalance - 1n }, ...others]
        },
      },
    }))
    expect(facts.agreed).toBe(false)
    expect(facts.differences).toEqual([
      expect.stringMatching(
        /^channel .*: the wallet's part is 1,050,106 sat by the node, 1,050,107 sat by the wallet$/,
      ),
    ])
  }, 30_000)

  it("does not agree when lnd's history is a millisatoshi off", async () => {
    const { facts, shown } = await play((world) => ({
      ...world,
      operator: {
        ...world.operator,
        async writtenForwards(count, signal) {
          const [first, ...others] = await world.operator.writtenForwards(count, signal)
          return first === undefined ? [] : [{ ...first, fee: first.fee - 1n }, ...others]
        },
      },
    }))
    expect(facts.agreed).toBe(false)
    expect(facts.differences).toEqual([
      "the simulated node's history and invoices: to the operator 39,460,419 msat instead of 39,460,420 msat, 1 msat too little",
    ])
    expect(shown).toContain('The books differ:')
  })

  it('does not agree when the wallet saw more withheld than was agreed', async () => {
    const { facts } = await play((world) => ({
      ...world,
      wallet: {
        ...world.wallet,
        received(invoice) {
          const received = world.wallet.received(invoice)
          return received && { ...received, withheld: received.withheld + 1n }
        },
      },
    }))
    expect(facts.agreed).toBe(false)
    expect(facts.differences).toEqual([
      "the wallet's balance, and what it saw go: to the operator 39,460,422 msat instead of 39,460,420 msat, 2 msat too much",
    ])
  })
})
