import * as z from 'zod'
import { createEncoder } from '../../lsps/base/encoder.ts'
import { SidecarError } from '../kernel/errors.ts'
import type { Range, Store, Write } from './port.ts'

/** A named table whose records are decoded on read and encoded on write. Every record carries its version `v`. */
export class Table<Value> {
  readonly name: string
  readonly #schema: z.ZodType<Value>
  readonly #encode: (value: Value) => unknown
  readonly #version: number

  constructor(name: string, schema: z.ZodType<Value>, version = 1) {
    this.name = name
    this.#schema = schema
    this.#encode = createEncoder(schema)
    this.#version = version
  }

  put(key: string, value: Value): Write {
    const record = { v: this.#version, record: this.#encode(value) }
    return { type: 'put', table: this.name, key, value: JSON.stringify(record) }
  }

  del(key: string): Write {
    return { type: 'del', table: this.name, key }
  }

  async get(store: Store, key: string): Promise<Value | undefined> {
    const text = await store.get(this.name, key)
    return text === undefined ? undefined : this.#decode(key, text)
  }

  async *entries(store: Store, range?: Range): AsyncIterable<readonly [key: string, value: Value]> {
    for await (const [key, text] of store.entries(this.name, range)) yield [key, this.#decode(key, text)] as const
  }

  /** @throws SidecarError `RECORD_UNREADABLE`: a damaged record, or one that a newer sluice wrote */
  #decode(key: string, text: string): Value {
    const unreadable = (detail: string, cause?: unknown) =>
      new SidecarError({ code: 'RECORD_UNREADABLE', table: this.name, key, detail }, cause)
    let stored: { v?: unknown; record?: unknown }
    try {
      stored = JSON.parse(text)
    } catch (cause) {
      throw unreadable('not JSON', cause)
    }
    if (stored.v !== this.#version) throw unreadable(`version ${String(stored.v)}, expected ${this.#version}`)
    const parsed = z.safeDecode(this.#schema, stored.record)
    if (!parsed.success) throw unreadable(z.prettifyError(parsed.error), parsed.error)
    return parsed.data
  }
}
