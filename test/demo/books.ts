import { type Cell, type Paint, table, thousands } from '../../src/cli/format.ts'

/** What one party wrote down about the same payments. Millisatoshi. */
export type Book = {
  readonly name: string
  /** What came to the wallet in all; undefined in a book that does not keep it. */
  readonly toWallet?: bigint
  /** What stayed with the operator in all. */
  readonly earned: bigint
}

/** How the others differ from the agreement, in words; empty when all agree to the millisatoshi. */
export function compareBooks(agreed: Book, books: readonly Book[]): readonly string[] {
  return books.flatMap((book) => [
    ...difference(`${book.name}: to the wallet`, book.toWallet, agreed.toWallet),
    ...difference(`${book.name}: to the operator`, book.earned, agreed.earned),
  ])
}

function difference(what: string, found: bigint | undefined, expected: bigint | undefined): string[] {
  if (found === undefined || expected === undefined || found === expected) return []
  const gap = found - expected
  const size = gap < 0n ? -gap : gap
  const direction = gap < 0n ? 'too little' : 'too much'
  return [`${what} ${millisatoshi(found)} instead of ${millisatoshi(expected)}, ${millisatoshi(size)} ${direction}`]
}

/** All books below each other, the agreement first; a figure that differs from it stands out. */
export function renderBooks(agreed: Book, books: readonly Book[], paint: Paint): string {
  const figure = (found: bigint | undefined, expected: bigint | undefined): Cell => {
    if (found === undefined) return '-'
    return { text: thousands(found), style: found === expected ? 'green' : 'red' }
  }
  const rows = [agreed, ...books].map((book): Cell[] => [
    book.name,
    figure(book.toWallet, agreed.toWallet),
    figure(book.earned, agreed.earned),
  ])
  const columns = [
    { title: 'in msat' },
    { title: 'to the wallet', align: 'right' as const },
    { title: 'to the operator', align: 'right' as const },
  ]
  return table(columns, rows, paint)
}

export function millisatoshi(amount: bigint): string {
  return `${thousands(amount)} msat`
}
