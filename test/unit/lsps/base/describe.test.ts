import { describe, expect, it } from 'vitest'
import { describeMethods } from '../../../../lsps/base/describe.ts'
import { lsps0 } from '../../../../lsps/lsps0/methods.ts'
import { lsps2 } from '../../../../lsps/lsps2/methods.ts'

describe('the reference of the methods', () => {
  it('names each method with its parameters, its result and its errors', () => {
    const text = describeMethods([lsps0, lsps2])
    expect(text).toContain('### lsps0.list_protocols\n\n')
    expect(text).toContain('- parameters: none\n- result: `protocols`\n- errors of its own: none\n')
    expect(text).toContain('- parameters: `token?`\n')
    expect(text).toContain('`opening_fee_params_menu.min_fee_msat`')
    expect(text).toContain('`opening_fee_params.promise`, `payment_size_msat?`')
    expect(text).toContain('1 client_rejected, 201 invalid_opening_fee_params')
  })
})
