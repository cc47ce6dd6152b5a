import * as z from 'zod'

/** What the admin interface says of promised lifetimes; amounts are decimal strings, times are UTC datetimes. */

const Amount = z.string().regex(/^-?\d+$/)
const Time = z.string()
const Count = z.int().nonnegative()

/** What a promise can be asked for by: it stands, its time is over, its channel closes, is gone, or our side broke it. */
export const PROMISE_STATES = ['kept', 'over', 'closing', 'ended', 'broken'] as const

const promise = {
  outpoint: z.string(),
  state: z.enum(PROMISE_STATES),
  client: z.string(),
  sold_by: z.object({ type: z.enum(['jit', 'order']), id: z.string() }),
  made_at: Time,
  /** After the confirmation of the funding; extensions included. */
  blocks: Count,
  chan_id: z.string().optional(),
  /** Absent while the funding is in no block: nothing is over before that. */
  from_height: Count.optional(),
  until_height: Count.optional(),
  /** The channel stays until then as well, whatever the height. */
  not_before: Time.optional(),
  extensions: z.array(z.object({ order: z.string(), blocks: Count, at: Time })),
  /** To a day. */
  client_seen_at: Time.optional(),
  last_moved_at: Time.optional(),
  /** lnd has it among the closing ones; early: before its promise was over. */
  closing: z.object({ at: Time, height: Count, early: z.boolean() }).optional(),
  ended: z
    .object({
      at: Time,
      height: Count,
      close_type: z.string(),
      /** Who began it: `us`, `peer`, or `unknown`. */
      by: z.string(),
      early: z.boolean(),
    })
    .optional(),
}

export const LifetimePromise = z.object(promise)
export type LifetimePromise = z.output<typeof LifetimePromise>

export const PromiseList = z.object({
  promises: z.array(LifetimePromise),
  /** How many are not in the list. */
  more: Count,
  /** Of the chain. */
  height: Count,
})
export type PromiseList = z.output<typeof PromiseList>

const Ground = z.object({
  ground: z.enum(['idle', 'stranded', 'unprofitable']),
  days: Count,
  ours_sat: Amount.optional(),
  earned_msat: Amount.optional(),
  yield_ppm_per_year: Count.optional(),
})

/** Channels whose promise is over and which something speaks against. Nothing was closed. */
export const ClosableList = z.object({
  channels: z.array(
    z.object({
      ...promise,
      capacity_sat: Amount,
      local_sat: Amount,
      remote_sat: Amount,
      active: z.boolean(),
      grounds: z.array(Ground),
    }),
  ),
  /** How many are not in the list. */
  more: Count,
  /** Promises that are over; the others have nothing against them. */
  over: Count,
  promised: Count,
})
export type ClosableList = z.output<typeof ClosableList>
