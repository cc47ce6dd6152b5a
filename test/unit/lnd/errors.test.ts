import { describe, expect, it } from 'vitest'
import { SidecarError } from '../../../src/kernel/errors.ts'
import { fromGrpc } from '../../../src/lnd/errors.ts'

const grpcError = (code: number, details: string) => Object.assign(new Error(`${code}: ${details}`), { code, details })
const failure = (code: number, details: string) => fromGrpc('call', grpcError(code, details)).failure

describe('a failed call', () => {
  it('is a refusal, in the words of lnd, when lnd answered', () => {
    expect(failure(2, 'alias already exists')).toEqual({
      code: 'LND_REFUSED',
      call: 'call',
      detail: 'alias already exists',
    })
    for (const code of [3, 5, 6, 7, 9, 12, 16]) expect(failure(code, 'no').code).toBe('LND_REFUSED')
  })

  it('leaves open what happened when the answer did not arrive', () => {
    for (const code of [1, 4, 8, 13, 14]) expect(failure(code, 'lost').code).toBe('LND_UNAVAILABLE')
    expect(failure(2, 'No status information received').code).toBe('LND_UNAVAILABLE')
    expect(fromGrpc('call', new TypeError('odd')).failure.code).toBe('LND_UNAVAILABLE')
  })

  it('is to be tried again while lnd starts, is locked or stops', () => {
    const words = [
      'the RPC server is in the process of starting up, but not yet ready to accept calls',
      'server is still in the process of starting',
      'wallet locked, unlock it to enable full RPC access',
      'funding manager shutting down',
      'chain notifier RPC is still in the process of starting',
      'unable to get retrieve pending channels: database not open',
      'cannot retrieve macaroon: cannot get macaroon: macaroon store is locked',
    ]
    for (const detail of words) expect(fromGrpc('call', grpcError(2, detail)).retryable).toBe(true)
  })

  it('says how to mend the connection', () => {
    const wrap = (reason: string) => `No connection established. Last error: Error: ${reason}. Resolution note: `

    expect(failure(14, wrap('connect ECONNREFUSED 127.0.0.1:1'))).toMatchObject({
      detail: 'connect ECONNREFUSED 127.0.0.1:1',
    })
    expect(failure(14, wrap('self-signed certificate'))).toMatchObject({
      detail: expect.stringContaining('lnd.cert_path'),
    })
    expect(failure(2, 'wallet locked, unlock it')).toMatchObject({ detail: expect.stringContaining('lncli unlock') })
  })

  it('stays what it is when it was understood before', () => {
    const error = new SidecarError({ code: 'LND_REFUSED', call: 'other', detail: 'no' })

    expect(fromGrpc('call', error)).toBe(error)
  })
})
