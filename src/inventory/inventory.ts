import { type Sat, sat } from '../../lsps/base/amount.ts'
import type { Clock } from '../../lsps/base/clock.ts'
import type { NodeId } from '../../lsps/base/node-id.ts'
import type { Log } from '../kernel/log.ts'
import type { Stop } from '../kernel/stop.ts'
import type { Coin } from '../lnd/port.ts'
import type { Store, Write } from '../store/port.ts'
import { Budget, type Spending } from './budget.ts'
import { largestPayment, pickCoins, unearnedCost } from './coins.ts'
import { type CooldownConfig, Cooldowns, type FailedSale } from './cooldowns.ts'
import { type Facts, type FactsPort, readFacts } from './facts.ts'
import type { Opening, OpeningCoins, Refused, Wanted } from './opening.ts'
import { deleteSpending, putSpending, readSpendings } from './spending.ts'
import { BUDGET_SPENT, CAPACITY_SOLD, LND_SILENT, noCoins } from './stops.ts'
import type { Depth, UnconfirmedTx } from './unconfirmed.ts'
import { type Caps, capRefusal, Usage } from './usage.ts'
import { type Held, type HeldSplit, type Looked, type Wallet, walletOf } from './wallet.ts'

/** Between looks at lnd when no block comes; also how often the budget looks at the clock. */
export const REFRESH_MS = 60_000
/** The same after a look that failed. */
export const RETRY_MS = 5_000
/** What lnd said is believed for so long: after that nothing is sold until it says something again. */
export const STALE_AFTER_MS = 10 * 60_000

export type InventoryConfig = {
  /** Stays in the wallet whatever is sold: for bumping, and for closing what is stuck. */
  readonly reserve: Sat
  readonly caps: Caps
  /** Chain fees per hour for channels that have not earned their fee. */
  readonly budget: Sat
  readonly whenBudgetSpent: 'client_trusts_lsp' | 'empty_menu'
  readonly cooldown: CooldownConfig
  /** Which coins may be spent. */
  readonly depth: Depth
  /** While no channel of this size can be opened, nothing is offered. */
  readonly smallestChannel: Sat
}

export type InventoryDeps = {
  readonly lnd: FactsPort
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** Satoshi per virtual byte; undefined while nothing is opened. */
  readonly feerate: () => number | undefined
  /** The token that an opening of earlier times was bought with; empty when it is not known. */
  readonly tokenOf: (id: string) => Promise<string>
  /** Transactions of ours that were published and are not final; asked only if unconfirmed coins may be spent. */
  readonly unconfirmed: () => readonly UnconfirmedTx[]
  /** What is known of the wallet is new. Must not throw. */
  readonly onLooked: () => void
}

export type Claim = { readonly ok: true; readonly coins: OpeningCoins | undefined } | ({ readonly ok: false } & Refused)

/**
 * What may still be sold: coins, caps and the budget for channels that have not earned their fee. All of it is counted
 * in memory and answered at once; nothing here is a second truth. Reservations are the openings that the funding
 * service has on disk, fed back by `load` and `follow`, and between a claim and its order's commit a process that dies
 * has promised nothing: the sale's outbox claims again. What the wallet holds is lnd's word, at most ten minutes old.
 */
export class Inventory {
  readonly #deps: InventoryDeps
  readonly #config: InventoryConfig
  readonly #openings = new Map<string, Held>()
  readonly #splits = new Map<string, HeldSplit>()
  readonly #usage = new Usage()
  readonly #budget: Budget
  readonly #cooldowns: Cooldowns
  readonly #tokens = new Map<string, string>()
  #facts: Looked | undefined
  #looks = 0
  #missed = false
  #running: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined
  #largest: { readonly feerate: number; readonly channel: Sat } | undefined

  constructor(deps: InventoryDeps, config: InventoryConfig) {
    this.#deps = deps
    this.#config = config
    this.#budget = new Budget(config.budget)
    this.#cooldowns = new Cooldowns(config.cooldown)
  }

  /** At the start: what is on disk. `openings` are those of the funding service that live. */
  async load(openings: Iterable<Opening>): Promise<void> {
    const old = this.#budget.load(await readSpendings(this.#deps.store), this.#deps.clock.now())
    if (old.length > 0) await this.#deps.store.commit(old.map(({ id }) => deleteSpending(id)))
    for (const opening of openings) this.follow(opening)
  }

