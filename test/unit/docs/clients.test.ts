import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { QUIRKS } from '../../../src/callers/quirks.ts'

const PAGE = fileURLToPath(new URL('../../../docs/clients.md', import.meta.url))

const HEAD = `# What is done differently for whom

Where a real client differs from the specs, sluiced meets it, on purpose and in this list only. Everything else follows
the specs, for everybody. The page is generated from the one table of it, \`src/callers/quirks.ts\`; each row has a test.

lightning-liquidity is recognised by what it sends, each with an id of 32 hex characters: \`"token": null\` in
\`lsps2.get_info\` or \`lsps1.create_order\`; an order whose parameters stand in the order in which only it writes them; after
a restart of sluiced, a question about an order whose token is null. Whoever answers that it could not read an answer of
ours is taken for it from then on.
`

it('docs/clients.md is what the table says; `npx vitest run --project unit test/unit/docs -u` writes it anew', async () => {
  const rows = Object.entries(QUIRKS).map(
    ([name, { client, recognisedBy, difference, source }]) =>
      `| \`${name}\` | ${client} | ${recognisedBy} | ${difference} | ${source} |`,
  )
  const table = ['| row | client | recognised by | what is done | where it is seen |', '|---|---|---|---|---|', ...rows]
  await expect(`${HEAD}\n${table.join('\n')}\n`).toMatchFileSnapshot(PAGE)
})
