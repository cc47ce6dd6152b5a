import type { Sat } from '../../lsps/base/amount.ts'
import type { Clock } from '../../lsps/base/clock.ts'
import { childOf } from '../kernel/wait.ts'
import type { Invoice, LndPort, NodeInfo, OpenAttempt, OpenRequest } from '../lnd/port.ts'
import { refuse, toPortError, unavailable } from './failures.ts'
import type { SimNode } from './node.ts'
import { deferred, type Reservation } from './opens.ts'
import { type Reveal, runCall, type Session, type Stages } from './stages.ts'
import type { StreamEvents } from './streams.ts'

/** What the simulated node claims to be. */
export const SIMULATED_VERSION = '0.21.3-beta'
/** Wumbo, scid-alias, zero-conf and their like, and LSPS (729). */
const FEATURES: readonly number[] = [19, 23, 31, 47, 51, 729]

export type PortDeps = {
  readonly node: SimNode
  readonly stages: Stages
  readonly clock: Clock
}

/** One client's handle on the simulated node. It stops working when its session dies. */
export function simulatedPort(deps: PortDeps, session: Session): LndPort {
  const { node, stages, clock } = deps
  const { coins, channels, streams } = node
  const callDeps = { stages, clock, epoch: () => node.epoch }
  const call = <T>(name: string, signal: AbortSignal, act: (reveal: Reveal) => T): Promise<T> =>
    runCall(callDeps, session, name, signal, act)
  const stream = async <K extends keyof StreamEvents>(
    name: K,
    onEvent: (event: StreamEvents[K]) => void,
    signal: AbortSignal,
    first?: () => StreamEvents[K],
  ): Promise<void> => {
    if (session.alive && !node.up) throw unavailable(name, 'connection refused')
    await streams.subscribe(name, session, { onEvent, signal, first: first?.() })
  }

  return {
    getInfo: (signal) => call('getInfo', signal, () => nodeInfo(node)),
    signMessage: (text, signal) => call('signMessage', signal, () => node.identity.sign(text)),
    listPeers: (signal) => call('listPeers', signal, () => node.peers()),
    disconnectPeer: (peer, signal) =>
      call('disconnectPeer', signal, () => {
        if (!node.isOnline(peer)) refuse(`unable to disconnect peer: peer ${peer} is not connected`)
        node.drop(peer)
      }),
    sendCustomMessage: ({ peer, type, data }, signal) =>
      call('sendCustomMessage', signal, () => node.sendMessage(peer, type, data)),

    listChannels: (signal, peer) => call('listChannels', signal, () => channels.open(peer)),
    pendingChannels: (signal) => call('pendingChannels', signal, () => channels.pending()),
    closedChannels: (signal) => call('closedChannels', signal, () => channels.closed()),

    openChannel: (request, signal) => openChannel(deps, session, request, signal),
    verifyFunding: ({ psbt, pendingChannelId }, signal) =>
      call('verifyFunding', signal, () => node.opens.verify(psbt, pendingChannelId)),
    cancelFunding: (id, signal) => call('cancelFunding', signal, () => node.opens.cancel(id)),

    closeChannel: ({ outpoint, how }, signal) =>
      call('closeChannel', signal, () => {
        node.closing.closeByNode(channels.all.get(outpoint) ?? refuse('unable to find channel'), how)
      }),
    abandonChannel: (outpoint, signal) =>
      call('abandonChannel', signal, () => {
        const channel = channels.all.get(outpoint)
        if (channel !== undefined && channel.state !== 'closed') node.closing.abandon(channel)
      }),

    addAlias: ({ base, alias }, signal) => call('addAlias', signal, () => channels.addAlias(base, alias)),
    listAliases: (signal) => call('listAliases', signal, () => channels.aliases()),

    fundPsbt: (request, signal) =>
      call('fundPsbt', signal, (reveal) => {
        const { psbt, show } = coins.fund(request)
        reveal(show)
        return psbt
      }),
    finalizePsbt: (psbt, signal) => call('finalizePsbt', signal, () => coins.finalize(psbt)),
    publishTransaction: ({ raw, label }, signal) =>
      call('publishTransaction', signal, () => node.receipts.label(node.chain.publish(raw).txid, label)),
    confirmations: (txid, signal) => call('confirmations', signal, () => node.receipts.confirmations(txid)),
    bumpFee: (request, signal) => call('bumpFee', signal, () => coins.bump(request)),
    spends: (outpoints, signal) => call('spends', signal, () => coins.spends(outpoints)),
    labelled: (label, signal) => call('labelled', signal, () => node.receipts.labelled(label)),
    rawTransaction: (txid, signal) => call('rawTransaction', signal, () => node.receipts.raw(txid)),
    listLeases: (signal) => call('listLeases', signal, () => coins.leases()),
    leaseOutput: (request, signal) => call('leaseOutput', signal, () => coins.lease(request)),
    releaseOutput: (lease, signal) => call('releaseOutput', signal, () => coins.release(lease)),
    walletBalance: (signal) => call('walletBalance', signal, () => coins.balance() as Sat),
    listUnspent: (minConfs, signal) =>
      call('listUnspent', signal, () =>
        coins
          .unspent(minConfs)
          .map(({ outpoint, value, confirmations }) => ({ outpoint, amount: value as Sat, confirmations })),
      ),
    anchorReserve: (signal) => call('anchorReserve', signal, () => node.anchorReserve as Sat),
    newAddress: (signal) => call('newAddress', signal, () => coins.newAddress()),
    receipts: (request, signal) => call('receipts', signal, () => node.receipts.list(request)),
    estimateFeerate: (_target, signal) => call('estimateFeerate', signal, () => node.feerate),

    ...invoiceCalls(deps, session, call),

    forwardingHistory: ({ sinceSeconds, wanted = () => true }, signal) =>
      call('forwardingHistory', signal, () => node.log.list(sinceSeconds).filter(wanted)),

    interceptHtlcs: async (onOffer, signal) => {
      if (session.alive && !node.up) throw unavailable('interceptHtlcs', 'connection refused')
      await node.hub.attach(session, onOffer, signal)
    },
    subscribeHtlcEvents: (onEvent, signal) => stream('subscribeHtlcEvents', onEvent, signal),
    subscribeChannelEvents: (onEvent, signal) => stream('subscribeChannelEvents', onEvent, signal),
    subscribePeerEvents: (onEvent, signal) => stream('subscribePeerEvents', onEvent, signal),
    subscribeCustomMessages: (onEvent, signal) => stream('subscribeCustomMessages', onEvent, signal),
    subscribeTransactions: (onEvent, signal) => stream('subscribeTransactions', onEvent, signal),
    subscribeBlocks: (onEvent, signal) => stream('subscribeBlocks', onEvent, signal, () => node.chain.height),
  }
}

