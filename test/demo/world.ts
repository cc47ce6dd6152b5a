import type { Clock } from '../../lsps/base/clock.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Receivable } from '../../lsps/lsps2/receive.ts'
import type { Transport } from '../../lsps/rpc/client.ts'
import type { Screen } from './screen.ts'

/**
 * What the story is played in: real daemons or the simulated node. All amounts in millisatoshi. Everything that a
 * world does not say here, the story learns as any operator would: over the admin interface of sluiced and its CLI.
 */
export type DemoWorld = {
  readonly simulated: boolean
  /** The time that `sluiced` stamps its records with. */
  readonly clock: Clock
  readonly wallet: DemoWallet
  readonly operator: DemoOperator
  readonly payer: DemoPayer
  /** Mines blocks until the funding transaction is confirmed and everybody knows it. */
  confirmFunding(signal: AbortSignal): Promise<void>
  /** The end of sluiced's log, for when something went wrong. */
  logTail(): string
}

export type DemoInvoice = {
  readonly paymentHash: string
  readonly amount: bigint
  /** BOLT11; undefined on the simulated node, which knows none. */
  readonly text?: string
}

export type DemoWallet = {
  readonly nodeId: NodeId
  /** Name and version of what it runs on. */
  readonly software: string
  /** LSPS messages to and from the operator. */
  transport(): Transport
  channels(): readonly WalletChannel[]
  /** Its part of all its channels; payments under way do not count. */
  owned(): bigint
  /** Over a way in that it bought, at the price of that; without one, over a channel that it has. */
  createInvoice(request: { readonly amount: bigint; readonly bought?: Receivable }): DemoInvoice
  /** What it got by this invoice and what was withheld; undefined until it has taken the payment. */
  received(invoice: DemoInvoice): { readonly amount: bigint; readonly withheld: bigint } | undefined
  /**
   * Pays from what it has; resolves with the routing fee once it has the preimage.
   * @throws Error with the reason when the payment fails
   */
  pay(invoice: string, signal: AbortSignal): Promise<{ readonly fee: bigint }>
  /** What happened to it so far, oldest first. */
  milestones(): readonly Milestone[]
}

/** A channel as the wallet knows it: its size in satoshi, and what of it is the wallet's. */
export type WalletChannel = { readonly outpoint: string; readonly capacity: bigint; readonly owned: bigint }

/** A channel as the operator's node lists it; in satoshi, as lnd does. `pushed`: the wallet's part at the beginning. */
export type ListedChannel = {
  readonly outpoint: string
  readonly capacity: bigint
  readonly remoteBalance: bigint
  readonly pushed: bigint
}

/** `at`: by the world's clock. */
export type Milestone = { readonly at: number; readonly what: string }

/** A forward as lnd itself has written it down. */
export type WrittenForward = { readonly amountIn: bigint; readonly amountOut: bigint; readonly fee: bigint }

export type DemoOperator = {
  readonly nodeId: NodeId
  /** Name and version of its node. */
  readonly software: string
  /** With which `sluice` finds the running `sluiced`. */
  readonly configFile: string
  /** The name of its node's history of forwards, and why `writtenForwards` may take a while. */
  readonly history: string
  readonly historyDelay: string
  /** The name of its node's records, which are that history, its invoices and its channels. */
  readonly records: string
  /** lnd's own forwarding history once it has this many rows; what is there when it takes too long. */
  writtenForwards(count: number, signal: AbortSignal): Promise<readonly WrittenForward[]>
  /** What its node took for an invoice of its own; 0 unless that is settled. */
  takenFor(paymentHash: string, signal: AbortSignal): Promise<bigint>
  /** Its node's channels with the wallet. */
  channelsTo(wallet: NodeId, signal: AbortSignal): Promise<readonly ListedChannel[]>
}

export type DemoPayer = {
  readonly nodeId: NodeId
  readonly software: string
  /** Resolves when the payer has the receipt. @throws Error with the reason when the payment fails */
  pay(invoice: DemoInvoice, signal: AbortSignal): Promise<void>
}

export type StartOptions = {
  readonly signal: AbortSignal
  /** Is given what has to be ended, as soon as it runs; the last is ended first. */
  readonly onStarted: (stop: () => Promise<void>) => void
  /** Ends the demo: this world cannot go on. */
  readonly onFatal: (error: unknown) => void
}

/** Starts a world, telling the screen what it does. */
export type StartWorld = (screen: Screen, options: StartOptions) => Promise<DemoWorld>
