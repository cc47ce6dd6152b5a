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
    const sluice = async (args: readonly string[]) => void commands.push(args.slice(0, 3).join(' '))
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
    expect(commands).toEqual([`jit show ${facts.scid}`])
    expect(shown).toContain(facts.funding_txid)
    expect(shown).toContain('All three books agree to the millisatoshi.')
    expect(shown).toContain('This was a simulation')
    await stopAll()
    expect(existsSync(folder)).toBe(false)
  })

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
      "the simulated node's forwarding history: to the operator 3,086,419 msat instead of 3,086,420 msat, 1 msat too little",
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
      "the wallet's balance, and what it saw withheld: to the operator 3,086,422 msat instead of 3,086,420 msat, 2 msat too much",
    ])
  })
})