type InvoiceCalls = Pick<
  LndPort,
  'addHoldInvoice' | 'lookupInvoice' | 'settleInvoice' | 'cancelInvoice' | 'subscribeInvoice'
>
type Call = <T>(name: string, signal: AbortSignal, act: (reveal: Reveal) => T) => Promise<T>

function invoiceCalls({ node }: PortDeps, session: Session, call: Call): InvoiceCalls {
  const { invoices, streams } = node
  return {
    addHoldInvoice: (request, signal) => call('addHoldInvoice', signal, () => invoices.add(request)),
    lookupInvoice: (hash, signal) => call('lookupInvoice', signal, () => invoices.lookup(hash)),
    settleInvoice: (preimage, signal) => call('settleInvoice', signal, () => invoices.settle(preimage)),
    cancelInvoice: (hash, signal) => call('cancelInvoice', signal, () => invoices.cancel(hash)),
    subscribeInvoice: async (hash, onEvent, signal) => {
      if (session.alive && !node.up) throw unavailable('subscribeInvoice', 'connection refused')
      // Ends after a final state, as lnd's stream does.
      const over = childOf(signal)
      const hand = (invoice: Invoice) => {
        onEvent(invoice)
        if (invoice.state === 'settled' || invoice.state === 'canceled') over.abort()
      }
      const first = invoices.lookup(hash)
      try {
        await streams.subscribe('subscribeInvoice', session, { onEvent: hand, signal: over.signal, first, about: hash })
      } finally {
        over.abort()
      }
    },
  }
}

function nodeInfo(node: SimNode): NodeInfo {
  return {
    nodeId: node.nodeId,
    alias: 'sandbox',
    version: SIMULATED_VERSION,
    network: 'regtest',
    blockHeight: node.chain.height,
    syncedToChain: true,
    requireInterceptor: node.requireInterceptor,
    features: FEATURES,
    uris: [`${node.nodeId}@127.0.0.1:9735`],
  }
}

/** The open's two updates are stages of their own: `openChannel.template` and `openChannel.pending`. */
function openChannel(deps: PortDeps, session: Session, request: OpenRequest, signal: AbortSignal): OpenAttempt {
  const { node, stages, clock } = deps
  const template = deferred<Awaited<OpenAttempt['template']>>()
  const pending = deferred<Awaited<OpenAttempt['pending']>>()
  const listening = new AbortController()
  let done = false
  const fail = (error: unknown) => {
    if (done) return
    done = true
    forget()
    template.reject(error)
    pending.reject(error)
  }
  const onAbort = () => fail(signal.reason)
  const forgetNode = node.streams.onNodeGone(() => fail(unavailable('openChannel', 'the stream ended')))
  const forget = () => {
    forgetNode()
    signal.removeEventListener('abort', onAbort)
  }
  signal.addEventListener('abort', onAbort, { once: true })

  const update = async <T>(name: string, from: Promise<T>, hand: (value: T) => void) => {
    try {
      const value = await from
      if (stages.active) {
        const passage = {
          call: `openChannel.${name}`,
          stage: 'answered' as const,
          n: stages.use(`openChannel.${name}`),
        }
        await stages.pass(session, passage, listening.signal)
      }
      if (session.alive && !done) hand(value)
    } catch (error) {
      if (session.alive) fail(toPortError('openChannel', error))
    }
  }
  const follow = (reservation: Reservation) => {
    void update('template', reservation.template.promise, template.resolve)
    void update('pending', reservation.pending.promise, (outpoint) => {
      done = true
      forget()
      pending.resolve(outpoint)
    })
  }
  const callDeps = { stages, clock, epoch: () => node.epoch, unanswered: true }
  const started = runCall(callDeps, session, 'openChannel', signal, () => {
    const reservation = node.opens.start(request)
    follow(reservation)
    return reservation
  })
  started.catch(fail)
  const detach = () => {
    done = true
    forget()
  }
  return { template: template.promise, pending: pending.promise, detach }
}
