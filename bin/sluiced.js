#!/usr/bin/env -S node --max-semi-space-size=8
import { existsSync } from 'node:fs'

// Room for young objects, in MiB (Node's default is 16). Each collection of them pauses every forward of the node, for
// longer the more room there is: while many wallets buy, 8 pauses half as long as 16 and a third as long as 32, twice and
// four times as often, and the slowest answers to forwards and wallets come sooner.
const main = new URL('../dist/src/main.js', import.meta.url)
if (existsSync(main)) {
  await import(main.href)
} else {
  console.error('sluiced is not built yet. Run: npm run build')
  process.exitCode = 1
}