  /**
   * Takes coins, a place under the caps and the chain fee for an opening, in this very tick, or says what is missing.
   * The same id again gets the same answer.
   */
  reserve(wanted: Wanted): Claim {
    const known = this.#openings.get(wanted.id)
    if (known !== undefined) return { ok: true, coins: known.opening.coins }
    const refused = capRefusal(this.#usage, wanted, this.#config.caps) ?? this.#budgetRefusal(wanted)
    if (refused !== undefined) return { ok: false, ...refused }
    const picked = this.#pick(wanted)
    if ('reason' in picked) return { ok: false, ...picked }
    const { coins } = picked
    this.#hold({ ...wanted, coins, stage: 'decided', spends: false, placedAt: undefined }, picked.spent)
    if (wanted.broadcast === 'at-once') this.#budget.add(this.#spending(wanted, coins), this.#deps.clock.now())
    return { ok: true, coins }
  }

  /** An opening that came to nothing, or was never ordered. Of an unknown one: changes nothing. */
  release(id: string): void {
    this.#budget.remove(id)
    this.#openings.delete(id)
    if (!this.#isStanding(id)) this.#usage.delete(id)
    this.#largest = undefined
  }

  /** Coins that no opening has claimed, and that may be spent. */
  freeCoins(): readonly Coin[] {
    return this.#isStale() ? [] : this.#wallet().coins
  }

  /** Whether coins are being split ahead, or what became of them was not looked at yet. */
  get isSplitting(): boolean {
    return this.#splits.size > 0
  }

  /** Coins that are being split ahead, from before lnd hears of it; they are no opening's. */
  followSplit(id: string, split: Pick<HeldSplit, 'inputs' | 'stage'>): void {
    this.#splits.set(id, { ...split, looks: this.#looks })
    this.#largest = undefined
  }

  /** To be committed with the step of an opening: what it spends before it earned anything (decisions D22). */
  writesFor(before: Opening | undefined, after: Opening): readonly Write[] {
    if (after.stage === 'nothing') return before?.spends === true ? [deleteSpending(after.id)] : []
    const isNew = after.spends && before?.spends !== true
    if (!isNew || this.#openings.get(after.id)?.earned === true) return []
    this.#budget.add(this.#spending(after, after.coins), this.#deps.clock.now())
    const spending = this.#budget.get(after.id)
    return spending === undefined ? [] : [putSpending(spending)]
  }

  /** What is on disk of an opening now; called after each of its commits. */
  follow(opening: Opening): void {
    if (opening.stage === 'nothing') {
      this.release(opening.id)
      return
    }
    const known = this.#openings.get(opening.id)
    if (known?.opening.stage === opening.stage) return
    this.#hold(opening, known?.need ?? this.#needOf(opening), known?.earned)
  }

  /** To be committed with the fee: it is earned, and the budget has its chain fee back. */
  earned(owner: string): readonly Write[] {
    for (const held of this.#openings.values()) if (held.opening.owner === owner) held.earned = true
    const given = this.#budget.ofOwner(owner)
    for (const { id } of given) this.#budget.remove(id)
    return given.map(({ id }) => deleteSpending(id))
  }

  failed(peer: NodeId, why: FailedSale): void {
    this.#cooldowns.failed(peer, why, this.#deps.clock.now())
  }

  succeeded(peer: NodeId): void {
    this.#cooldowns.succeeded(peer)
  }

  /** Why this peer cannot buy now, in words for it; undefined when it can. */
  rejection(peer: NodeId): string | undefined {
    const cooling = this.#cooldowns.rejection(peer, this.#deps.clock.now())
    if (cooling !== undefined) return cooling
    const least = { peer, token: '', capacity: this.#config.smallestChannel }
    const refused = capRefusal(this.#usage, least, this.#config.caps)
    return refused?.reason === 'peer-cap' ? 'you have as many channels from us as we open to one peer' : undefined
  }

  /** Whom a channel that is sold now relies on; undefined: nothing is sold (decisions D22). */
  trust(): 'lsp-trusts-client' | 'client-trusts-lsp' | undefined {
    const satPerVbyte = this.#deps.feerate()
    if (satPerVbyte === undefined) return undefined
    if (this.#budget.fits(unearnedCost(satPerVbyte, 1), this.#deps.clock.now())) return 'lsp-trusts-client'
    return this.#config.whenBudgetSpent === 'client_trusts_lsp' ? 'client-trusts-lsp' : undefined
  }

  /** The budget is spent: what is sold now is sold with `client_trusts_lsp: true`. */
  sellsOnTrust(): boolean {
    return this.trust() === 'client-trusts-lsp'
  }

  /** Why nothing can be opened now: the menu is empty then (L2-03). The feerate has its own word for that. */
  stop(): Stop | undefined {
    const satPerVbyte = this.#deps.feerate()
    if (satPerVbyte === undefined) return undefined
    if (this.#isStale()) return LND_SILENT
    if (this.trust() === undefined) return BUDGET_SPENT
    const largest = this.largestChannel()
    if (largest >= this.#config.smallestChannel) return undefined
    const { capacity } = this.#config.caps
    const capped = capacity !== undefined && this.#usage.capacity + this.#config.smallestChannel > capacity
    return capped ? CAPACITY_SOLD : noCoins(largest, this.#config.smallestChannel)
  }

  /** The largest channel that could be opened now, whoever asks; 0 when lnd has said nothing for long. */
  largestChannel(): Sat {
    const satPerVbyte = this.#deps.feerate()
    if (satPerVbyte === undefined || this.#isStale()) return sat(0n)
    if (this.#largest?.feerate !== satPerVbyte) {
      const free = this.#wallet()
      const paid = largestPayment(free.coins, satPerVbyte)
      const fee = unearnedCost(satPerVbyte, 1)
      const beside = free.available > fee ? free.available - fee : 0n
      this.#largest = { feerate: satPerVbyte, channel: sat(paid < beside ? paid : beside) }
    }
    const { capacity } = this.#config.caps
    if (capacity === undefined) return this.#largest.channel
    const room = capacity > this.#usage.capacity ? capacity - this.#usage.capacity : 0n
    return room < this.#largest.channel ? sat(room) : this.#largest.channel
  }

  /** The largest payment that can reach the node (L2-44); 0 when lnd has said nothing for long. */
  get inbound(): Sat {
    return this.#isStale() || this.#facts === undefined ? sat(0n) : this.#facts.inbound
  }

  /** What can be spent on channels now. */
  available(): Sat {
    return this.#isStale() ? sat(0n) : sat(this.#wallet().available)
  }

  /** For people: every bound with what is used of it. */
  report() {
    const now = this.#deps.clock.now()
    const { caps, reserve } = this.#config
    const wallet = this.#wallet()
    return {
      readAt: this.#facts?.at,
      coins: wallet.coins.length,
      free: sat(wallet.coins.reduce((sum, { amount }) => sum + amount, 0n)),
      available: this.available(),
      reserve,
      anchorReserve: this.#facts?.anchorReserve ?? sat(0n),
      reservations: wallet.claims,
      reserved: sat(wallet.reserved),
      inbound: this.inbound,
      channels: this.#usage.channels,
      capacity: sat(this.#usage.capacity),
      largest: this.#usage.largest,
      caps,
      budget: {
        spent: this.#budget.spent(now),
        limit: this.#budget.limit,
        nextReleaseMs: this.#budget.nextRelease(now),
        sells: this.trust(),
      },
      cooling: this.#cooldowns.cooling(now),
    }
  }

  /** Asks lnd anew; resolved when an answer is there that began after this call. Calls meanwhile share one look. */
  refresh(signal: AbortSignal): Promise<void> {
    if (this.#next !== undefined) return this.#next
    const next = this.#running
      .catch(() => undefined)
      .then(() => {
        this.#running = next
        this.#next = undefined
        return this.#look(signal)
      })
    this.#next = next
    return next
  }

  /** Keeps what is known of the wallet, and the budget's clock, up to date. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pauseMs = this.#missed ? RETRY_MS : REFRESH_MS
      await this.#deps.clock.sleep(pauseMs, signal).catch(() => undefined)
      if (signal.aborted) return
      this.#budget.observe(this.#deps.clock.now())
      await this.refreshOrWarn(signal)
    }
  }

  async refreshOrWarn(signal: AbortSignal): Promise<void> {
    try {
      // An answer that got lost on the way is asked for once more, at once: nothing is sold without it.
      await this.refresh(signal).catch(() => this.refresh(signal))
      await this.#prune()
      this.#missed = false
    } catch (error) {
      this.#missed = true
      if (!signal.aborted) this.#deps.log.warn({ err: error }, 'coins and channels not read, will be tried again')
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    this.#looks += 1
    const look = this.#looks
    const { minConfs, most } = this.#config.depth
    const facts = await readFacts(this.#deps.lnd, most === 0 ? minConfs : 0, signal)
    await this.#learnTokens(facts)
    const unconfirmed = most === 0 ? [] : this.#deps.unconfirmed()
    this.#facts = { ...facts, at: this.#deps.clock.now(), look, unconfirmed }
    this.#largest = undefined
    for (const [id, { stage, looks }] of this.#splits) if (stage === 'over' && looks < look) this.#splits.delete(id)
    for (const [id, { opening, looks }] of this.#openings) {
      if (opening.stage === 'ended' && looks < look) this.#openings.delete(id)
    }
    const standing = new Set(facts.standing.map(({ id }) => id))
    this.#usage.retain((id) => standing.has(id) || this.#openings.has(id))
    for (const { id, peer, capacity } of facts.standing) {
      if (!this.#openings.has(id)) this.#usage.set(id, { peer, capacity, token: this.#tokens.get(id) ?? '' })
    }
    this.#deps.onLooked()
  }

  /** Which token a standing channel was bought with is on disk, at its opening: read once for each. */
  async #learnTokens({ standing }: Facts): Promise<void> {
    if (this.#config.caps.capacityPerToken === undefined) return
    const ids = new Set(standing.map(({ id }) => id))
    for (const id of [...this.#tokens.keys()]) if (!ids.has(id)) this.#tokens.delete(id)
    for (const id of ids) if (!this.#tokens.has(id)) this.#tokens.set(id, await this.#deps.tokenOf(id))
  }

  /** Spendings that left the window need not be kept. */
  async #prune(): Promise<void> {
    const expired = this.#budget.takeExpired()
    if (expired.length > 0) await this.#deps.store.commit(expired.map(deleteSpending))
  }

  #hold(opening: Opening, need: Sat, earned = false): void {
    this.#openings.set(opening.id, { opening, need, looks: this.#looks, earned })
    this.#usage.set(opening.id, opening)
    this.#largest = undefined
  }

  #needOf({ capacity, satPerVbyte, coins }: Opening): Sat {
    return sat(capacity + unearnedCost(satPerVbyte, coins?.inputs.length ?? 1))
  }

  #spending({ id, owner, satPerVbyte }: Wanted, coins: OpeningCoins | undefined): Spending {
    return { id, owner, amount: unearnedCost(satPerVbyte, coins?.inputs.length ?? 1), at: this.#deps.clock.now() }
  }

  #budgetRefusal({ satPerVbyte, broadcast }: Wanted): Refused | undefined {
    const now = this.#deps.clock.now()
    const cost = unearnedCost(satPerVbyte, 1)
    if (broadcast === 'when-due' || this.#budget.fits(cost, now)) return undefined
    const detail = `${cost} sat of chain fees beside ${this.#budget.spent(now)} sat exceed unearned_budget_sat_per_hour`
    return { reason: 'budget', detail }
  }

  #pick({ capacity, satPerVbyte }: Wanted): { readonly coins: OpeningCoins; readonly spent: Sat } | Refused {
    const none = (detail: string): Refused => ({ reason: 'no-coins', detail })
    if (this.#isStale()) return none('lnd has not said what its wallet holds')
    const wallet = this.#wallet()
    const picked = pickCoins(wallet.coins, capacity, satPerVbyte)
    if (picked === undefined) return none(`the wallet's free coins do not make a channel of ${capacity} sat`)
    if (picked.spent > wallet.available) {
      return none(`${picked.spent} sat of ${wallet.available} sat that may be spent: the rest is kept in reserve`)
    }
    const inputs = picked.coins.map(({ outpoint }) => outpoint)
    const confirmations = picked.coins.map((coin) => coin.confirmations)
    return { coins: { inputs, minConfs: Math.min(this.#config.depth.minConfs, ...confirmations) }, spent: picked.spent }
  }

  #wallet(): Wallet {
    const { reserve, depth } = this.#config
    const known = { facts: this.#facts, openings: this.#openings.values(), splits: this.#splits.values() }
    return walletOf(known, reserve, depth)
  }

  #isStale(): boolean {
    return this.#facts === undefined || this.#deps.clock.now() - this.#facts.at > STALE_AFTER_MS
  }

  #isStanding(id: string): boolean {
    return this.#facts?.standing.some((channel) => channel.id === id) ?? false
  }
}
