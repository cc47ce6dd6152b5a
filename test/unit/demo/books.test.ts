import { describe, expect, it } from 'vitest'
import { plain } from '../../../src/cli/format.ts'
import { type Book, compareBooks, millisatoshi, renderBooks } from '../../demo/books.ts'

const AGREED: Book = { name: 'agreed', toWallet: 1_236_481_470n, earned: 3_086_420n }
const WALLET: Book = { ...AGREED, name: 'wallet' }
const JOURNAL: Book = { name: 'journal', earned: 3_086_420n }

describe('the books of the demo', () => {
  it('agree when every figure is the agreed one', () => {
    expect(compareBooks(AGREED, [WALLET, JOURNAL])).toEqual([])
  })

  it('differ by a single millisatoshi, in either direction', () => {
    const less = { ...WALLET, toWallet: 1_236_481_469n }
    const more = { ...JOURNAL, earned: 3_086_421n }
    expect(compareBooks(AGREED, [less, more])).toEqual([
      'wallet: to the wallet 1,236,481,469 msat instead of 1,236,481,470 msat, 1 msat too little',
      'journal: to the operator 3,086,421 msat instead of 3,086,420 msat, 1 msat too much',
    ])
  })

  it('name both figures of a book in which both are wrong', () => {
    expect(compareBooks(AGREED, [{ name: 'lnd', toWallet: 0n, earned: 0n }])).toHaveLength(2)
  })

  it('are shown below each other, with a dash for what a book does not keep', () => {
    expect(renderBooks(AGREED, [WALLET, JOURNAL], plain).split('\n')).toEqual([
      'in msat  to the wallet  to the operator',
      'agreed   1,236,481,470        3,086,420',
      'wallet   1,236,481,470        3,086,420',
      'journal              -        3,086,420',
    ])
  })

  it('let a figure stand out that differs', () => {
    const paint = (style: string, text: string) => (style === 'red' ? `<${text}>` : text)
    const shown = renderBooks(AGREED, [{ ...WALLET, earned: 1n }], paint)
    expect(shown).toContain('<1>')
    expect(shown).not.toContain('<1,236,481,470>')
  })

  it('count in whole millisatoshi', () => {
    expect(millisatoshi(1_234_567_890n)).toBe('1,234,567,890 msat')
  })
})
