import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import {
  describeMethods,
  describeNotifications,
  lsps0,
  lsps1,
  lsps2,
  lsps5,
  lsps5Notifications,
  lsps7,
  STANDARD_FAULTS,
} from '../../../lsps/index.ts'

const PAGE = fileURLToPath(new URL('../../../docs/lsps.md', import.meta.url))
const MARKER = '<!-- generated from here on -->'

it('docs/lsps.md is what the method tables say; `npx vitest run --project unit test/unit/docs -u` writes it anew', async () => {
  const [head = ''] = readFileSync(PAGE, 'utf8').split(MARKER)
  const faults = Object.values(STANDARD_FAULTS).map(({ code, name }) => `| ${code} | ${name} |`)
  const table = ['## Errors of every method', '', '| code | name |', '|---|---|', ...faults].join('\n')
  const methods = describeMethods([lsps0, lsps1, lsps2, lsps5, lsps7]).trim()
  const notifications = ['## Notifications to webhooks', describeNotifications(lsps5Notifications).trim()].join('\n\n')
  const page = [`${head}${MARKER}`, '## Methods', methods, notifications, `${table}\n`].join('\n\n')
  await expect(page).toMatchFileSnapshot(PAGE)
})
