import type { Scid } from '../../lsps/base/scid.ts'
import { FlightRecord, Status } from '../../src/admin/schema.ts'
import { OrderRecord } from '../../src/admin/schema-orders.ts'
import { askDaemon } from '../../src/cli/admin-client.ts'
import { loadConfig } from '../../src/config/load.ts'
import { dataPaths } from '../../src/config/paths.ts'
import { waitFor } from '../stack/wait.ts'
import type { Screen } from './screen.ts'
import { type Moment, renderMoment } from './timeline.ts'
import type { DemoWorld } from './world.ts'

const STEP_DEADLINE_MS = 30_000
/** A balance that is not right by then is a finding. */
const BALANCE_DEADLINE_MS = 10_000

/** Runs the `sluice` CLI on this terminal, as an operator would. */
export type Sluice = (args: readonly string[]) => Promise<void>

export type StageOptions = {
  readonly world: DemoWorld
  readonly screen: Screen
  readonly sluice: Sluice
  readonly signal: AbortSignal
}

/** Where the story is told: the world it is played in, the screen, and what the operator can look up. */
export class Stage {
  readonly world: DemoWorld
  readonly screen: Screen
  readonly signal: AbortSignal
  readonly #sluice: Sluice
  readonly #adminSocket: string

  constructor({ world, screen, sluice, signal }: StageOptions) {
    this.world = world
    this.screen = screen
    this.signal = signal
    this.#sluice = sluice
    this.#adminSocket = dataPaths(loadConfig(world.operator.configFile)).socket
  }

  tell(moment: Omit<Moment, 'at'> & { readonly at?: number }, start?: number): void {
    for (const line of renderMoment({ at: 0, ...moment }, start, this.screen.paint)) this.screen.line(line)
  }

  /** Lines of a table or the like, below each other. */
  show(text: string): void {
    for (const line of text.split('\n')) this.screen.line(`  ${line}`)
  }

  sluice(...args: readonly string[]): Promise<void> {
    return this.#sluice([...args, '--config', this.world.operator.configFile])
  }

  waitFor<T>(condition: () => T | Promise<T>, what: string, pollMs?: number): Promise<NonNullable<T>> {
    const options = { deadline: STEP_DEADLINE_MS, what, signal: this.signal }
    return waitFor(condition, pollMs === undefined ? options : { ...options, pollMs })
  }

  /** What the wallet owns, given time to become what it should; whatever it is then. */
  async balance(expected: bigint): Promise<bigint> {
    const { wallet } = this.world
    await this.settle(() => wallet.owned() === expected, 'the balance')
    return wallet.owned()
  }

  /** Gives a condition time to become true; what is not true by then is a finding, and no error here. */
  async settle(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const reached = waitFor(condition, { deadline: BALANCE_DEADLINE_MS, what, signal: this.signal })
    await reached.catch(() => this.signal.throwIfAborted())
  }

  /** Mines blocks until everybody knows that the last funding transaction is confirmed. */
  async confirm(): Promise<void> {
    await this.screen.wait(
      'mining blocks',
      () => this.world.confirmFunding(this.signal),
      () => 'mined 3 blocks: the funding transaction is confirmed',
    )
  }

  status(): Promise<Status> {
    return askDaemon(this.#adminSocket, '/v1/status', Status)
  }

  sale(scid: Scid): Promise<FlightRecord> {
    return askDaemon(this.#adminSocket, `/v1/jit/${scid}`, FlightRecord)
  }

  order(id: string): Promise<OrderRecord> {
    return askDaemon(this.#adminSocket, `/v1/orders/${id}`, OrderRecord)
  }
}
