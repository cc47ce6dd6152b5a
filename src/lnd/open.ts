import { onAbort } from './abort.ts'
import type { Connection } from './connect.ts'
import { outpointFromBytes, toFundingTemplate } from './convert.ts'
import { fromGrpc, unavailable } from './errors.ts'
import type { FundingTemplate, OpenAttempt, OpenRequest, Outpoint } from './port.ts'

const CALL = 'openChannel'

/**
 * funding.md step 1: an open that waits for our PSBT and that lnd itself never broadcasts. lnd does not notice when we
 * stop listening: it goes on with the open.
 */
export function openChannel(lnd: Connection, request: OpenRequest, signal: AbortSignal): OpenAttempt {
  const template = deferred<FundingTemplate>()
  const pending = deferred<Outpoint>()
  const fail = (error: Error) => {
    template.reject(error)
    pending.reject(error)
  }
  if (signal.aborted) {
    fail(unavailable(CALL, 'it was not called: the caller had given up', signal.reason))
    return { template: template.promise, pending: pending.promise, detach: () => {} }
  }

  const call = lnd.stream('openChannel', toRawRequest(request))
  const end = (error: Error) => {
    release()
    fail(error)
  }
  const stop = (why: string) => {
    end(unavailable(CALL, why, signal.reason))
    call.cancel()
  }
  call.on('error', (error) => end(fromGrpc(CALL, error)))
  call.on('end', () => end(unavailable(CALL, 'the stream ended')))
  call.on('data', (update) => {
    if (update.psbt_fund !== undefined) template.resolve(toFundingTemplate(update.psbt_fund))
    if (update.chan_pending !== undefined) pending.resolve(outpointFromBytes(update.chan_pending))
  })
  const release = onAbort(signal, () => stop('the caller gave up'))
  return { template: template.promise, pending: pending.promise, detach: () => stop('nobody listens any more') }
}

/** No fee fields: lnd refuses them beside a PSBT. Fees 0/0: each part of a payment passes, whatever is withheld. */
function toRawRequest(request: OpenRequest): object {
  const { peer, capacity, push, pendingChannelId, memo, zeroConf, scidAlias, maxLocalCsv } = request
  return {
    node_pubkey: Buffer.from(peer, 'hex'),
    local_funding_amount: `${capacity}`,
    private: request.private,
    commitment_type: 'ANCHORS',
    zero_conf: zeroConf,
    scid_alias: scidAlias,
    use_base_fee: true,
    base_fee: '0',
    use_fee_rate: true,
    fee_rate: '0',
    min_htlc_msat: '1',
    memo,
    ...(push === undefined ? {} : { push_sat: `${push}` }),
    ...(maxLocalCsv === undefined ? {} : { max_local_csv: `${maxLocalCsv}` }),
    funding_shim: { psbt_shim: { pending_chan_id: Buffer.from(pendingChannelId, 'hex'), no_publish: true } },
  }
}

type Deferred<T> = {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void
}

function deferred<T>(): Deferred<T> {
  let settle: Omit<Deferred<T>, 'promise'> | undefined
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  // Whoever waits for one of an attempt's promises may not look at the other.
  promise.catch(() => {})
  if (settle === undefined) throw new Error('unreachable: a promise runs its executor at once')
  return { promise, ...settle }
}
