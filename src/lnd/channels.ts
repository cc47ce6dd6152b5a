import { closeChannel } from './close.ts'
import type { Connection } from './connect.ts'
import {
  toAlias,
  toChannel,
  toChannelEvent,
  toClosedChannel,
  toForward,
  toPendingChannels,
  toRawChannelPoint,
} from './convert.ts'
import { listen } from './listen.ts'
import { openChannel } from './open.ts'
import type { ChannelEvent, Forward, LndPort, OnEvent } from './port.ts'

type ChannelCalls = Pick<
  LndPort,
  | 'listChannels'
  | 'pendingChannels'
  | 'closedChannels'
  | 'openChannel'
  | 'verifyFunding'
  | 'cancelFunding'
  | 'closeChannel'
  | 'abandonChannel'
  | 'addAlias'
  | 'listAliases'
  | 'forwardingHistory'
  | 'subscribeChannelEvents'
>

/** Rows of forwarding history per call; lnd allows 50,000. */
const HISTORY_PAGE = 10_000

export function channelCalls(lnd: Connection): ChannelCalls {
  return {
    listChannels: async (signal, peer) => {
      const request = peer === undefined ? {} : { peer: Buffer.from(peer, 'hex') }
      const { channels } = await lnd.unary('listChannels', request, signal)
      return channels.map(toChannel)
    },

    pendingChannels: async (signal) =>
      toPendingChannels(await lnd.unary('pendingChannels', { include_raw_tx: true }, signal)),

    closedChannels: async (signal) => {
      const { channels } = await lnd.unary('closedChannels', {}, signal)
      return channels.map(toClosedChannel)
    },

    openChannel: (request, signal) => openChannel(lnd, request, signal),

    verifyFunding: async ({ psbt, pendingChannelId }, signal) => {
      const psbt_verify = {
        funded_psbt: Buffer.from(psbt, 'base64'),
        pending_chan_id: Buffer.from(pendingChannelId, 'hex'),
        skip_finalize: true,
      }
      await lnd.unary('fundingStateStep', { psbt_verify }, signal)
    },

    cancelFunding: async (pendingChannelId, signal) => {
      const shim_cancel = { pending_chan_id: Buffer.from(pendingChannelId, 'hex') }
      await lnd.unary('fundingStateStep', { shim_cancel }, signal)
    },

    closeChannel: (request, signal) => closeChannel(lnd, request, signal),

    abandonChannel: async (outpoint, signal) => {
      const request = { channel_point: toRawChannelPoint(outpoint), i_know_what_i_am_doing: true }
      await lnd.unary('abandonChannel', request, signal)
    },

    addAlias: async ({ base, alias }, signal) => {
      const alias_maps = [{ base_scid: `${base}`, aliases: [`${alias}`] }]
      await lnd.unary('addAliases', { alias_maps }, signal)
    },

    listAliases: async (signal) => {
      const { alias_maps } = await lnd.unary('listAliases', {}, signal)
      return alias_maps.map(toAlias)
    },

    forwardingHistory: async ({ sinceSeconds, wanted = () => true }, signal) => {
      const forwards: Forward[] = []
      for (let offset = 0; ; ) {
        const request = { start_time: `${sinceSeconds}`, index_offset: offset, num_max_events: HISTORY_PAGE }
        const page = await lnd.unary('forwardingHistory', request, signal)
        for (const raw of page.forwarding_events) {
          const row = toForward(raw)
          if (wanted(row)) forwards.push(row)
        }
        if (page.forwarding_events.length < HISTORY_PAGE) return forwards
        offset = page.last_offset_index
      }
    },

    subscribeChannelEvents: (onEvent: OnEvent<ChannelEvent>, signal) =>
      listen(lnd.stream('channelEvents', {}), {
        name: 'subscribeChannelEvents',
        onEvent: (raw) => {
          const event = toChannelEvent(raw)
          if (event !== undefined) onEvent(event)
        },
        signal,
      }),
  }
}
