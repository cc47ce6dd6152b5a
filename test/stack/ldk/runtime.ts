import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import * as ldk from 'lightningdevkit'

let ready: Promise<void> | undefined

/** Compiles LDK's WASM once per process (about 0.2 s). Must be awaited before anything else of LDK is touched. */
export function loadLdk(): Promise<void> {
  ready ??= load()
  return ready
}

async function load(): Promise<void> {
  const wasm = await readFile(createRequire(import.meta.url).resolve('lightningdevkit/liblightningjs.wasm'))
  // The bindings print their version: a demo's screen is not theirs.
  const screen = globalThis.console
  const print = screen.log
  screen.log = () => undefined
  try {
    await ldk.initializeWasmFromBinary(wasm)
  } finally {
    screen.log = print
  }
}

/** LDK hands out unsigned 64-bit numbers as signed ones. */
export function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value)
}

export function optionalU64(option: ldk.Option_u64Z): bigint | undefined {
  return option instanceof ldk.Option_u64Z_Some ? u64(option.some) : undefined
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** Hashes of blocks and transactions: LDK takes and gives the internal order, everybody else shows the reverse. */
export function reversedHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).reverse().toString('hex')
}

export function fromReversedHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex').reverse())
}

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000)
}
