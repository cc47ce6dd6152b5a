#!/usr/bin/env -S node --max-semi-space-size=32
import { existsSync } from 'node:fs'

// Room for young objects, in MiB (Node's default is 16): half as many collections while many wallets buy, each pausing
// every forward of the node, for some 50 MiB more memory.
const main = new URL('../dist/src/main.js', import.meta.url)
if (existsSync(main)) {
  await import(main.href)
} else {
  console.error('sluiced is not built yet. Run: npm run build')
  process.exitCode = 1
}
