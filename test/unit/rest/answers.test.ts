import { describe, expect, it } from 'vitest'
import { lsps1Faults } from '../../../lsps/lsps1/methods.ts'
import { clientRejected, internalError, invalidParams, methodNotFound } from '../../../lsps/rpc/fault.ts'
import { faultAnswer, transportAnswer } from '../../../src/rest/answers.ts'

describe('an error over HTTP', () => {
  const mismatch = lsps1Faults.optionMismatch({ property: 'min_channel_balance_sat', message: 'too small' })
  it.each([
    [
      'a wrong parameter',
      invalidParams({ unrecognized: [], property: 'token', message: 'too long' }),
      400,
      'token: too long',
    ],
    ['an unknown parameter', invalidParams({ unrecognized: ['a', 'b'] }), 400, 'unknown: a, b'],
    ['an order that does not fit', mismatch, 400, 'min_channel_balance_sat: too small'],
    ['a wrong token', lsps1Faults.unrecognizedToken(), 400, 'The token is unknown or no longer valid.'],
    ['a client that is refused', clientRejected('not now'), 403, 'not now'],
    ['an unknown order', lsps1Faults.notFound(), 404, 'There is no such order.'],
    ['an unknown method', methodNotFound(), 404, 'Method not found'],
    ['what went wrong inside', internalError(), 500, 'Internal error'],
  ])('for %s says the fault as over the connection, and one sentence beside it', (_, fault, status, message) => {
    const { code, message: text, data } = fault
    expect(faultAnswer(fault)).toEqual({
      status,
      body: { error: data === undefined ? { code, message: text } : { code, message: text, data }, message },
    })
  })

  it.each([400, 403, 404, 408, 413, 414, 415, 429, 431, 499, 500, 503, 599])(
    'of status %i has the shape of all others and says nothing but our own words',
    (status) => {
      const { body, status: answered } = transportAnswer(status)
      expect(answered).toBe(status)
      expect(body).toEqual({
        error: { code: expect.any(Number), message: expect.stringMatching(/^[a-z ,/-]+$/i) },
        message: expect.any(String),
      })
    },
  )
})
